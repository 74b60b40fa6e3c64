internal import Engine
internal import Platform
internal import Support

/// One version of a model on its way from its folder to requests: waited for, read, planned, warmed and checked.
///
/// What it reads is of one piece: a folder that somebody writes to is waited for, and read again when it changed meanwhile.
struct VersionLoad {
    /// How long a folder must be left alone before it is read.
    struct Patience: Sendable, Equatable {
        var settle: Duration = .zero
        /// How long to wait for that.
        var most: Duration = .seconds(60)
    }

    let model: String
    let found: ModelFolders.Version
    let tuning: Tuning
    let patience: Patience
    /// Waits; false when the registry ends meanwhile.
    let pause: (Duration) -> Bool

    private static let attempts = 5

    /// Reads the folder.
    ///
    /// - Parameter version: gets the manifest and the stamp as soon as they are known, also when something fails then.
    /// - Returns: the model, not planned yet, and what it has to answer.
    /// - Throws: an error whose description says what is wrong in which file.
    func read(into version: inout ModelEntry.Version) throws -> (model: Model, golden: Golden?) {
        // A folder that cannot be read says so before anything else is asked of it.
        if case .failure = found.manifest { return try readOnce(&version.manifest) }
        var attempt = 1
        while true {
            let stamp = try settled()
            version.stamp = stamp
            let result = Result { try readOnce(&version.manifest) }
            // What happened while it was read may be half of one thing and half of another.
            guard let after = try? FolderStamp(path: found.path), after != stamp, attempt < Self.attempts
            else {
                return try result.get()
            }
            attempt += 1
        }
    }

    private func readOnce(_ manifest: inout Manifest?) throws -> (model: Model, golden: Golden?) {
        let file = try found.manifest.mapError { error in
            ServingError.internalError("its folder cannot be read: \(error.reason)", code: "unreadable")
        }.get()
        let loader = ModelLoader(folder: found.path, manifestFile: file, tuning: tuning)
        let read = try loader.manifest()
        manifest = read
        let model = try loader.model(read, name: model, version: found.name)
        guard try DirectoryListing.names(in: found.path).contains(Golden.fileName) else {
            return (model, nil)
        }
        return (model, try Golden(path: "\(found.path)/\(Golden.fileName)", of: model))
    }

    /// The folder's stamp, once nobody has written to it for a while.
    private func settled() throws -> FolderStamp {
        let start = ContinuousClock.now
        var stamp = try FolderStamp(path: found.path)
        // A clock that was set back makes files of the future, which would never grow old: one that stays is enough.
        while stamp.age < patience.settle {
            guard pause(patience.settle - max(.zero, stamp.age)) else { throw ServingError.draining }
            let later = try FolderStamp(path: found.path)
            if later == stamp, later.age < .zero { return later }
            guard ContinuousClock.now - start < patience.most else {
                throw FormatError(model, "its folder is still being written to after \(patience.most)")
            }
            stamp = later
        }
        return stamp
    }
}
