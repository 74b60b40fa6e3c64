/// How often a model is right when it is sure to such an extent: examples in bins of equal width by their confidence.
///
/// - Source: Niculescu-Mizil & Caruana, "Predicting good probabilities with supervised learning", ICML 2005 (the diagram);
///   Guo et al., "On calibration of modern neural networks", ICML 2017, §2 (the error).
package struct Reliability: Sendable, Equatable {
    /// The examples whose confidence is in one stretch.
    package struct Bin: Sendable, Equatable {
        package private(set) var count = 0
        package private(set) var right = 0
        private(set) var sum = 0.0

        /// The mean confidence; 0 of none.
        package var confidence: Double { count == 0 ? 0 : sum / Double(count) }
        /// The share that is right; 0 of none.
        package var accuracy: Double { count == 0 ? 0 : Double(right) / Double(count) }

        fileprivate mutating func add(_ confidence: Double, _ isRight: Bool) {
            count += 1
            right += isRight ? 1 : 0
            sum += confidence
        }
    }

    /// As many as in the paper.
    package static let usualBins = 15

    package private(set) var bins: [Bin]
    package private(set) var count = 0

    package init(bins: Int = Reliability.usualBins) {
        precondition(bins > 0, "\(bins) bins")
        self.bins = Array(repeating: Bin(), count: bins)
    }

    /// Counts an example.
    ///
    /// - Parameters:
    ///   - confidence: the probability of the class that was found.
    ///   - isRight: whether it was the right one.
    package mutating func add(confidence: Double, isRight: Bool) {
        let bin = Int(confidence * Double(bins.count))
        bins[max(0, min(bin, bins.count - 1))].add(confidence, isRight)
        count += 1
    }

    /// By how much accuracy and confidence differ, weighted by the examples of each bin; 0 of none.
    package var expectedCalibrationError: Double {
        guard count > 0 else { return 0 }
        return bins.reduce(0) { $0 + abs($1.sum - Double($1.right)) } / Double(count)
    }

    /// The most by which they differ in a bin that has examples.
    package var maximumCalibrationError: Double {
        bins.filter { $0.count > 0 }.map { abs($0.confidence - $0.accuracy) }.max() ?? 0
    }
}
