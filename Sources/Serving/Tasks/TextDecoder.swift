internal import Support

/// Turns the numbers of tokens back into text.
struct TextDecoder: Sendable {
    let kind: Tokenizer.Kind
    /// Nil for bytes.
    let vocabulary: Vocabulary?
    /// The number of the entry for unknown tokens, which stands for no text.
    let unknown: Int?

    /// How many tokens there are.
    var count: Int { vocabulary?.count ?? 256 }

    /// What a token adds to a text, in UTF-8; one byte may be a part of a character.
    ///
    /// - Parameters:
    ///   - token: its number.
    ///   - previous: the token before it, if any.
    /// - Returns: at least one byte.
    func bytes(of token: Int, after previous: Int?) -> [UInt8] {
        guard let vocabulary else { return [UInt8(token)] }
        let text = Array(vocabulary.tokens[token].utf8)
        guard kind == .words, let previous, separates(vocabulary.tokens[previous], vocabulary.tokens[token])
        else { return text }
        return [UInt8(ascii: " ")] + text
    }

    /// How a token is named in an answer: as it is, or by its number where it is a byte.
    func name(of token: Int) -> JSONValue {
        vocabulary.map { .string($0.tokens[token]) } ?? .integer(token)
    }

    /// Whether there is a space between two words: not before punctuation that closes or after one that opens.
    private func separates(_ previous: String, _ next: String) -> Bool {
        !".,;:!?)]}…”’".contains(next) && !"([{“‘".contains(previous)
    }
}
