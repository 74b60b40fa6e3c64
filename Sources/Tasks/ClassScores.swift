internal import Platform
package import Models
package import Support

/// How likely each class is, from the logits of one item or of several that are averaged.
package struct ClassScores: Sendable, Equatable {
    /// What is averaged over the crops of an image.
    package enum Average: String, Sendable, CaseIterable {
        case probabilities, logits
    }

    /// One class of an answer.
    package struct Prediction: Sendable, Equatable {
        package let index: Int
        /// Nil when the model has no labels.
        package let label: String?
        package let probability: Double
        package let logit: Double
    }

    /// The mean over the items.
    package let logits: [Double]
    /// They sum to 1, but for those of a sigmoid.
    package let probabilities: [Double]
    /// What made them of the logits.
    package let scoring: Scoring

    /// Averages the outputs of a network.
    ///
    /// - Parameters:
    ///   - outputs: the logits of each item, all of one length.
    ///   - average: of what the mean is taken; for one item both give the same.
    ///   - scoring: what makes probabilities of logits.
    /// - Throws: `ServingError` with status 500 when a logit is not a finite number.
    package init(
        _ outputs: [[Float]],
        average: Average = .probabilities,
        scoring: Scoring = Scoring()
    ) throws(ServingError) {
        precondition(!outputs.isEmpty && !outputs[0].isEmpty, "scores without logits")
        for (item, output) in outputs.enumerated() {
            guard let index = output.firstIndex(where: { !$0.isFinite }) else { continue }
            let place = outputs.count == 1 ? "" : " of crop \(item)"
            let message = "the network's output \(index)\(place) is not a finite number"
            throw .internalError(message, code: "not_finite")
        }
        let rows = outputs.map { $0.map(Double.init) }
        logits = Self.mean(rows)
        self.scoring = scoring
        probabilities =
            average == .logits
            ? Self.probabilities(logits, scoring)
            : Self.mean(rows.map { Self.probabilities($0, scoring) })
    }

    /// The `count` most probable classes, or all when there are fewer; of equals the lower index comes first.
    package func top(_ count: Int, labels: [String]? = nil) -> [Prediction] {
        precondition(count > 0, "the top \(count) classes")
        let order = probabilities.indices.sorted {
            probabilities[$0] == probabilities[$1] ? $0 < $1 : probabilities[$0] > probabilities[$1]
        }
        return order.prefix(count).map { index in
            Prediction(
                index: index,
                label: labels?[index],
                probability: probabilities[index],
                logit: logits[index]
            )
        }
    }

    /// The probabilities that the logits themselves give, whatever was averaged.
    package var softmaxOfLogits: [Double] { Self.softmax(logits) }

    /// The classes that an answer lists: the most probable, and of a model with a threshold those alone that reach it.
    ///
    /// - Parameters:
    ///   - count: how many at most; nil is 5, or all that reach the threshold.
    ///   - labels: the names of the classes.
    /// - Returns: the most probable first; none where none reaches the threshold.
    package func listed(_ count: Int?, labels: [String]? = nil) -> [Prediction] {
        guard let threshold = scoring.threshold else { return top(count ?? Self.usualCount, labels: labels) }
        let reaching = probabilities.count { $0 >= threshold }
        return reaching == 0 ? [] : top(min(count ?? reaching, reaching), labels: labels)
    }

    /// How many classes an answer lists when nobody says.
    private static let usualCount = 5

    private static func mean(_ rows: [[Double]]) -> [Double] {
        guard rows.count > 1 else { return rows[0] }
        return rows[0].indices.map { index in rows.reduce(0) { $0 + $1[index] } / Double(rows.count) }
    }

    private static func probabilities(_ logits: [Double], _ scoring: Scoring) -> [Double] {
        let logits = scoring.temperature == 1 ? logits : logits.map { $0 / scoring.temperature }
        return switch scoring.activation {
        case .softmax: softmax(logits)
        case .sigmoid: logits.map { 1 / (1 + Exponential.of(-$0)) }
        }
    }

    private static func softmax(_ logits: [Double]) -> [Double] {
        let largest = logits.max() ?? 0
        let powers = logits.map { Exponential.of($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
