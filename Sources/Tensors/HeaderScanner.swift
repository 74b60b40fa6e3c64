/// Reads the JSON of a safetensors header, token by token.
///
/// It knows what such a header can hold and nothing more: objects, strings, arrays of whole numbers. The caller
/// says what must come next, so nesting is as deep as the caller's code and hostile input cannot deepen it.
struct HeaderScanner {
    typealias Problem = SafetensorsError.Problem

    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads `{`, members until `}`, and calls `body` at each member's value.
    ///
    /// - Throws: a syntax problem, and what `body` throws; a key that comes twice is a problem too.
    mutating func object(
        _ body: (inout HeaderScanner, String) throws(Problem) -> Void
    ) throws(Problem) {
        try expect(UInt8(ascii: "{"))
        guard !accept(UInt8(ascii: "}")) else { return }
        var keys: Set<String> = []
        repeat {
            let start = position
            let key = try string()
            guard keys.insert(key).inserted else {
                throw .syntax(
                    offset: start,
                    expected: "another key than \(quoted(key)), which is already there"
                )
            }
            try expect(UInt8(ascii: ":"))
            try body(&self, key)
        } while accept(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Reads an array of whole numbers of at most `limit` elements.
    mutating func integers(limit: Int) throws(Problem) -> [Int] {
        try expect(UInt8(ascii: "["))
        var numbers: [Int] = []
        guard !accept(UInt8(ascii: "]")) else { return numbers }
        repeat {
            guard numbers.count < limit else {
                throw .syntax(offset: position, expected: "at most \(limit) numbers")
            }
            numbers.append(try integer())
        } while accept(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return numbers
    }

    /// Reads a string.
    mutating func string() throws(Problem) -> String {
        try expect(UInt8(ascii: "\""), "a string")
        let start = position
        var text: [UInt8] = []
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw .syntax(offset: start, expected: "valid UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): text += try escape()
            case ..<0x20: throw .syntax(offset: position - 1, expected: "no control character")
            default: text.append(byte)
            }
        }
        throw .syntax(offset: position, expected: "the end of a string")
    }

    /// Requires that nothing but white space is left.
    mutating func end() throws(Problem) {
        skipSpace()
        guard position == bytes.count else {
            throw .syntax(offset: position, expected: "the end of the header")
        }
    }

    private mutating func integer() throws(Problem) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            let (tens, tensOverflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = tens.addingReportingOverflow(Int(digit))
            guard !tensOverflow, !sumOverflow else {
                throw .syntax(offset: start, expected: "a number below 2^63")
            }
            value = sum
            position += 1
        }
        let digits = position - start
        guard digits > 0, digits == 1 || bytes[start] != UInt8(ascii: "0") else {
            throw .syntax(offset: start, expected: "a whole number")
        }
        return value
    }

    private mutating func escape() throws(Problem) -> [UInt8] {
        switch next() {
        case UInt8(ascii: "\""): return [UInt8(ascii: "\"")]
        case UInt8(ascii: "\\"): return [UInt8(ascii: "\\")]
        case UInt8(ascii: "/"): return [UInt8(ascii: "/")]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw .syntax(offset: position, expected: "a character that can be escaped")
        }
    }

    /// Four hexadecimal digits, and four more when the first are the upper half of a surrogate pair.
    private mutating func unicodeEscape() throws(Problem) -> [UInt8] {
        let start = position
        var value = try hexadecimal()
        if 0xD800..<0xDC00 ~= value, next() == UInt8(ascii: "\\"), next() == UInt8(ascii: "u") {
            let low = try hexadecimal()
            guard 0xDC00..<0xE000 ~= low else { throw .syntax(offset: start, expected: "a surrogate pair") }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw .syntax(offset: start, expected: "a surrogate pair")
        }
        return Array(String(scalar).utf8)
    }

    private mutating func hexadecimal() throws(Problem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw .syntax(offset: position, expected: "a hexadecimal digit")
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private mutating func expect(_ byte: UInt8, _ what: String? = nil) throws(Problem) {
        guard accept(byte) else {
            throw .syntax(offset: position, expected: what ?? "'\(Character(Unicode.Scalar(byte)))'")
        }
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func next() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }
}
