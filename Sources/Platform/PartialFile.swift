import Glibc

/// A file that grows at its end and is gone on with by a later process.
package final class PartialFile {
    private let path: String
    private let descriptor: Descriptor
    /// How many bytes it has.
    package private(set) var count: Int

    /// Opens the file, or makes an empty one.
    ///
    /// - Throws: `SystemError` when neither goes.
    package init(path: String) throws(SystemError) {
        let number = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard number >= 0 else { throw SystemError("create \(path)") }
        self.path = path
        descriptor = Descriptor(owning: number)
        // A file that was just opened is on an open file system: its length is known.
        count = max(0, Int(lseek(number, 0, SEEK_END)))
    }

    /// Appends bytes.
    ///
    /// - Throws: `SystemError` when the file system refuses them, for example because it is full.
    package func append(_ bytes: RawSpan) throws(SystemError) {
        var written = 0
        while written < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: written)
            let result = unsafe rest.withUnsafeBytes {
                unsafe write(descriptor.number, $0.baseAddress, $0.count)
            }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { throw SystemError("write \(path)") }
            written += result
            count += result
        }
    }

    /// Throws away what is behind the first `count` bytes.
    ///
    /// - Throws: `SystemError` when it cannot.
    package func truncate(to count: Int) throws(SystemError) {
        guard ftruncate(descriptor.number, off_t(count)) == 0 else { throw SystemError("truncate \(path)") }
        self.count = count
    }

    /// Waits until the bytes are on the disk.
    ///
    /// - Throws: `SystemError` when they cannot be kept.
    package func keep() throws(SystemError) {
        guard fsync(descriptor.number) == 0 else { throw SystemError("write \(path)") }
    }
}

/// A folder that one process at a time works in; the kernel lets it go when that ends, however that is.
package struct LockedFolder: ~Copyable {
    private let descriptor: Descriptor

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Makes the folder if it is not there, and locks it.
    ///
    /// - Returns: nil when another process has it.
    /// - Throws: `SystemError` when it cannot be made.
    package static func lock(_ path: String) throws(SystemError) -> LockedFolder? {
        try Folder.create(path, mode: 0o777)
        let number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError("open \(path)") }
        let descriptor = Descriptor(owning: number)
        if flock(number, LOCK_EX | LOCK_NB) == 0 { return LockedFolder(descriptor) }
        guard errno == EWOULDBLOCK else { throw SystemError("lock \(path)") }
        return nil
    }

    /// Lets others work there; at the latest its owner's letting go does.
    package consuming func release() {}
}
