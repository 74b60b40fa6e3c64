import Glibc

/// A file that is written beside its final place and appears there whole, or not at all.
package struct OutputFile: ~Copyable {
    private let path: String
    private let temporaryPath: String
    private let descriptor: Int32

    /// Creates `<path>.partial`.
    ///
    /// - Throws: `SystemError` when it cannot be created.
    package init(path: String) throws(SystemError) {
        self.path = path
        temporaryPath = path + ".partial"
        descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError("create \(temporaryPath)") }
    }

    deinit {
        close(descriptor)
        unsafe unlink(temporaryPath) // gone already when committed
    }

    /// Appends bytes.
    ///
    /// - Throws: `SystemError` when the file system refuses them, for example because it is full.
    package func write(_ bytes: RawSpan) throws(SystemError) {
        var written = 0
        while written < bytes.byteCount {
            let rest = bytes.extracting(droppingFirst: written)
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write \(temporaryPath)") }
            written += count
        }
    }

    /// Appends bytes.
    ///
    /// - Throws: `SystemError` as above.
    package func write(_ bytes: [UInt8]) throws(SystemError) { try unsafe write(bytes.span.bytes) }

    /// Puts the file in its place, over an older one; readers that have the older one mapped keep it.
    ///
    /// - Throws: `SystemError` when the bytes cannot be kept or the name cannot be given.
    package consuming func commit() throws(SystemError) {
        guard fsync(descriptor) == 0 else { throw SystemError("write \(temporaryPath)") }
        guard unsafe rename(temporaryPath, path) == 0 else {
            throw SystemError("rename \(temporaryPath) to \(path)")
        }
    }
}
