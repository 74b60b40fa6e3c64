internal import Platform

/// How strings and numbers are written (RFC 8259 §6, §7).
extension JSONPullReader {
    mutating func quoted() throws(JSONError) -> String {
        offset += 1
        let start = offset
        while current >= 0x20, current != UInt8(ascii: "\""), current != UInt8(ascii: "\\") { offset += 1 }
        if current == UInt8(ascii: "\"") {
            defer { offset += 1 }
            return try text(bytes[start..<offset], from: start)
        }
        var unescaped = Array(bytes[start..<offset])
        while !skip(UInt8(ascii: "\"")) {
            switch current {
            case UInt8(ascii: "\\"):
                offset += 1
                unescaped += String(try escape()).utf8
            case 0..<0x20:
                throw fault(offset < bytes.count ? "no control character" : "the end of the string")
            default:
                unescaped.append(current)
                offset += 1
            }
        }
        return try text(unescaped[...], from: start)
    }

    private func text(_ utf8: ArraySlice<UInt8>, from start: Int) throws(JSONError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw JSONError(offset: start, expected: "a string in UTF-8")
        }
        return text
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let letter = current
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try scalar()
        default:
            offset -= 1
            throw fault("one of \" \\ / b f n r t u after a backslash")
        }
    }

    /// The scalar of `\uXXXX`, or of two of them that are a surrogate pair.
    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let start = offset
        var code = try codeUnit()
        if 0xD800..<0xDC00 ~= code, skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) {
            let low = try codeUnit()
            guard 0xDC00..<0xE000 ~= low else {
                throw JSONError(offset: start, expected: "a surrogate pair")
            }
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else {
            throw JSONError(offset: start, expected: "a surrogate pair")
        }
        return scalar
    }

    private mutating func codeUnit() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = current.hexValue else {
                throw fault("four hexadecimal digits")
            }
            code = (code << 4) + UInt32(digit)
            offset += 1
        }
        return code
    }
}

extension JSONPullReader {
    /// Reads a whole number that is written as one: digits alone, without sign, fraction or exponent.
    ///
    /// - Throws: `JSONError` when something else comes next, or the number is 2⁶³ or more.
    package mutating func wholeNumber() throws(JSONError) -> Int {
        skipSpace()
        let start = offset
        var number: UInt64 = 0
        let count = digits(&number)
        guard count == 1 || count > 1 && bytes[start] != UInt8(ascii: "0") else {
            throw JSONError(offset: start, expected: "a whole number")
        }
        guard count < 20, let whole = Int(exactly: number) else {
            throw JSONError(offset: start, expected: "a number below 2^63")
        }
        return whole
    }

    mutating func digitsAndExponent() throws(JSONError) -> Double {
        var end = offset
        defer { offset = end }
        return try DecimalNumber.read(bytes.span, &end)
    }

    /// Skips digits and appends them to `number`, which wraps beyond 19 of them.
    private mutating func digits(_ number: inout UInt64) -> Int {
        let start = offset
        while UInt8(ascii: "0")...UInt8(ascii: "9") ~= current {
            number = number &* 10 &+ UInt64(current - UInt8(ascii: "0"))
            offset += 1
        }
        return offset - start
    }
}
