package import Engine

/// Turns what a client sends to a model of sequences into the tensor that the network takes.
///
/// Everything is checked here, before the request is queued: an encoded sequence can only fail by a deadline.
package struct SequenceEncoder: Sendable {
    /// A sequence ready for the network.
    package struct Encoded: Sendable {
        /// *Shape*: steps, or steps × features.
        package let tensor: Tensor
        package let steps: Int
        /// How many tokens were replaced by the vocabulary's entry for unknown ones.
        package let unknownTokens: Int
    }

    private enum Rule: Sendable {
        case text(Tokenizer, Vocabulary?, unknown: Int?)
        case tokens(size: Int)
        case features(InputDescription.FeatureDescription)
    }

    private let rule: Rule
    /// The most steps a sequence may have.
    package let maxLength: Int
    /// How many different tokens, or how many features, a step has.
    package let size: Int

    /// Text with a vocabulary.
    ///
    /// - Throws: `FormatError` when the token that stands for unknown ones is not in the vocabulary.
    package init(
        _ description: InputDescription.TextDescription,
        vocabulary: Vocabulary?
    ) throws(FormatError) {
        let unknown = description.unknown.flatMap { vocabulary?[$0] }
        if let name = description.unknown, unknown == nil {
            throw FormatError("input.unknown", "the token '\(name)' is not in the vocabulary")
        }
        let tokenizer = Tokenizer(description.tokenizer, lowercase: description.lowercase)
        rule = .text(tokenizer, vocabulary, unknown: unknown)
        size = vocabulary?.count ?? 256
        maxLength = description.maxLength
    }

    /// Numbers of tokens.
    package init(_ description: InputDescription.TokenDescription) {
        rule = .tokens(size: description.size)
        size = description.size
        maxLength = description.maxLength
    }

    /// Vectors of features.
    package init(_ description: InputDescription.FeatureDescription) {
        rule = .features(description)
        size = description.size
        maxLength = description.maxLength
    }

    /// Encodes one instance of a request: a string, an array of integers, or an array of arrays of numbers.
    ///
    /// - Throws: `APIError` with status 400 that says what the model takes and what was found where.
    package func encode(_ instance: JSONValue) throws(APIError) -> Encoded {
        switch (rule, instance) {
        case (.text, .string(let text)): return try encode(text: text)
        case (.tokens(let size), .array(let elements)): return try encode(tokens: elements, size: size)
        case (.features(let description), .array(let rows)): return try encode(rows, description)
        default: throw .invalidInput("expected \(expectation), found \(instance.kind)")
        }
    }

    /// Encodes a text.
    ///
    /// - Throws: `APIError` with status 400 when the model takes something else, for an unknown token, and for a
    ///   sequence that is empty or too long.
    package func encode(text: String) throws(APIError) -> Encoded {
        guard case .text(let tokenizer, let vocabulary, let unknown) = rule else {
            throw .invalidInput("expected \(expectation), found a text")
        }
        guard let vocabulary else {
            let bytes = Array(tokenizer.prepared(text).utf8)
            try checkLength(bytes.count)
            return Encoded(
                tensor: Tensor(shape: [bytes.count], values: bytes.map(Float.init)),
                steps: bytes.count,
                unknownTokens: 0
            )
        }
        if tokenizer.kind == .characters { try checkLength(tokenizer.prepared(text).unicodeScalars.count) }
        let tokens = tokenizer.tokens(of: text)
        try checkLength(tokens.count)
        var values: [Float] = []
        var unknownTokens = 0
        for (position, token) in tokens.enumerated() {
            if let number = vocabulary[token] {
                values.append(Float(number))
            } else if let unknown {
                values.append(Float(unknown))
                unknownTokens += 1
            } else {
                let message =
                    "unknown token '\(token)' at position \(position); the model has no entry for unknown tokens"
                throw .badRequest(message, code: "unknown_token")
            }
        }
        let tensor = Tensor(shape: [tokens.count], values: values)
        return Encoded(tensor: tensor, steps: tokens.count, unknownTokens: unknownTokens)
    }

    private func encode(tokens: [JSONValue], size: Int) throws(APIError) -> Encoded {
        try checkLength(tokens.count)
        var values: [Float] = []
        values.reserveCapacity(tokens.count)
        for (position, token) in tokens.enumerated() {
            guard case .number(let number) = token, let integer = Int(exactly: number), 0..<size ~= integer
            else {
                let message =
                    "token \(position): expected an integer from 0 to \(size - 1), found \(token.brief)"
                throw .badRequest(message, code: "unknown_token")
            }
            values.append(Float(integer))
        }
        return Encoded(
            tensor: Tensor(shape: [tokens.count], values: values),
            steps: tokens.count,
            unknownTokens: 0
        )
    }

    private func encode(
        _ rows: [JSONValue],
        _ description: InputDescription.FeatureDescription
    ) throws(APIError) -> Encoded {
        try checkLength(rows.count)
        var values: [Float] = []
        for (step, row) in rows.enumerated() {
            guard case .array(let numbers) = row else {
                throw .invalidInput(
                    "step \(step): expected an array of \(description.size) numbers, found \(row.kind)"
                )
            }
            guard numbers.count == description.size else {
                throw .invalidInput(
                    "step \(step): expected \(description.size) numbers, found \(numbers.count)"
                )
            }
            for (index, number) in numbers.enumerated() {
                guard case .number(let value) = number else {
                    throw .invalidInput(
                        "step \(step), feature \(index): expected a number, found \(number.kind)"
                    )
                }
                let normalised = Float((value - description.mean[index]) / description.std[index])
                guard normalised.isFinite else {
                    throw .invalidInput(
                        "step \(step), feature \(index): \(number.text) is too large for a 32-bit float"
                    )
                }
                values.append(normalised)
            }
        }
        let tensor = Tensor(shape: [rows.count, description.size], values: values)
        return Encoded(tensor: tensor, steps: rows.count, unknownTokens: 0)
    }

    private func checkLength(_ steps: Int) throws(APIError) {
        guard steps > 0 else { throw .badRequest("the sequence is empty", code: "empty_sequence") }
        guard steps <= maxLength else {
            let message = "the sequence has \(steps) steps, the model takes at most \(maxLength)"
            throw .badRequest(message, code: "sequence_too_long")
        }
    }

    /// What the model takes, for messages.
    private var expectation: String {
        switch rule {
        case .text: "a string (the model takes text)"
        case .tokens: "an array of integers (the model takes tokens)"
        case .features(let description):
            "an array of arrays of \(description.size) numbers (the model takes features)"
        }
    }
}

extension JSONValue {
    /// A number as it is, another value by its kind.
    fileprivate var brief: String {
        if case .number = self { text } else { kind }
    }
}
