internal import Logging
internal import Platform

/// Where the versions of the models of a weights folder lie.
package enum ModelFolders {
    /// A model with the folders of its versions, in increasing order.
    struct Found: Equatable {
        let name: String
        let versions: [Version]
    }

    /// One version: its number, its folder, and the file there that describes it, or why the folder cannot be read.
    struct Version: Equatable {
        let number: Int
        let path: String
        let manifest: Result<ManifestFile, SystemError>

        var name: String { String(number) }
    }

    /// The models of a folder, by name.
    ///
    /// A folder with a `model.json`, or else timm's `config.json`, is version 1 of its model; its subfolders whose
    /// names are positive integers and that have one are versions too. Other folders are no models; one that cannot
    /// be looked into (not ours to read, a link that leads nowhere) might be one, and is found as a version that fails.
    /// - Throws: `SystemError` when the folder cannot be listed.
    static func scan(_ folder: String, logger: Logger) throws(SystemError) -> [Found] {
        var found: [Found] = []
        for name in try DirectoryListing.names(in: folder).sorted() {
            let versions = versions(in: "\(folder)/\(name)")
            guard !versions.isEmpty else { continue }
            guard isModelName(name), !isHidden(versions, name) else {
                let rule = "1 to 64 of the characters A-Z a-z 0-9 . _ -"
                var metadata: Logger.Metadata = ["folder": "\(name)"]
                if case .failure(let error) = versions[0].manifest { metadata["reason"] = "\(error.reason)" }
                logger.warning("folder ignored: a model's name is \(rule)", metadata: metadata)
                continue
            }
            found.append(Found(name: name, versions: versions))
        }
        return found
    }

    /// The versions of one model of a folder, as `scan` finds them; none where there is no such model.
    ///
    /// - Throws: `SystemError` when the folder cannot be listed.
    static func versions(of name: String, in folder: String) throws(SystemError) -> [Version] {
        guard try DirectoryListing.names(in: folder).contains(name), isModelName(name) else { return [] }
        let versions = versions(in: "\(folder)/\(name)")
        return isHidden(versions, name) ? [] : versions
    }

    /// Whether a name matches `[A-Za-z0-9._-]{1,64}` and is not a way up the tree.
    package static func isModelName(_ name: String) -> Bool {
        guard 1...64 ~= name.utf8.count, name != ".", name != ".." else { return false }
        return name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "._-".utf8.contains($0) }
    }

    private static func versions(in folder: String) -> [Version] {
        do throws(SystemError) {
            let names = try names(in: folder)
            let flat = ManifestFile(among: names).map {
                Version(number: 1, path: folder, manifest: .success($0))
            }
            // A folder `1` beside a model that lies flat would be a second version 1.
            let numbers = names.compactMap(versionNumber).filter { flat == nil || $0 != 1 }
            let versions = [flat].compactMap(\.self) + numbers.compactMap { version($0, in: folder) }
            return versions.sorted { $0.number < $1.number }
        } catch {
            return [Version(number: 1, path: folder, manifest: .failure(error))]
        }
    }

    private static func version(_ number: Int, in folder: String) -> Version? {
        let path = "\(folder)/\(number)"
        do throws(SystemError) {
            guard let file = ManifestFile(among: try names(in: path)) else { return nil }
            return Version(number: number, path: path, manifest: .success(file))
        } catch {
            return Version(number: number, path: path, manifest: .failure(error))
        }
    }

    /// The names in a folder; none in what is no folder.
    private static func names(in folder: String) throws(SystemError) -> [String] {
        do { return try DirectoryListing.names(in: folder) } catch {
            if error.isNoFolder { return [] }
            throw error
        }
    }

    /// Whether all there is is a folder that cannot be read and whose name says that it is somebody's own affair.
    private static func isHidden(_ versions: [Version], _ name: String) -> Bool {
        guard name.utf8.first == UInt8(ascii: "."), versions.count == 1 else { return false }
        if case .failure = versions[0].manifest { return true }
        return false
    }

    /// The number of a version folder; `01` and `0` are none.
    static func versionNumber(_ name: String) -> Int? {
        guard let number = Int(name), number > 0, String(number) == name else { return nil }
        return number
    }
}
