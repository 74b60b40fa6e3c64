import Serving
import Testing

struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `parses every kind of value`() throws {
        let value = try parse(#"{"b": [1, -2.5e3, true, false, null, "é\n\u20ac"], "a": {}}"#)
        #expect(
            value
                == .object([
                    "a": .object([:]),
                    "b": .array([
                        .number(1), .number(-2500), .bool(true), .bool(false), .null, .string("é\n€"),
                    ]),
                ])
        )
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
