import Support
import Testing

struct JSONPullReaderTests {
    private func reader(_ text: String, maxTreeValues: Int = .max) -> JSONPullReader {
        JSONPullReader(Array(text.utf8), maxTreeValues: maxTreeValues)
    }

    @Test func `numbers of nested arrays go straight where they belong`() throws {
        var reader = reader(" [[1, 2.5], [-3e2, 4]] ")
        var values: [Double] = []
        try reader.array { reader, _ in
            try reader.array { reader, _ in values.append(try reader.number()) }
        }
        try reader.end()
        #expect(values == [1, 2.5, -300, 4])
    }

    @Test func `a whole number is digits alone`() throws {
        var reader = reader("[0, 7, 9223372036854775807]")
        var numbers: [Int] = []
        try reader.array { reader, _ in numbers.append(try reader.wholeNumber()) }
        #expect(numbers == [0, 7, .max])
        for text in ["-1", "01", "1.0", "1e3", "9223372036854775808", "18446744073709551616000", "\"1\"", ""]
        {
            #expect(throws: JSONError.self, "\(text)") {
                var reader = JSONPullReader(Array(text.utf8))
                _ = try reader.wholeNumber()
                try reader.end()
            }
        }
    }

    @Test func `members come with their names, and what is not wanted is skipped`() throws {
        var reader = reader(#"{"a": {"x": [1, "]", {"y": null}]}, "b": "text", "c": true}"#)
        var found: [String] = []
        try reader.object { reader, name in
            if name == "b" { found.append(try reader.string()) } else { try reader.skip() }
        }
        try reader.end()
        #expect(found == ["text"])
    }

    @Test(arguments: [
        "[1,]", "[1 2]", #"{"a" 1}"#, #"{"a": 1,}"#, #"{"a": 1, "a": 2}"#, "[01]", "[nul]", "[",
    ])
    func `skipping reads as strictly as reading`(text: String) {
        #expect(throws: JSONError.self) {
            var reader = reader(text)
            try reader.skip()
            try reader.end()
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func `a tree has no more values than it may, reading has any number`() throws {
        let text = "[\(Array(repeating: "0", count: 100).joined(separator: ","))]"
        #expect(throws: JSONError.self) {
            var reader = reader(text, maxTreeValues: 100)
            _ = try reader.value()
        }
        var exact = reader(text, maxTreeValues: 101)
        #expect(try exact.value() == .array(Array(repeating: .number(0), count: 100)))
        var count = 0
        var pulling = reader(text, maxTreeValues: 0)
        try pulling.array { reader, _ in count += Int(try reader.number()) + 1 }
        #expect(count == 100)
    }

    @Test func `what the check throws ends a long array`() {
        struct Enough: Error {}
        let text = "[\(Array(repeating: "0", count: 5000).joined(separator: ","))]"
        var (checks, read) = (0, 0)
        var reader = JSONPullReader(Array(text.utf8)) {
            checks += 1
            if checks == 3 { throw Enough() }
        }
        #expect(throws: Enough.self) {
            try reader.array { reader, _ in
                read += 1
                try reader.skip()
            }
        }
        #expect(read == 2048)
    }

    @Test func `a string without escapes is a piece of the text`() throws {
        var plain = reader(#""QUJD""#)
        #expect(try plain.plainString().map(Array.init) == Array("QUJD".utf8))
        var escaped = reader(#""Q\u0041""#)
        #expect(try escaped.plainString() == nil)
        #expect(try escaped.string() == "QA")
    }

    @Test func `a string of other bytes than ASCII is no piece of the text until it is found to be UTF-8`()
        throws
    {
        var text = reader("\"\u{e9}\"")
        #expect(try text.plainString() == nil)
        #expect(try text.string() == "\u{e9}")
        // As what is skipped before the base64 of a `data:` URL; found by fuzzing.
        var broken = JSONPullReader(Array("\"data:".utf8) + [0xD0, 0xCB] + Array(",QUJD\"".utf8))
        #expect(try broken.plainString() == nil)
        let error = #expect(throws: JSONError.self) { try broken.string() }
        #expect(error?.description == "not JSON: expected a string in UTF-8 at byte 1")
    }
}

struct Base64Tests {
    // swift-format-ignore
    /// RFC 4648 §10, and what is none.
    static let cases: [(text: String, bytes: String?)] = [
        ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"), ("Zm9vYmFy", "foobar"),
        // Without padding, in lines, in the alphabet of URLs.
        ("Zg", "f"), ("Zm8", "fo"), ("Zm9v\n", "foo"), ("Zm\r\n9vYg =\t=\n", "foob"), ("Pz8_", "???"), ("fn5-", "~~~"), ("fn5+Pz8/", "~~~???"),
        ("Zg=", nil), ("Z===", nil), ("====", nil), ("Zm8=Zm8=", nil), ("Zm!v", nil), ("=Zg=", nil), ("Z", nil), ("Zm9vY", nil), ("Zm9v\0", nil),
    ]

    @Test(arguments: cases)
    func `reads what is base64, and nothing else`(text: String, bytes: String?) {
        #expect(Base64.decode(text.utf8) == bytes.map { Array($0.utf8) })
    }

    @Test(arguments: [
        ("Zm9v*m9v", 4, "'*', which is no base64 digit"), ("Zm8=\nZm8=", 5, "more after the padding"),
        ("Zm9vZg=", 6, "padding of 1 after 2 digits of a group of four"),
        ("Zm9vZ", 5, "the end after 1 digits of a group of four"),
        ("Zm\u{e9}v", 2, "the byte 195, which is no base64 digit"),
    ])
    func `says where a text stops being base64`(text: String, offset: Int, what: String) {
        let fault = #expect(throws: Base64.Fault.self) { try Base64.bytes(of: Array("x\(text)".utf8)[1...]) }
        #expect(fault?.offset == offset)
        #expect(fault?.description == what)
    }

    @Test func `the bytes of any length come back`() {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for count in 0...64 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ count) }
            var text: [UInt8] = []
            for start in stride(from: 0, to: count, by: 3) {
                let group = (0..<3).reduce(UInt32(0)) {
                    $0 << 8 | UInt32(start + $1 < count ? bytes[start + $1] : 0)
                }
                for digit in 0..<min(4, count - start + 1) {
                    text.append(digits[Int(group >> (18 - 6 * digit)) & 63])
                }
            }
            #expect(Base64.decode(text) == bytes)
            #expect(
                Base64.decode(text + Array(repeating: UInt8(ascii: "="), count: (4 - text.count % 4) % 4))
                    == bytes
            )
        }
    }
}

/// Numbers on their way into arrays of floats.
struct JSONTensorTests {
    private func tensor(_ text: String, atMost limit: Int = 100) throws -> [Float] {
        var reader = JSONPullReader(Array(text.utf8))
        var values: [Float] = []
        try reader.tensor(into: &values, atMost: limit)
        try reader.end()
        return values
    }

    @Test func `arrays of arrays are read row by row, whatever the white space`() throws {
        #expect(try tensor("[1,-2.5,3e2]") == [1, -2.5, 300])
        #expect(try tensor(" [ [1 , 2]\r\n,\t[[3],4 ] ] ") == [1, 2, 3, 4])
        #expect(try tensor("[]").isEmpty)
        #expect(try tensor("[[],[[]]]").isEmpty)
        #expect(
            try tensor("[0.1, 1e-45, 3.4028235e38, -0.0]")
                == [0.1, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0]
        )
        let many = (0..<10_000).map { "\($0)" }.joined(separator: ",")
        #expect(try tensor("[\(many)]", atMost: 10_000) == (0..<10_000).map(Float.init))
    }

    // swift-format-ignore
    @Test(arguments: [
        ("1", 0, "an array"), ("[1", 2, "',' or ']'"), ("[1,]", 3, "a number or an array"), ("[,1]", 1, "a number, an array or ']'"),
        ("[1 2]", 3, "',' or ']'"), ("[\"1\"]", 1, "a number"), ("[null]", 1, "a number"), ("[1e39]", 1, "32-bit"), ("[1e400]", 1, "64-bit"),
        ("[1, NaN]", 4, "a number"), ("[-]", 2, "a digit"), ("[1.]", 3, "a digit"), ("[1e]", 3, "a digit"), ("[01]", 2, "',' or ']'"),
        ("[1,2,3,4]", 7, "no more numbers"), ("[1]]", 3, "the end"), (String(repeating: "[", count: 200), 128, "dimensions"),
    ])
    func `what is no tensor is refused at its byte`(text: String, offset: Int, expected: String) {
        let error = #expect(throws: JSONError.self) { try tensor(text, atMost: 3) }
        #expect(error?.offset == offset)
        #expect(error?.expected.contains(expected) == true, "\(error?.expected ?? "")")
    }

    @Test func `a row is read whole or not at all`() throws {
        var reader = JSONPullReader(Array(" [1, 2] [3,4] [5] [6,\"7\"] [[8],9] x".utf8))
        var values: [Float] = []
        #expect(reader.row(of: 2, into: &values))
        #expect(!reader.row(of: 3, into: &values))
        #expect(reader.row(of: 2, into: &values))
        for _ in 0..<3 {
            let offset = reader.offset
            #expect(!reader.row(of: 2, into: &values))
            #expect(reader.offset == offset)
            try reader.skip()
        }
        #expect(!reader.row(of: 2, into: &values))
        #expect(values == [1, 2, 3, 4])
    }

    @Test func `somebody who waits no longer ends the reading`() throws {
        let many = Array("[\(Array(repeating: "0", count: 20_000).joined(separator: ","))]".utf8)
        var looks = 0
        var reader = JSONPullReader(many) {
            looks += 1
            if looks == 3 { throw CancellationError() }
        }
        var values: [Float] = []
        #expect(throws: CancellationError.self) { try reader.tensor(into: &values, atMost: 20_000) }
        #expect(values.count < 20_000)
    }

    @Test func `a byte-order mark before a text is no part of it, and nowhere else allowed`() throws {
        #expect(try tensor("\u{FEFF}[1]") == [1])
        #expect(try JSONValue(parsing: Array("\u{FEFF}{\"a\": 1}".utf8)) == .object(["a": .number(1)]))
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array("\u{FEFF}\u{FEFF}1".utf8)) }
        #expect(throws: JSONError.self) { try tensor("[\u{FEFF}1]") }
    }

    /// The C library is the oracle.
    @Test func `every number is the nearest`() throws {
        var state: UInt64 = 20_261_127
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
        for round in 0..<400_000 {
            let text =
                switch round % 6 {
                case 0: "\(Double(Float(bitPattern: UInt32(truncatingIfNeeded: random()) & 0x7F7F_FFFF)))"
                case 1: "\(random())e\(Int(random() % 120) - 75)"
                case 2: "\(random() % 1000).\(random() >> 2)"
                case 3: "0.000\(random())e\(Int(random() % 60) - 30)"
                case 4: "-\(random() >> 40).\(random() % 10_000_000)"
                // Halfway between two neighbours, and just beside.
                default:
                    "\((1 << 53) + 2 * (random() % 1000) + 1).\(round % 12 == 5 ? "0" : "\(random() % 2)")"
                }
            var reader = JSONPullReader(Array(text.utf8))
            let value = try reader.number()
            guard value == Double(text) else {
                Issue.record("\(text) was read as \(value)")
                return
            }
        }
    }
}

struct ServingErrorTests {
    @Test func `messages are bounded in bytes, whatever their characters are`() {
        // One character of a hundred thousand scalars.
        let text = "a" + String(repeating: "\u{301}", count: 100_000)
        #expect(text.count == 1)
        let message = ServingError.badRequest(text).message
        #expect(message.utf8.count <= 2003)
        #expect(message.hasSuffix("…"))
        #expect("short".clipped(to: 5) == "short")
        #expect("éé".clipped(to: 3).unicodeScalars.first == "é")
    }

    @Test func `says when to come back`() {
        let late = ServingError.overloaded(model: "m", wait: .seconds(4), limit: .milliseconds(1500))
        #expect(late.retryAfterSeconds == 3)
        #expect(late.message.contains("4000 ms"))
        #expect(ServingError.invalidInput("x").retryAfterSeconds == nil)
    }
}
