extension JSONValue {
    /// Parses a JSON text: strictly, so no trailing commas, comments, NaN or repeated members.
    ///
    /// - Throws: `JSONError` with the first byte that does not fit; objects and arrays may be nested 128 deep.
    /// - Source: RFC 8259.
    package init(parsing bytes: [UInt8], maxValues: Int = .max) throws(JSONError) {
        var reader = JSONPullReader(bytes, maxTreeValues: maxValues)
        self = try reader.value()
        try reader.end()
    }
}

/// Reads JSON from bytes, left to right, value by value as the caller asks for them: nothing is kept that is not wanted.
///
/// The one reader of JSON in the program. Whoever knows what must come asks for it and writes it where it belongs, numbers
/// straight into arrays; `value` makes a tree of what may be anything, of a bounded number of values.
package struct JSONPullReader {
    /// What a value begins like.
    package enum Kind: Sendable, Equatable {
        case null, bool, number, string, array, object

        /// With its article, for messages: `a string`.
        package var name: String {
            switch self {
            case .null: "null"
            case .bool: "a boolean"
            case .number: "a number"
            case .string: "a string"
            case .array: "an array"
            case .object: "an object"
            }
        }
    }

    private static let maxDepth = 128
    /// The byte-order mark that some editors put before a text, which is no part of it (RFC 8259, §8.1).
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    /// How many elements of arrays are read between two looks at whether somebody waits for them.
    private static let elementsBetweenChecks = 1024

    let bytes: [UInt8]
    /// The byte that is read next.
    package internal(set) var offset = 0
    private var depth = 0
    private var treeValues: Int
    let check: () throws -> Void

    /// - Parameters:
    ///   - bytes: the whole text.
    ///   - maxTreeValues: how many values all trees together may have.
    ///   - check: called now and then; what it throws ends the reading.
    package init(
        _ bytes: [UInt8],
        maxTreeValues: Int = .max,
        check: @escaping () throws -> Void = {}
    ) {
        self.bytes = bytes
        treeValues = maxTreeValues
        self.check = check
        if bytes.starts(with: Self.byteOrderMark) { offset = Self.byteOrderMark.count }
    }

    /// How many arrays and objects may still be inside each other here.
    var maxNesting: Int { Self.maxDepth - depth }

    /// What comes next; nothing is read.
    package mutating func kind() throws(JSONError) -> Kind {
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw fault("a value")
        }
    }

    /// Requires that nothing follows.
    package mutating func end() throws(JSONError) {
        skipSpace()
        guard offset == bytes.count else { throw fault("the end of the text") }
    }

    /// Reads an array; `body` reads each element.
    ///
    /// - Precondition: an array comes next.
    package mutating func array(_ body: (inout JSONPullReader, Int) throws -> Void) throws {
        try open()
        defer { depth -= 1 }
        if try closes(UInt8(ascii: "]")) { return }
        var index = 0
        repeat {
            if index % Self.elementsBetweenChecks == 0 { try check() }
            try body(&self, index)
            index += 1
        } while try goesOn(UInt8(ascii: "]"), "',' or ']'")
    }

    /// Reads an object; `body` reads the value of each member.
    ///
    /// - Precondition: an object comes next.
    package mutating func object(_ body: (inout JSONPullReader, String) throws -> Void) throws {
        try open()
        defer { depth -= 1 }
        if try closes(UInt8(ascii: "}")) { return }
        var keys: Set<String> = []
        repeat { try body(&self, key(&keys)) } while try goesOn(UInt8(ascii: "}"), "',' or '}'")
    }

    /// Reads a number.
    ///
    /// - Precondition: a number comes next.
    package mutating func number() throws(JSONError) -> Double {
        skipSpace()
        return try digitsAndExponent()
    }

    /// Reads a string.
    ///
    /// - Precondition: a string comes next.
    package mutating func string() throws(JSONError) -> String {
        skipSpace()
        return try quoted()
    }

    /// Reads a string of ASCII that has no escapes as the bytes that it is; nil, with nothing read, for another.
    ///
    /// - Precondition: a string comes next.
    package mutating func plainString() throws(JSONError) -> ArraySlice<UInt8>? {
        skipSpace()
        var end = offset + 1
        while end < bytes.count, 0x20..<0x80 ~= bytes[end], bytes[end] != UInt8(ascii: "\""),
            bytes[end] != UInt8(ascii: "\\")
        { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return nil }
        defer { offset = end + 1 }
        return bytes[offset + 1..<end]
    }

    /// Reads whatever comes next and forgets it.
    package mutating func skip() throws {
        switch try kind() {
        case .object: try object { reader, _ in try reader.skip() }
        case .array: try array { reader, _ in try reader.skip() }
        case .string: _ = try quoted()
        case .number: _ = try number()
        case .null, .bool: _ = try word()
        }
    }

    /// Reads whatever comes next as a tree.
    package mutating func value() throws(JSONError) -> JSONValue {
        treeValues -= 1
        guard treeValues >= 0 else { throw fault("fewer values") }
        switch try kind() {
        case .object: return .object(try treeObject())
        case .array: return .array(try treeArray())
        case .string: return .string(try quoted())
        case .number: return .number(try digitsAndExponent())
        case .null, .bool: return try word()
        }
    }

    private mutating func treeArray() throws(JSONError) -> [JSONValue] {
        try open()
        defer { depth -= 1 }
        var elements: [JSONValue] = []
        if try closes(UInt8(ascii: "]")) { return elements }
        repeat { elements.append(try value()) } while try goesOn(UInt8(ascii: "]"), "',' or ']'")
        return elements
    }

    private mutating func treeObject() throws(JSONError) -> JSONObject {
        try open()
        defer { depth -= 1 }
        var object = JSONObject()
        if try closes(UInt8(ascii: "}")) { return object }
        var keys: Set<String> = []
        repeat {
            let key = try key(&keys)
            object.append(key, try value())
        } while try goesOn(UInt8(ascii: "}"), "',' or '}'")
        return object
    }

    private mutating func open() throws(JSONError) {
        skipSpace()
        guard depth < Self.maxDepth else { throw fault("at most \(Self.maxDepth) values inside each other") }
        depth += 1
        offset += 1
    }

    private mutating func closes(_ end: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        return skip(end)
    }

    private mutating func goesOn(_ end: UInt8, _ expected: String) throws(JSONError) -> Bool {
        skipSpace()
        if skip(end) { return false }
        guard skip(UInt8(ascii: ",")) else { throw fault(expected) }
        return true
    }

    private mutating func key(_ keys: inout Set<String>) throws(JSONError) -> String {
        skipSpace()
        let start = offset
        guard current == UInt8(ascii: "\"") else { throw fault("a name in quotes") }
        let key = try quoted()
        guard keys.insert(key).inserted else {
            let expected = "a name other than '\(key.clipped(to: 200))', which is there already,"
            throw JSONError(offset: start, expected: expected)
        }
        skipSpace()
        guard skip(UInt8(ascii: ":")) else { throw fault("':'") }
        return key
    }

    func fault(_ expected: String) -> JSONError { JSONError(offset: offset, expected: expected) }

    /// The byte at the offset; zero, which no JSON text holds, at the end.
    var current: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    mutating func skipSpace() {
        while current.isJSONSpace { offset += 1 }
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        offset += 1
        return true
    }

    private mutating func word() throws(JSONError) -> JSONValue {
        for (word, value) in [("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false))]
        where bytes[offset...].starts(with: word.utf8) {
            offset += word.utf8.count
            return value
        }
        let letters = [UInt8(ascii: "n"): "null", UInt8(ascii: "t"): "true", UInt8(ascii: "f"): "false"]
        throw fault("'\(letters[current] ?? "null")'")
    }
}

extension UInt8 {
    /// ws (RFC 8259 §2).
    var isJSONSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
}
