import Glibc

/// Small files as bytes of our own, which stay as they are when the file changes.
package enum FileContents {
    /// Reads the regular file at `path`.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - maxBytes: the largest file that is read.
    /// - Returns: all of its bytes.
    /// - Throws: `SystemError` when it cannot be read, is not a regular file, or is larger (`EFBIG`).
    package static func read(_ path: String, maxBytes: Int) throws(SystemError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemError("stat \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("open \(path)", code: EISDIR) }
        guard status.st_size <= maxBytes else { throw SystemError("read \(path)", code: EFBIG) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(status.st_size))
        while bytes.count <= maxBytes {
            let chunk = try readChunk(descriptor, path: path)
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        throw SystemError("read \(path)", code: EFBIG)
    }

    private static func readChunk(_ descriptor: Int32, path: String) throws(SystemError) -> [UInt8] {
        while true {
            var code: Int32 = 0
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                let read = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                code = read < 0 ? errno : 0
                count = max(read, 0)
            }
            if code == 0 { return chunk }
            guard code == EINTR else { throw SystemError("read \(path)", code: code) }
        }
    }
}
