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
        ("Zg", nil), ("Zg=", nil), ("Z===", nil), ("====", nil), ("Zm9v\n", nil), ("Zm8=Zm8=", nil), ("Zm!v", nil), ("=Zg=", nil),
    ]

    @Test(arguments: cases)
    func `reads what is base64, and nothing else`(text: String, bytes: String?) {
        #expect(Base64.decode(text.utf8) == bytes.map { Array($0.utf8) })
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
