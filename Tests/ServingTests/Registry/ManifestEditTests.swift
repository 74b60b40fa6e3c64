import Models
import Support
import Tensors
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

    @Test func `mutated texts are edited rightly or not at all`() throws {
        var random = SplitMix64(seed: 11)
        let seeds = Self.texts.map { Array($0.0.utf8) }
        var edits = 0
        for _ in 0..<10_000 {
            var text = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...3, using: &random) where !text.isEmpty {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[place] = Array("{}[],:\"\\ 1a".utf8).randomElement(using: &random) ?? 0
                case 1: text.remove(at: place)
                default: text.insert(contentsOf: text[place...].prefix(7), at: place)
                }
            }
            guard let edited = try? ManifestEdit.setting("temperature", to: 1.3, in: text) else { continue }
            edits += 1
            let value = try JSONValue(parsing: edited)
            #expect(value["temperature"] == .number(1.3), "seed 11: \(String(decoding: text, as: UTF8.self))")
        }
        #expect(edits > 500)
    }

    @Test(arguments: ["", "[1]", "{", #"{"a": 1} 2"#])
    func `writes nothing into what is no object`(text: String) {
        #expect(throws: FormatError.self) {
            try ManifestEdit.setting("temperature", to: 1.3, in: Array(text.utf8))
        }
    }
}
