internal import Platform

/// The line before each piece of a chunked body: its size and, ignored, its extensions (RFC 9112 §7.1).
struct ChunkLine {
    let size: Int
    let extensionBytes: Int

    /// Parses a line without its line end.
    ///
    /// - Throws: `Refusal` on anything but hexadecimal digits, then nothing or a semicolon and printable bytes.
    init(_ line: Span<UInt8>) throws(Refusal) {
        var size = 0
        var i = 0
        while i < line.count, let digit = line[i].hexValue {
            guard i < 16 else { throw .malformed("a chunk's size has more than 16 digits") }
            // Saturates: what does not fit is over every limit.
            let (product, overflow) = size.multipliedReportingOverflow(by: 16)
            size = overflow ? .max : product | Int(digit)
            i += 1
        }
        guard i > 0 else { throw .malformed("a chunk's size is not a hexadecimal number") }
        self.size = size
        extensionBytes = line.count - i
        // §7.1.1 allows bad whitespace before the semicolon only.
        while i < line.count, line[i].isBlank { i += 1 }
        guard extensionBytes == 0 || (i < line.count && line[i] == UInt8(ascii: ";")) else {
            throw .malformed("a chunk's size is followed by something that is no extension")
        }
        for j in i..<line.count where !line[j].isFieldContent {
            throw .malformed("a chunk's extension holds a control character")
        }
    }
}
