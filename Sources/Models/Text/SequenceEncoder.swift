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
        package let isClip: Bool
        /// The tokens that stand before and behind those of the text, where the encoder puts some there.
        private let frame: (start: String?, end: String?)

        package var steps: Int { tensor.shape[0] }
        package var unknownTokens: Int { unknownPositions.count }

        package init(
            tensor: Tensor,
            tokens: [String] = [],
            unknownPositions: [Int] = [],
            isClip: Bool = false,
            frame: (start: String?, end: String?) = (nil, nil)
        ) {
            self.tensor = tensor
            self.tokens = tokens
            self.unknownPositions = unknownPositions
            self.isClip = isClip
            self.frame = frame
        }

        /// The number of a step's token.
        ///
        /// - Precondition: the sequence has tokens.
        package func number(at step: Int) -> Int {
            tensor.withSpan { Int($0[step * ($0.count / steps)]) }
        }

        /// What stands for each step in an answer; nil for features.
        package var names: [TokenName]? {
            if !tokens.isEmpty {
                return ([frame.start].compactMap(\.self) + tokens + [frame.end].compactMap(\.self)).map(
                    TokenName.text
                )
            }
            return tensor.shape.rank == 1 ? (0..<steps).map { .number(number(at: $0)) } : nil
        }

        /// What stands for a step in an answer: its token as it was written, or its number; nil for features.
        package func token(at step: Int) -> TokenName? {
            if !tokens.isEmpty { return .text(tokens[step]) }
            return tensor.shape.rank == 1 ? .number(number(at: step)) : nil
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
    package var decoder: TextDecoder? {
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

    /// What the model takes.
    package enum Form: Sendable, Equatable {
        case text
        /// Numbers of tokens, below the size.
        case tokens(size: Int)
        /// Vectors of so many features.
        case features(size: Int)

        /// For messages.
        package var expectation: String {
            switch self {
            case .text: "a string or an array of strings (the model takes text)"
            case .tokens: "an array of integers (the model takes tokens)"
            case .features(let size): "an array of arrays of \(size) numbers (the model takes features)"
            }
        }
    }

    package var form: Form {
        switch rule {
        case .text: .text
        case .tokens(let size): .tokens(size: size)
        case .features(let description): .features(size: description.size)
        }
    }

    /// Encodes a text.
    ///
    /// - Throws: `ServingError` with status 400 when the model takes something else, for an unknown token, and for a
    ///   sequence that is empty or too long.
    package func encode(text: String) throws(ServingError) -> Encoded {
        guard case .text(let encoder) = rule else {
            throw .invalidInput("expected \(form.expectation), found a text")
        }
        return try encoder.encode(text)
    }

    /// Encodes tokens that the client has split: each is looked up as it is, lowered when the model wants that.
    ///
    /// - Throws: `ServingError` as for a text, and for a model of bytes.
    package func encode(words: [String]) throws(ServingError) -> Encoded {
        guard case .text(let encoder) = rule else {
            throw .invalidInput("expected \(form.expectation), found words")
        }
        return try encoder.encode(split: words)
    }

    /// Encodes numbers of tokens.
    ///
    /// - Throws: `ServingError` when the model takes something else, for a number that is no token, and for a sequence
    ///   that is empty or too long.
    package func encode(tokens: [Int32]) throws(ServingError) -> Encoded {
        guard case .tokens(let size) = rule else {
            throw .invalidInput("expected \(form.expectation), found tokens")
        }
        try checkLength(tokens.count)
        if let position = tokens.firstIndex(where: { !(0..<size ~= Int($0)) }) {
            let expected = "expected an integer from 0 to \(size - 1)"
            throw .badRequest(
                "token \(position): \(expected), found \(tokens[position])",
                code: "unknown_token"
            )
        }
        return Encoded(tensor: Tensor(shape: [tokens.count], values: tokens.map(Float.init)))
    }

    /// Encodes vectors of features, one after another.
    ///
    /// - Shape: steps × the model's features.
    /// - Throws: `ServingError` when the model takes something else, for a number of values that are no whole steps, for
    ///   one that is too large, and for a sequence that is empty or too long.
    package func encode(features: [Float]) throws(ServingError) -> Encoded {
        guard case .features(let description) = rule else {
            throw .invalidInput("expected \(form.expectation), found features")
        }
        let size = description.size
        guard features.count % size == 0 else {
            throw .invalidInput("expected steps of \(size) numbers, found \(features.count) numbers")
        }
        try checkLength(features.count / size)
        let values = features.indices.map { description.normalised(Double(features[$0]), $0 % size) }
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            let place = "step \(index / size), feature \(index % size)"
            throw .invalidInput("\(place): \(features[index]) is too large for a 32-bit float")
        }
        return Encoded(tensor: Tensor(shape: [features.count / size, size], values: values))
    }

    /// A step that goes on from values that the model predicted.
    ///
    /// - Precondition: the model takes as many features.
    /// - Throws: `ServingError` with status 500 when it has left the range of a 32-bit float.
    package func step(_ values: [Float]) throws(ServingError) -> [Float] {
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
    package static func checkLength(_ steps: Int, atMost limit: Int) throws(ServingError) {
        guard steps > 0 else { throw .badRequest("the sequence is empty", code: "empty_sequence") }
        guard steps <= limit else { throw tooLong("\(steps)", atMost: limit) }
    }

    static func tooLong(_ steps: String, atMost limit: Int) -> ServingError {
        let message = "the sequence has \(steps) steps, the model takes at most \(limit)"
        return .badRequest(message, code: "sequence_too_long")
    }
}

extension InputDescription.FeatureDescription {
    /// What the network sees of a feature.
    fileprivate func normalised(_ value: Double, _ index: Int) -> Float {
        Float((value - mean[index]) / std[index])
    }
}
