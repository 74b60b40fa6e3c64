import Support
import Testing

struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `parses every kind of value and keeps the order of members`() throws {
        let text = #"{ "b" : [1, -2.5e3, true,\#tfalse, null, "é\n\u20ac\ud83d\uDC26/"] , "a":{ } }"#
        let value = try parse(" \(text)\r\n")
        let elements: [JSONValue] = [
            .number(1), .number(-2500), .bool(true), .bool(false), .null, .string("é\n€🐦/"),
        ]
        #expect(value == .object(["b": .array(elements), "a": .object([:])]))
    }

    // swift-format-ignore
    static let numbers: [(String, Double)] = [
        ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("0.1", 0.1), ("-3.14159", -3.14159), ("123456789012345", 123_456_789_012_345),
        ("0.123456789012345678", 0.12345678901234568), ("9007199254740993", 9_007_199_254_740_992), ("1E5", 100_000),
        ("1e-7", 1e-7), ("2.5e+3", 2500), ("1e-999", 0), ("123456789012345678901234567890", 123456789012345677877719597056),
    ]

    @Test(arguments: numbers)
    func `reads a number as the nearest double`(text: String, value: Double) throws {
        #expect(try parse(text) == .number(value))
    }

    @Test func `names the byte at which it stops being JSON`() {
        let error = #expect(throws: JSONError.self) { try parse("[1, 2,]") }
        #expect(error?.description == "not JSON: expected a value at byte 6")
    }

    @Test func `any damage to a text gives a value or an error`() throws {
        var generator = SplitMix(state: 7)
        let text = Array(#"{"a": [1.5, -2e3, "x\u00e9\n", {"b": null}], "c": true, "d": "é"}"#.utf8)
        var errors = 0
        for _ in 0..<10_000 {
            var damaged = text
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                damaged[Int.random(in: damaged.indices, using: &generator)] = UInt8.random(
                    in: 0...255,
                    using: &generator
                )
            }
            damaged.removeLast(Int.random(in: 0...3, using: &generator))
            do {
                let value = try JSONValue(parsing: damaged)
                #expect(try JSONValue(parsing: value.encoded) == value)
            } catch {
                errors += 1
            }
        }
        #expect(errors > 5000)
    }

    @Test(arguments: ["3", #""text""#, "true", "null", "[]", "[[[1]]]"])
    func `parses a document that is not an object`(text: String) throws {
        #expect(try parse(text).text == text)
    }

    @Test(arguments: [
        "", "{", "[1,]", "nul", "{'a': 1}", #"{"a" 1}"#, "[1] 2", "\"\u{1}\"", "NaN", "[1e999]",
    ])
    func `refuses what is not JSON`(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test func `refuses nesting without end and does not overflow the stack`() {
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 200_000)) }
    }

    @Test func `writes members in their order and escapes strings`() {
        let value: JSONValue = .object([
            "z": .string("\"\\\n\u{1}/é"), "a": .array([.integer(1), .number(0.1)]),
        ])
        #expect(value.text == #"{"z":"\"\\\n\u0001/é","a":[1,0.1]}"#)
    }

    @Test func `never writes NaN or infinity`() {
        #expect(
            JSONValue.array([.number(.nan), .number(.infinity), .number(-0.5)]).text == "[null,null,-0.5]"
        )
    }

    @Test func `writes a float with its own digits`() {
        #expect(JSONValue.float(14.02).text == "14.02")
        #expect(JSONValue.number(Double(Float(14.02))).text != "14.02")
    }

    @Test func `gives back what it wrote`() throws {
        let value: JSONValue = .object([
            "big": .number(1e300), "deep": .array([.array([.object(["x": .null])])]),
            "small": .number(.leastNonzeroMagnitude),
            "text": .string("\u{1F426} \u{7F}\r\t"), "whole": .integer(-9_007_199_254_740_991),
        ])
        #expect(try JSONValue(parsing: value.encoded) == value)
    }
}

/// A small random generator with a fixed seed.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
