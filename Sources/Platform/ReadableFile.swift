import Glibc

/// A file that is read at places of the caller's choice.
///
/// Nothing of it is mapped: a file that is replaced, cut short or deleted meanwhile gives other bytes or fewer, never a
/// signal. It is closed when the object goes.
package final class ReadableFile: Sendable {
    /// What a path can lead to.
    package enum Kind: String, Sendable {
        case regular = "a regular file"
        case directory = "a directory"
        case pipe = "a named pipe"
        case characterDevice = "a character device"
        case blockDevice = "a block device"
        case other = "neither a file nor a directory"
    }

    /// The path that was opened, for error messages.
    package let path: String
    package let kind: Kind
    /// The length in bytes when it was opened.
    package let count: Int
    private let descriptor: Descriptor
    private let opened: Version

    /// Opens what is at `path`, without waiting for a pipe's other end.
    ///
    /// - Throws: `SystemError` when it cannot be opened.
    package init(path: String) throws(SystemError) {
        self.path = path
        let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw SystemError("open \(path)") }
        descriptor = Descriptor(owning: number)
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw SystemError("stat \(path)") }
        kind = Kind(mode: status.st_mode)
        count = Int(status.st_size)
        opened = Version(status)
    }

    /// Fills `target` with the bytes from `offset` on.
    ///
    /// - Returns: how many there were; fewer than asked for at the file's end only.
    /// - Throws: `SystemError` when it cannot be read.
    package func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        var done = 0
        while done < target.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...])
            let count = unsafe pread(descriptor.number, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("read \(path)") }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// The `count` bytes from `offset` on; fewer at the file's end only.
    ///
    /// - Throws: `SystemError` when they cannot be read.
    package func bytes(_ count: Int, at offset: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, found in
            do throws(SystemError) {
                let whole = unsafe UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
                found = try unsafe read(at: offset, into: whole)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Whether somebody wrote to the file since it was opened.
    ///
    /// - Throws: `SystemError` when the system does not say.
    package func hasChanged() throws(SystemError) -> Bool {
        var status = stat()
        guard unsafe fstat(descriptor.number, &status) == 0 else { throw SystemError("stat \(path)") }
        return Version(status) != opened
    }

    /// What changes when a file's contents do.
    private struct Version: Equatable {
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }
}

extension ReadableFile.Kind {
    fileprivate init(mode: mode_t) {
        self =
            switch mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFIFO: .pipe
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .other
            }
    }
}
