import Foundation

/// Calls `body` with the path of a file of the given bytes, and removes the file afterwards.
///
/// It is in memory where the system has a place for that.
func withTemporaryFile<Result>(_ bytes: [UInt8] = [], _ body: (String) throws -> Result) throws -> Result {
    let url = FileManager.default.temporaryDirectory.appending(
        path: "engine-tests-\(UUID().uuidString).safetensors"
    )
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) } // a leftover in the temporary folder harms nobody
    return try body(url.path)
}

/// A safetensors file: the header's length, the header, the data.
func safetensorsBytes(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let count = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + Array(header.utf8) + data
}
