internal import Support

/// The tokens that a model of sequences to sequences writes, and what a client is told of them.
package struct Target: Sendable {
    /// Nil where the tokens are numbers.
    private let decoder: TextDecoder?
    /// How many tokens there are.
    package let size: Int
    /// The token that stands before the first.
    package let start: Int
    /// The token after the last.
    package let end: Int
    package let maxLength: Int

    /// `vocabulary` is the one that the description names, nil where it names none.
    ///
    /// - Throws: `FormatError` when `start` or `end` is not in the vocabulary.
    init(_ description: TargetDescription, vocabulary: Vocabulary?) throws(FormatError) {
        maxLength = description.maxLength
        switch description.kind {
        case .text(let tokenizer, _, let start, let end):
            decoder = TextDecoder(kind: tokenizer, vocabulary: vocabulary, unknown: nil)
            size = vocabulary?.count ?? 0
            self.start = try TextEncoder.number(of: start, in: vocabulary, "output.start")
            self.end = try TextEncoder.number(of: end, in: vocabulary, "output.end")
        case .tokens(let size, let start, let end):
            decoder = nil
            (self.size, self.start, self.end) = (size, start, end)
        }
    }

    /// Tokens as they are named in an answer.
    package func names(of tokens: [Int]) -> [TokenName] {
        tokens.map { decoder?.name(of: $0) ?? .number($0) }
    }

    /// The text of tokens; nil where they are numbers.
    package func text(of tokens: [Int]) -> String? {
        guard let decoder else { return nil }
        let bytes = tokens.indices.flatMap {
            decoder.bytes(of: tokens[$0], after: $0 > 0 ? tokens[$0 - 1] : nil)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
