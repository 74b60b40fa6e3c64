import Models
import Testing

struct TokenFeatureTests {
    private func feature(_ entry: String) throws -> TokenFeature {
        let text = """
            {"architecture": "gru", "task": "token-classification", "input": {"kind": "text", "tokenizer": "words",
             "vocabulary": "v", "features": [{\(entry), "vocabulary": "f", "unknown": "?"}]}}
            """
        guard case .text(let description) = try Manifest(parsing: Array(text.utf8)).input else {
            fatalError("the manifest is one of text")
        }
        return description.features[0]
    }

    // swift-format-ignore
    static let rows: [(entry: String, word: String, value: String)] = [
        (#""kind": "suffix", "length": 3"#, "Running", "ing"),
        (#""kind": "suffix", "length": 3"#, "It", "it"),
        (#""kind": "suffix", "length": 2"#, "cafe\u{301}", "e\u{301}"),
        (#""kind": "prefix", "length": 3"#, "ÉTUDE", "étu"),
        (#""kind": "prefix", "length": 9"#, "a", "a"),
        (#""kind": "shape""#, "McDonald-1999", "XxXxx-dd"),
        (#""kind": "shape""#, "U.S.A...", "X.X.X.."),
        (#""kind": "shape""#, "東京東", "東京東"),
        (#""kind": "shape""#, "ǅ", "ǅ"),
    ]

    @Test(arguments: rows)
    func `a feature is what the word's spelling says`(entry: String, word: String, value: String) throws {
        #expect(Array(try feature(entry).value(of: word).unicodeScalars) == Array(value.unicodeScalars))
    }
}
