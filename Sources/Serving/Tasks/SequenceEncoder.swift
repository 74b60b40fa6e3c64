package import Engine
package import Support
package import Zoo

/// Turns what a client sends to a model of sequences into the tensor that the network takes.
///
/// Everything is checked here, before the request is queued: an encoded sequence can only fail by a deadline.
package struct SequenceEncoder: Sendable {
    /// A sequence ready for the network.
    package struct Encoded: Sendable {
        /// *Shape*: steps, or steps × features, or steps × the numbers of a token and its features.
        package let tensor: Tensor
        /// The tokens of a text as they were written; empty for bytes and for what is no text.
        package let tokens: [String]
        /// The steps whose tokens were replaced by the vocabulary's entry for unknown ones.
        package let unknownPositions: [Int]
        /// Whether its steps are frames.
        let isClip: Bool

        package var steps: Int { tensor.shape[0] }
        package var unknownTokens: Int { unknownPositions.count }

        init(
            tensor: Tensor,
            tokens: [String] = [],
            unknownPositions: [Int] = [],
            isClip: Bool = false
        ) {
            self.tensor = tensor
            self.tokens = tokens
            self.unknownPositions = unknownPositions
            self.isClip = isClip
        }

        /// The number of a step's token.
        ///
        /// - Precondition: the sequence has tokens.
        func number(at step: Int) -> Int {
            tensor.withSpan { Int($0[step * ($0.count / steps)]) }
        }

        /// What stands for a step in an answer: its token as it was written, or its number; nil for features.
        func token(at step: Int) -> JSONValue? {
            if !tokens.isEmpty { return .string(tokens[step]) }
            return tensor.shape.rank == 1 ? .integer(number(at: step)) : nil
        }
    }

    private enum Rule: Sendable {
        case text(TextEncoder)
        case tokens(size: Int)
        case features(InputDescription.FeatureDescription)
    }

    private let rule: Rule
    /// The most steps a sequence may have.
    package let maxLength: Int
    /// What a step is to the network.
    package let input: SequenceInput

    /// Text with its vocabularies, by the names of their files; `isFramed` puts `start` and `end` around every text.
    ///
    /// - Throws: `FormatError` when a token that the description names is not in its vocabulary.
    package init(
        _ description: InputDescription.TextDescription,
        vocabularies: [String: Vocabulary],
        isFramed: Bool = false
    ) throws(FormatError) {
        let encoder = try TextEncoder(description, vocabularies: vocabularies, isFramed: isFramed)
        rule = .text(encoder)
        input = encoder.sizes.count == 1 ? .tokens(encoder.sizes[0]) : .tokenColumns(encoder.sizes)
        maxLength = description.maxLength
    }

    /// What makes text of tokens; nil when the model takes no text.
    var decoder: TextDecoder? {
        guard case .text(let encoder) = rule else { return nil }
        return encoder.decoder
    }

    /// Numbers of tokens.
    package init(_ description: InputDescription.TokenDescription) {
        rule = .tokens(size: description.size)
        input = .tokens(description.size)
        maxLength = description.maxLength
    }

    /// Vectors of features.
    package init(_ description: InputDescription.FeatureDescription) {
        rule = .features(description)
        input = .features(description.size)
        maxLength = description.maxLength
    }

    /// Encodes one instance of a request: a string or an array of them, an array of integers, or an array
    /// of arrays of numbers.
    ///
    /// - Throws: `ServingError` with status 400 that says what the model takes and what was found where.
    package func encode(_ instance: JSONValue) throws(ServingError) -> Encoded {
        switch (rule, instance) {
        case (.text(let encoder), .string(let text)): return try encoder.encode(text)
        case (.text(let encoder), .array(let words)): return try encoder.encode(split: words)
        case (.tokens(let size), .array(let elements)): return try encode(tokens: elements, size: size)
        case (.features(let description), .array(let rows)): return try encode(rows, description)
        default: throw .invalidInput("expected \(expectation), found \(instance.kind)")
        }
    }

    /// Encodes a text.
    ///
    /// - Throws: `ServingError` with status 400 when the model takes something else, for an unknown token, and for a
    ///   sequence that is empty or too long.
    package func encode(text: String) throws(ServingError) -> Encoded {
        guard case .text(let encoder) = rule else {
            throw .invalidInput("expected \(expectation), found a text")
        }
        return try encoder.encode(text)
    }

    private func encode(tokens: [JSONValue], size: Int) throws(ServingError) -> Encoded {
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
        return Encoded(tensor: Tensor(shape: [tokens.count], values: values))
    }

    private func encode(
        _ rows: [JSONValue],
        _ description: InputDescription.FeatureDescription
    ) throws(ServingError) -> Encoded {
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
                let normalised = description.normalised(value, index)
                guard normalised.isFinite else {
                    throw .invalidInput(
                        "step \(step), feature \(index): \(number.text) is too large for a 32-bit float"
                    )
                }
                values.append(normalised)
            }
        }
        return Encoded(tensor: Tensor(shape: [rows.count, description.size], values: values))
    }

    /// A step that goes on from values that the model predicted.
    ///
    /// - Precondition: the model takes as many features.
    /// - Throws: `ServingError` with status 500 when it has left the range of a 32-bit float.
    func step(_ values: [Float]) throws(ServingError) -> [Float] {
        guard case .features(let description) = rule else { preconditionFailure("tokens have no values") }
        let step = values.indices.map { description.normalised(Double(values[$0]), $0) }
        guard step.allSatisfy(\.isFinite) else {
            throw .internalError("a predicted value is too large to go on from", code: "not_finite")
        }
        return step
    }

    private func checkLength(_ steps: Int) throws(ServingError) {
        try Self.checkLength(steps, atMost: maxLength)
    }

    /// Requires steps, and not too many.
    static func checkLength(_ steps: Int, atMost limit: Int) throws(ServingError) {
        guard steps > 0 else { throw .badRequest("the sequence is empty", code: "empty_sequence") }
        guard steps <= limit else { throw tooLong("\(steps)", atMost: limit) }
    }

    static func tooLong(_ steps: String, atMost limit: Int) -> ServingError {
        let message = "the sequence has \(steps) steps, the model takes at most \(limit)"
        return .badRequest(message, code: "sequence_too_long")
    }

    /// What the model takes, for messages.
    private var expectation: String {
        switch rule {
        case .text: "a string or an array of strings (the model takes text)"
        case .tokens: "an array of integers (the model takes tokens)"
        case .features(let description):
            "an array of arrays of \(description.size) numbers (the model takes features)"
        }
    }
}

extension InputDescription.FeatureDescription {
    /// What the network sees of a feature.
    fileprivate func normalised(_ value: Double, _ index: Int) -> Float {
        Float((value - mean[index]) / std[index])
    }
}

extension JSONValue {
    /// A number as it is, another value by its kind.
    fileprivate var brief: String {
        if case .number = self { text } else { kind }
    }
}
