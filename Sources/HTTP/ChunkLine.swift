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
        for j in i..<line.count where !line[j].isFieldContent {
            throw .malformed("a chunk's extension holds a control character")
        }
        try Self.checkExtensions(line.extracting(i...))
    }

    /// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 §7.1.1.
    private static func checkExtensions(_ line: Span<UInt8>) throws(Refusal) {
        var i = 0
        func skipBlanks() { while i < line.count, line[i].isBlank { i += 1 } }
        func skipToken() -> Bool {
            let start = i
            while i < line.count, line[i].isToken { i += 1 }
            return i > start
        }
        while i < line.count {
            skipBlanks()
            guard i < line.count, line[i] == UInt8(ascii: ";") else {
                throw .malformed("a chunk's size is followed by something that is no extension")
            }
            i += 1
            skipBlanks()
            guard skipToken() else { throw .malformed("a chunk's extension has no name") }
            let end = i
            skipBlanks()
            guard i < line.count, line[i] == UInt8(ascii: "=") else {
                i = end // white space may stand before the next semicolon, not before the line's end
                continue
            }
            i += 1
            skipBlanks()
            guard skipToken() || skipQuoted(line, &i) else {
                throw .malformed("a chunk's extension has no value")
            }
        }
    }

    /// Passes a quoted-string (RFC 9110 §5.6.4).
    private static func skipQuoted(_ line: Span<UInt8>, _ i: inout Int) -> Bool {
        guard i < line.count, line[i] == UInt8(ascii: "\"") else { return false }
        i += 1
        while i < line.count, line[i] != UInt8(ascii: "\"") { i += line[i] == UInt8(ascii: "\\") ? 2 : 1 }
        i += 1
        return i <= line.count
    }
}
