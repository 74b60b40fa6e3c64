package import Models
internal import Support

/// A label for each step of a sequence: what a `token-classification` answers.
package struct TokenTags: Sendable, Equatable {
    /// One step.
    package struct Tag: Sendable, Equatable {
        /// The token of a text as it was written, or its number; nil where a step has features.
        package let token: TokenName?
        /// The number of the frame among those of the request; nil where the steps are none.
        package let frame: Int?
        /// Whether the vocabulary did not know the token.
        package let isUnknown: Bool
        package let scores: ClassScores
    }

    package let tags: [Tag]

    /// - Shape: logits steps × classes.
    /// - Throws: `ServingError` with status 500 when a logit is not a finite number.
    init(_ logits: [Float], of sequence: SequenceEncoder.Encoded, _ model: Model) throws(ServingError) {
        let classes = model.classes
        precondition(
            logits.count == sequence.steps * classes,
            "\(logits.count) logits for \(classes) classes"
        )
        let unknown = Set(sequence.unknownPositions)
        var tags: [Tag] = []
        tags.reserveCapacity(sequence.steps)
        for step in 0..<sequence.steps {
            tags.append(
                Tag(
                    token: sequence.token(at: step),
                    frame: sequence.isClip ? step : nil,
                    isUnknown: unknown.contains(step),
                    scores: try ClassScores(
                        [Array(logits[step * classes..<(step + 1) * classes])],
                        scoring: model.scoring
                    )
                )
            )
        }
        self.tags = tags
    }
}
