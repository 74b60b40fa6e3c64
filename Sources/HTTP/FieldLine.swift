internal import HTTPTypes
internal import Platform

/// One header or trailer line (RFC 9112 §5).
enum FieldLine {
    /// Parses a line without its line end.
    ///
    /// - Throws: `Refusal` when the line is folded, has space before its colon, or holds a byte a field cannot.
    static func parse(_ line: Span<UInt8>) throws(Refusal) -> HTTPField {
        // RFC 9112 §5.2: a folded line is refused, not joined.
        guard !line[0].isBlank else { throw .malformed("a header line is folded or begins with a space") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw .malformed("a header line has no colon")
        }
        let name = line.extracting(..<colon)
        // RFC 9112 §5.1: no whitespace is allowed between name and colon; HTTPField.Name takes a token only.
        guard let name = HTTPField.Name(String(decoding: name)) else {
            throw .malformed("a header field's name is not a token")
        }
        return HTTPField(name: name, value: try value(line, after: colon))
    }

    /// RFC 9110 §5.5: without the whitespace around it; bare CR, NUL and other controls are refused.
    private static func value(_ line: Span<UInt8>, after colon: Int) throws(Refusal) -> String {
        var start = colon + 1
        var end = line.count
        while start < end, line[start].isBlank { start += 1 }
        while end > start, line[end - 1].isBlank { end -= 1 }
        var isASCII = true
        for i in start..<end {
            guard line[i].isFieldContent else {
                throw .malformed("a header field's value holds a control character")
            }
            isASCII = isASCII && line[i] < 0x80
        }
        let value = line.extracting(start..<end)
        if isASCII { return String(decoding: value) }
        // Values beyond ASCII are UTF-8 by today's habit and ISO 8859-1 by the old rule.
        if let text = String(validating: value) { return text }
        var text = ""
        for i in value.indices { text.unicodeScalars.append(Unicode.Scalar(value[i])) }
        return text
    }
}
