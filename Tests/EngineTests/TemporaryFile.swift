import Foundation
import Glibc

/// Calls `body` with the path of a file of the given bytes, and removes the file afterwards.
///
/// Foundation's writing waits for the disk, which thousands of small files cannot afford.
func withTemporaryFile<Result>(_ bytes: [UInt8] = [], _ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
    let path = folder.appending(path: "engine-tests-\(UUID().uuidString).safetensors").path
    defer { unsafe unlink(path) }
    guard let file = unsafe fopen(path, "wb") else { throw POSIXError(.EIO) }
    let written = unsafe fwrite(bytes, 1, bytes.count, file)
    let closed = unsafe fclose(file)
    guard written == bytes.count, closed == 0 else { throw POSIXError(.EIO) }
    return try body(path)
}

/// A safetensors file: the header's length, the header, the data.
func safetensorsBytes(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let count = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + Array(header.utf8) + data
}
