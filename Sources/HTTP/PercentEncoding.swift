internal import Platform

/// Percent-decoding (RFC 3986 §2.1), strict.
enum PercentEncoding {
    /// Decodes to text.
    ///
    /// - Parameters:
    ///   - text: visible ASCII.
    ///   - plusIsSpace: as in a query made from a form (WHATWG URL, application/x-www-form-urlencoded).
    /// - Returns: the text, without control characters.
    /// - Throws: `Refusal` on an incomplete escape, bytes that are not UTF-8, or a control character.
    static func decode(_ text: Span<UInt8>, plusIsSpace: Bool = false) throws(Refusal) -> String {
        let percent = UInt8(ascii: "%")
        let plus = UInt8(ascii: "+")
        guard text.firstIndex(of: percent) != nil || (plusIsSpace && text.firstIndex(of: plus) != nil) else {
            return String(decoding: text) // the caller has checked that it is visible ASCII
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var i = 0
        while i < text.count {
            var byte = text[i]
            if byte == percent {
                guard i + 2 < text.count, let high = text[i + 1].hexValue, let low = text[i + 2].hexValue
                else {
                    throw .malformed("the request target holds a % without two hexadecimal digits")
                }
                byte = high << 4 | low
                i += 2
                guard byte >= 0x20, byte != 0x7F else {
                    throw .malformed("the request target holds an encoded control character")
                }
            } else if byte == plus, plusIsSpace {
                byte = UInt8(ascii: " ")
            }
            bytes.append(byte)
            i += 1
        }
        guard let decoded = String(validating: bytes.span) else {
            throw .malformed("the request target is not UTF-8 once decoded")
        }
        return decoded
    }
}
