internal import Engine
internal import Support

/// Turns a text, or words that are split already, into the numbers of its tokens.
struct TextEncoder: Sendable {
    /// A feature of words with its vocabulary, and the number of the entry for unknown ones.
    private struct FeatureColumn: Sendable {
        let feature: TokenFeature
        let vocabulary: Vocabulary
        let unknown: Int
    }

    private let tokenizer: Tokenizer
    /// nil for bytes, which are their own numbers.
    private let vocabulary: Vocabulary?
    /// The number of the token that stands for unknown ones.
    private let unknown: Int?
    private let columns: [FeatureColumn]
    /// The numbers of the tokens before and behind every text.
    private let start: Int?
    private let end: Int?
    private let maxLength: Int

    /// `vocabularies` has, by the names of their files, all that the description names.
    ///
    /// - Precondition: a text that is framed has no features.
    /// - Throws: `FormatError` when an entry that the description names is not in its vocabulary.
    init(
        _ description: InputDescription.TextDescription,
        vocabularies: [String: Vocabulary],
        isFramed: Bool
    ) throws(FormatError) {
        tokenizer = Tokenizer(description.tokenizer, lowercase: description.lowercase)
        maxLength = description.maxLength
        let vocabulary = description.vocabulary.flatMap { vocabularies[$0] }
        self.vocabulary = vocabulary
        unknown = try description.unknown.map { name throws(FormatError) in
            try Self.number(of: name, in: vocabulary, "input.unknown")
        }
        let frame = isFramed ? [description.start, description.end] : [nil, nil]
        let numbers = try zip(frame, ["start", "end"]).map { token, key throws(FormatError) in
            try token.map { name throws(FormatError) in
                try Self.number(of: name, in: vocabulary, "input.\(key)")
            }
        }
        (start, end) = (numbers[0], numbers[1])
        var columns: [FeatureColumn] = []
        for (index, feature) in description.features.enumerated() {
            let place = "input.features[\(index)]"
            guard let vocabulary = vocabularies[feature.vocabulary] else {
                throw FormatError("\(place).vocabulary", "'\(feature.vocabulary)' was not read")
            }
            let unknown = try Self.number(of: feature.unknown, in: vocabulary, "\(place).unknown")
            columns.append(FeatureColumn(feature: feature, vocabulary: vocabulary, unknown: unknown))
        }
        self.columns = columns
    }

    /// The number of a token that a manifest names.
    static func number(
        of token: String,
        in vocabulary: Vocabulary?,
        _ place: String
    ) throws(FormatError) -> Int {
        guard let number = vocabulary?[token] else {
            throw FormatError(place, "the token '\(token)' is not in the vocabulary")
        }
        return number
    }

    /// What makes text of the tokens again.
    var decoder: TextDecoder { TextDecoder(kind: tokenizer.kind, vocabulary: vocabulary, unknown: unknown) }

    /// How many different numbers each column of a step has: that of the tokens, then those of their features.
    var sizes: [Int] { [vocabulary?.count ?? 256] + columns.map(\.vocabulary.count) }

    /// Encodes a text, splitting it no further than to the first token that is too many.
    ///
    /// - Throws: `ServingError` with status 400 for an unknown token, and for a text that is empty or too long.
    func encode(_ text: String) throws(ServingError) -> SequenceEncoder.Encoded {
        if tokenizer.kind == .words {
            let words = Tokenizer.words(of: text, limit: maxLength)
            guard words.count <= maxLength else { throw tooLong("more than \(maxLength)") }
            // Case looks over the end of a word: `Σ` before `.Α` ends none. The letters fall into the same words again.
            let isWhole = tokenizer.lowercase && text.hasCapitalSigma
            return try encode(
                words: words,
                spellings: isWhole ? Tokenizer.words(of: tokenizer.prepared(text), limit: .max) : nil
            )
        }
        // A scalar, and a byte of a lowered text, comes of no more than four bytes.
        guard text.utf8.count <= 4 * maxLength else { throw tooLong("more than \(maxLength)") }
        guard vocabulary == nil else { return try encode(words: tokenizer.tokens(of: text)) }
        let bytes = Array(tokenizer.prepared(text).utf8)
        try checkLength(bytes.count)
        return SequenceEncoder.Encoded(tensor: Tensor(shape: [bytes.count], values: bytes.map(Float.init)))
    }

    /// Encodes tokens that the client has split: each is looked up as it is, lowered when the model wants that.
    ///
    /// - Throws: `ServingError` with status 400 as above, for what is no string, and for a model of bytes.
    func encode(split words: [String]) throws(ServingError) -> SequenceEncoder.Encoded {
        guard vocabulary != nil else {
            throw .invalidInput("expected a string (the model takes bytes of text), found an array")
        }
        try checkLength(words.count)
        if let position = words.firstIndex(of: "") {
            throw .invalidInput("token \(position): expected a string, found an empty one")
        }
        return try encode(words: words)
    }

    /// Looks words up.
    ///
    /// - Parameters:
    ///   - words: as they were written.
    ///   - spellings: as the vocabulary has them; nil for what becomes of each word by itself.
    /// - Returns: their numbers, and which words they are.
    /// - Throws: `ServingError` as above.
    private func encode(words: [String], spellings: [String]? = nil) throws(ServingError)
        -> SequenceEncoder.Encoded
    {
        precondition(
            spellings?.count ?? words.count == words.count,
            "\(spellings?.count ?? 0) spellings of \(words.count) words"
        )
        try checkLength(words.count)
        var values: [Float] = []
        values.reserveCapacity((words.count + 2) * (1 + columns.count))
        if let start { values.append(Float(start)) }
        var unknownPositions: [Int] = []
        for (position, word) in words.enumerated() {
            let known = vocabulary?[spellings?[position] ?? tokenizer.prepared(word)]
            guard let number = known ?? unknown else {
                let message = "unknown token '\(word.clipped(to: 100))' at position \(position)"
                let advice = "the model has no entry for unknown tokens"
                throw .badRequest("\(message); \(advice)", code: "unknown_token")
            }
            if known == nil { unknownPositions.append(position) }
            values.append(Float(number))
            for column in columns {
                values.append(Float(column.vocabulary[column.feature.value(of: word)] ?? column.unknown))
            }
        }
        if let end { values.append(Float(end)) }
        let shape: Shape = columns.isEmpty ? [values.count] : [words.count, 1 + columns.count]
        return SequenceEncoder.Encoded(
            tensor: Tensor(shape: shape, values: values),
            tokens: words,
            unknownPositions: unknownPositions,
            frame: (name(of: start), name(of: end))
        )
    }

    private func name(of token: Int?) -> String? { token.flatMap { vocabulary?.tokens[$0] } }

    private func checkLength(_ steps: Int) throws(ServingError) {
        try SequenceEncoder.checkLength(steps, atMost: maxLength)
    }

    private func tooLong(_ steps: String) -> ServingError {
        SequenceEncoder.tooLong(steps, atMost: maxLength)
    }
}
