internal import Models
internal import Platform
internal import Support

/// How likely a text is to a model that predicts each token from those before it.
package struct TextLikelihood: Sendable, Equatable {
    /// The natural logarithm of the probability of each token but the first, given all before it.
    package let logLikelihoods: [Double]

    package var total: Double { logLikelihoods.reduce(0, +) }

    /// - Shape: logits steps × vocabulary.
    /// - Throws: `ServingError` with status 500 when a logit is not a finite number.
    init(_ logits: [Float], of sequence: SequenceEncoder.Encoded, vocabulary: Int) throws(ServingError) {
        precondition(
            logits.count == sequence.steps * vocabulary,
            "\(logits.count) logits for \(vocabulary) tokens"
        )
        var values: [Double] = []
        values.reserveCapacity(sequence.steps - 1)
        for step in 0..<sequence.steps - 1 {
            let row = logits[step * vocabulary..<(step + 1) * vocabulary]
            guard row.allSatisfy(\.isFinite), let largest = row.max() else {
                throw .internalError("the network's output at step \(step) is not finite", code: "not_finite")
            }
            let sum = row.reduce(0.0) { $0 + Exponential.of(Double($1) - Double(largest)) }
            let next = row[row.startIndex + sequence.number(at: step + 1)]
            values.append(Double(next) - Double(largest) - Logarithm.of(sum))
        }
        logLikelihoods = values
    }
}
