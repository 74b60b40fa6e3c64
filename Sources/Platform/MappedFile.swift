import Glibc

/// A file mapped read-only into memory; the mapping lives as long as the object.
///
/// The pages belong to the page cache, so every model that maps the same file shares them.
@safe // the pages are read-only and reached only through withBytes
package final class MappedFile: Sendable {
    /// The path that was opened, for error messages.
    package let path: String
    /// The file's length in bytes when it was mapped.
    package let count: Int
    private nonisolated(unsafe) let base: UnsafeRawPointer? // immutable after init, unmapped in deinit

    /// Maps the regular file at `path`.
    ///
    /// - Throws: `SystemError` when it cannot be opened, is not a regular file, or cannot be mapped.
    package init(path: String) throws(SystemError) {
        self.path = path
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemError("stat \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("open \(path)", code: EISDIR) }
        count = Int(status.st_size)
        guard count > 0 else {
            unsafe base = nil
            return
        }
        let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw SystemError("map \(path)")
        }
        unsafe base = UnsafeRawPointer(address)
    }

    deinit {
        if let base = unsafe base { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }
    }

    /// Calls `body` with the file's bytes, valid during the call only.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// The fingerprint of the file's bytes, all of which are read.
    package var fingerprint: UInt64 { unsafe withBytes { unsafe Fingerprint.of($0.bytes) } }

    /// Lets the whole pages within a range go; they are read from the file again when somebody needs them.
    package func releasePages(from offset: Int, count: Int) {
        guard let base = unsafe base else { return }
        let start = MemoryAdvice.pageUp(Int(bitPattern: base) + offset)
        let end = MemoryAdvice.pageDown(Int(bitPattern: base) + offset + count)
        guard end > start, let address = unsafe UnsafeMutableRawPointer(bitPattern: start) else { return }
        unsafe madvise(address, end - start, MADV_DONTNEED)
    }
}
