import Glibc

/// What tells whether somebody wrote to the files of a folder: their names, sizes and times of change.
///
/// The time is that of the inode (`ctime`), which no program can set back. Two that are equal are of the same contents.
package struct FolderStamp: Sendable, Equatable {
    private struct File: Sendable, Equatable {
        let inode: UInt
        let size: Int
        let change: Duration
    }

    private let files: [String: File]
    /// The latest change of a file or of the folder itself, since 1970.
    private let latest: Duration

    /// Looks at a folder; what is in folders below is left out.
    ///
    /// - Throws: `SystemError` when the folder cannot be read.
    package init(path: String) throws(SystemError) {
        guard let folder = Self.status(path) else { throw SystemError("stat \(path)") }
        var files: [String: File] = [:]
        var latest = Self.change(folder)
        for name in try DirectoryListing.names(in: path) {
            // One that went meanwhile is not there.
            guard let status = Self.status("\(path)/\(name)"), status.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            let file = File(inode: status.st_ino, size: Int(status.st_size), change: Self.change(status))
            files[name] = file
            latest = max(latest, file.change)
        }
        self.files = files
        self.latest = latest
    }

    package static func == (one: FolderStamp, other: FolderStamp) -> Bool { one.files == other.files }

    /// How long ago something was last changed, by the clock that files have their times from.
    package var age: Duration {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Self.duration(now) - latest
    }

    /// The sizes of the files whose names end so, in bytes.
    package func sizes(ofFilesEnding suffix: String) -> [Int] {
        files.compactMap { $0.key.utf8.reversed().starts(with: suffix.utf8.reversed()) ? $0.value.size : nil }
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status : nil
    }

    private static func change(_ status: stat) -> Duration { duration(status.st_ctim) }

    private static func duration(_ time: timespec) -> Duration {
        .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
