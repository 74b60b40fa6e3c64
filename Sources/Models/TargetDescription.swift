internal import Support

/// The sequences that a model writes, as the `output` of its manifest says it.
package struct TargetDescription: Sendable, Equatable {
    /// What a sequence consists of.
    package enum Kind: Sendable, Equatable {
        /// Tokens of a text, one a line of the vocabulary file; `start` and `end` are entries of it.
        case text(Tokenizer.Kind, vocabulary: String, start: String, end: String)
        /// Numbers of tokens, 0 ..< size.
        case tokens(size: Int, start: Int, end: Int)
    }

    package let kind: Kind
    /// The most tokens that a sequence may have.
    package let maxLength: Int

    private enum Name: String, CaseIterable {
        case text, tokens
    }

    private static let textKeys = ["kind", "tokenizer", "vocabulary", "start", "end", "max_length"]
    private static let tokenKeys = ["kind", "size", "start", "end", "max_length"]
    private static let defaultMaxLength = 256

    /// Reads the `output` of a manifest.
    init(_ reader: JSONReader) throws(FormatError) {
        let keys = Set(Self.textKeys + Self.tokenKeys).sorted()
        let fields: JSONFields
        switch try reader.object(keys).required("kind").choice(Name.self) {
        case .text:
            fields = try reader.object(Self.textKeys)
            let tokenizer = try fields.required("tokenizer")
            let kind = try tokenizer.choice(Tokenizer.Kind.self)
            guard kind != .bytes else {
                throw tokenizer.fault("expected words or characters: no byte is left to be 'start' and 'end'")
            }
            self.kind = .text(
                kind,
                vocabulary: try Manifest.fileName(fields.required("vocabulary")),
                start: try fields.required("start").string(),
                end: try fields.required("end").string()
            )
        case .tokens:
            fields = try reader.object(Self.tokenKeys)
            let size = try fields.required("size").integer(in: 1...1 << 24)
            kind = .tokens(
                size: size,
                start: try fields.required("start").integer(in: 0...size - 1),
                end: try fields.required("end").integer(in: 0...size - 1)
            )
        }
        maxLength = try fields.optional("max_length")?.integer(in: 1...1 << 16) ?? Self.defaultMaxLength
    }
}
