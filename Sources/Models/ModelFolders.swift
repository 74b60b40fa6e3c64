internal import Logging
internal import Platform

/// Where the versions of the models of a weights folder lie.
enum ModelFolders {
    /// A model with the folders of its versions, in increasing order.
    struct Found: Equatable {
        let name: String
        let versions: [Version]
    }

    /// One version: its name, its folder, and the file there that describes it.
    struct Version: Equatable {
        let name: String
        let path: String
        let manifest: ManifestFile
    }

    /// The models of a folder, by name.
    ///
    /// A folder with a `model.json`, or else timm's `config.json`, is version 1 of its model; else its subfolders
    /// whose names are positive integers and that have one are its versions. Other folders are no models.
    /// - Throws: `SystemError` when the folder cannot be listed.
    static func scan(_ folder: String, logger: Logger) throws(SystemError) -> [Found] {
        var found: [Found] = []
        for name in try DirectoryListing.names(in: folder).sorted() {
            let versions = versions(in: "\(folder)/\(name)")
            guard !versions.isEmpty else { continue }
            guard isModelName(name) else {
                let rule = "1 to 64 of the characters A-Z a-z 0-9 . _ -"
                logger.warning("folder ignored: a model's name is \(rule)", metadata: ["folder": "\(name)"])
                continue
            }
            found.append(Found(name: name, versions: versions))
        }
        return found
    }

    /// Whether a name matches `[A-Za-z0-9._-]{1,64}` and is not a way up the tree.
    static func isModelName(_ name: String) -> Bool {
        guard 1...64 ~= name.utf8.count, name != ".", name != ".." else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    private static func versions(in folder: String) -> [Version] {
        let names = names(in: folder)
        if let file = ManifestFile(among: names) { return [Version(name: "1", path: folder, manifest: file)] }
        return names.compactMap(versionNumber).sorted().compactMap { number in
            let path = "\(folder)/\(number)"
            return ManifestFile(among: Self.names(in: path)).map { file in
                Version(name: String(number), path: path, manifest: file)
            }
        }
    }

    private static func names(in folder: String) -> [String] {
        // What cannot be listed is a file, or not ours to read.
        (try? DirectoryListing.names(in: folder)) ?? []
    }

    /// The number of a version folder; `01` and `0` are none.
    private static func versionNumber(_ name: String) -> Int? {
        guard let number = Int(name), number > 0, String(number) == name else { return nil }
        return number
    }
}
