internal import Platform

/// The temperature with which a model's probabilities are as frequent as they say, from examples whose classes are known.
///
/// It changes no order of classes, only how sure the model is of them.
/// - Source: Guo et al., "On calibration of modern neural networks", ICML 2017, §4.2 (temperature) and §2 (error).
package struct Calibration: Sendable {
    /// How good the probabilities are.
    package struct Quality: Sendable, Equatable {
        /// The mean negative log-likelihood of the right classes, in nats.
        package let negativeLogLikelihood: Double
        /// By how much accuracy and confidence differ, over bins of equal width by confidence.
        package let expectedCalibrationError: Double
    }

    /// A temperature outside is none that a model has, but one of too few or of wrongly named examples.
    package static let range = 0.05...20.0

    private let logits: [[Double]]
    private let classes: [Int]

    /// - Parameters:
    ///   - logits: of each example, one number for each class.
    ///   - classes: the right class of each example.
    package init(logits: [[Double]], classes: [Int]) {
        precondition(!logits.isEmpty && logits.count == classes.count, "\(classes.count) classes")
        self.logits = logits
        self.classes = classes
    }

    /// The share of examples whose most probable class is the right one.
    package var accuracy: Double {
        let right = zip(logits, classes).count { logits, wanted in Self.best(logits) == wanted }
        return Double(right) / Double(logits.count)
    }

    /// The temperature of the lowest negative log-likelihood, at a bound of `range` where it lies outside.
    ///
    /// In β = 1/T the likelihood is convex, so Newton's steps lead there; one that leaves the bracket is replaced by its
    /// middle.
    package func temperature() -> Double {
        var (low, high) = (1 / Self.range.upperBound, 1 / Self.range.lowerBound)
        if slope(at: low).first >= 0 { return Self.range.upperBound }
        if slope(at: high).first <= 0 { return Self.range.lowerBound }
        var beta = 1.0
        for _ in 0..<60 {
            let (first, second) = slope(at: beta)
            if first > 0 { high = beta } else { low = beta }
            let step = second > 0 ? beta - first / second : low
            let next = step > low && step < high ? step : (low + high) / 2
            if abs(next - beta) < 1e-9 * beta { break }
            beta = next
        }
        return 1 / beta
    }

    /// How good the probabilities are at a temperature.
    package func quality(at temperature: Double) -> Quality {
        var sum = 0.0
        var reliability = Reliability()
        for (logits, wanted) in zip(logits, classes) {
            let (powers, total, largest) = Self.powers(logits, beta: 1 / temperature)
            let best = Self.best(logits)
            sum += Logarithm.of(total) - (logits[wanted] - largest) / temperature
            reliability.add(confidence: powers[best] / total, isRight: best == wanted)
        }
        return Quality(
            negativeLogLikelihood: sum / Double(logits.count),
            expectedCalibrationError: reliability.expectedCalibrationError
        )
    }

    /// The first and second derivative of the negative log-likelihood by β: for each example the mean of the logits under its
    /// probabilities less the right one, and their variance.
    private func slope(at beta: Double) -> (first: Double, second: Double) {
        var (first, second) = (0.0, 0.0)
        for (logits, wanted) in zip(logits, classes) {
            let (powers, total, largest) = Self.powers(logits, beta: beta)
            var (mean, square) = (0.0, 0.0)
            for (power, logit) in zip(powers, logits) {
                let deviation = logit - largest
                mean += power * deviation
                square += power * deviation * deviation
            }
            mean /= total
            first += mean - (logits[wanted] - largest)
            second += max(0, square / total - mean * mean)
        }
        return (first, second)
    }

    /// e to the power of each scaled logit less the largest, their sum, and the largest logit.
    private static func powers(_ logits: [Double], beta: Double) -> ([Double], Double, Double) {
        let largest = logits.max() ?? 0
        let powers = logits.map { Exponential.of(($0 - largest) * beta) }
        return (powers, powers.reduce(0, +), largest)
    }

    /// The number of the largest; of equals the first.
    private static func best(_ logits: [Double]) -> Int {
        logits.indices.max { logits[$0] < logits[$1] || logits[$0] == logits[$1] && $0 > $1 } ?? 0
    }
}
