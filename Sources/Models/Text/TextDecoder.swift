/// Turns the numbers of tokens back into text.
package struct TextDecoder: Sendable {
    let kind: Tokenizer.Kind
    /// Nil for bytes.
    let vocabulary: Vocabulary?
    /// The number of the entry for unknown tokens, which stands for no text.
    package let unknown: Int?

    /// How many tokens there are.
    package var count: Int { vocabulary?.count ?? 256 }

    /// What a token adds to a text, in UTF-8; one byte may be a part of a character.
    ///
    /// - Parameters:
    ///   - token: its number.
    ///   - previous: the token before it, if any.
    /// - Returns: at least one byte.
    package func bytes(of token: Int, after previous: Int?) -> [UInt8] {
        guard let vocabulary else { return [UInt8(token)] }
        let text = Array(vocabulary.tokens[token].utf8)
        guard kind == .words, let previous, separates(vocabulary.tokens[previous], vocabulary.tokens[token])
        else { return text }
        return [UInt8(ascii: " ")] + text
    }

    /// How a token is named in an answer: as it is, or by its number where it is a byte.
    package func name(of token: Int) -> TokenName {
        vocabulary.map { .text($0.tokens[token]) } ?? .number(token)
    }

    /// Whether there is a space between two words: not before punctuation that closes or after one that opens.
    private func separates(_ previous: String, _ next: String) -> Bool {
        !".,;:!?)]}…”’".contains(next) && !"([{“‘".contains(previous)
    }
}

/// How a token is named in an answer.
package enum TokenName: Sendable, Equatable {
    /// As it is written.
    case text(String)
    /// By its number, where it has no spelling of its own.
    case number(Int)
}
