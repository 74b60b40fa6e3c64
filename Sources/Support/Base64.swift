/// Base64 (RFC 4648), written, and read straight from bytes as the world writes it.
///
/// Both alphabets are taken, the one of URLs too; line breaks and spaces between the digits are skipped (`base64` and MIME
/// write them); the padding may be left out. Anything else is an error with its place.
package enum Base64 {
    /// The text stops being base64.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        /// The byte of the text, from 0.
        package let offset: Int
        /// What is wrong there.
        package let description: String
    }

    /// The bytes of a text.
    ///
    /// - Throws: `Fault` with the first byte that does not fit.
    package static func bytes(of text: ArraySlice<UInt8>) throws(Fault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3 + 3)
        var (group, digits, end) = (UInt32(0), 0, 0)
        var padding: (first: Int, count: Int)?
        for index in text.indices {
            let value = values[Int(text[index])]
            if value < 64, padding == nil {
                group = group << 6 | UInt32(value)
                digits += 1
                guard digits == 4 else { continue }
                bytes[end] = UInt8(truncatingIfNeeded: group >> 16)
                bytes[end + 1] = UInt8(truncatingIfNeeded: group >> 8)
                bytes[end + 2] = UInt8(truncatingIfNeeded: group)
                (group, digits, end) = (0, 0, end + 3)
            } else if value == space {
                continue
            } else if value == equals {
                padding = (padding?.first ?? index, (padding?.count ?? 0) + 1)
            } else {
                let offset = index - text.startIndex
                guard padding == nil else {
                    throw Fault(offset: offset, description: "more after the padding")
                }
                throw Fault(offset: offset, description: "\(name(text[index])), which is no base64 digit")
            }
        }
        // Two digits are one byte, three are two.
        guard digits != 1, padding.map({ $0.count == (4 - digits) % 4 }) ?? true else {
            let offset = padding.map { $0.first - text.startIndex } ?? text.count
            let found = padding == nil ? "the end" : "padding of \(padding?.count ?? 0)"
            throw Fault(offset: offset, description: "\(found) after \(digits) digits of a group of four")
        }
        group <<= UInt32(6 * (4 - digits))
        bytes[end] = UInt8(truncatingIfNeeded: group >> 16)
        bytes[end + 1] = UInt8(truncatingIfNeeded: group >> 8)
        bytes.removeLast(bytes.count - end - (digits == 0 ? 0 : digits - 1))
        return bytes
    }

    /// The text of bytes, with padding.
    package static func encode(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for digit in 0..<4 {
                let isPadding = digit > group.count
                text.append(isPadding ? UInt8(ascii: "=") : digits[Int(bits >> UInt32(18 - 6 * digit) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a text; nil when it is not base64.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        try? bytes(of: Array(text)[...]) // nil says all that is asked for
    }

    private static func name(_ byte: UInt8) -> String {
        0x21..<0x7F ~= byte ? "'\(Unicode.Scalar(byte))'" : "the byte \(byte)"
    }

    private static let (equals, space, other): (UInt8, UInt8, UInt8) = (64, 65, 66)

    /// The value of each byte as a digit, or what else it is.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: other, count: 256)
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, byte) in digits.utf8.enumerated() { values[Int(byte)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        values[Int(UInt8(ascii: "="))] = equals
        for byte in " \t\r\n".utf8 { values[Int(byte)] = space }
        return values
    }()
}
