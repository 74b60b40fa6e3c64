import Models
import Support
import Testing

struct ManifestEditTests {
    // swift-format-ignore
    static let texts: [(String, String)] = [
        ("{}",                                  #"{"temperature": 1.3}"#),
        (#"{"a": 1}"#,                          #"{"a": 1,"temperature": 1.3}"#),
        ("{\n  \"a\": [1, {\"temperature\": 7}]\n}\n", "{\n  \"a\": [1, {\"temperature\": 7}],\n  \"temperature\": 1.3\n}\n"),
        (#"{"temperature":2.5e0, "b": "}"}"#,   #"{"temperature":1.3, "b": "}"}"#),
        (#"{"b": "\"temperature\": 4,", "temperature" : 1 }"#, #"{"b": "\"temperature\": 4,", "temperature" : 1.3 }"#),
        (#"{"b": {"c": ","}, "d": ":{", "temperature": null}"#, #"{"b": {"c": ","}, "d": ":{", "temperature": 1.3}"#),
    ]

    @Test(arguments: texts)
    func `sets a number and leaves the rest as it was written`(text: String, expected: String) throws {
        let edited = try ManifestEdit.setting("temperature", to: 1.3, in: Array(text.utf8))
        #expect(String(decoding: edited, as: UTF8.self) == expected)
    }

    @Test(arguments: ["", "[1]", "{", #"{"a": 1} 2"#])
    func `writes nothing into what is no object`(text: String) {
        #expect(throws: FormatError.self) {
            try ManifestEdit.setting("temperature", to: 1.3, in: Array(text.utf8))
        }
    }
}
