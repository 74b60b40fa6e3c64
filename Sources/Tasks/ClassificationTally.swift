internal import Platform

/// How well a classification does on examples whose classes are known, counted one by one.
package struct ClassificationTally: Sendable {
    package private(set) var confusion: ConfusionMatrix
    package private(set) var reliability = Reliability()
    /// Examples whose right class was among the five that seemed likeliest.
    private var inFive = 0
    private var logLikelihood = 0.0

    package init(classes: Int) {
        confusion = ConfusionMatrix(classes: classes)
    }

    package var count: Int { reliability.count }
    package var top1: Double { confusion.accuracy }
    package var top5: Double { count == 0 ? 0 : Double(inFive) / Double(count) }
    /// The mean negative logarithm of the right class's probability, in nats.
    package var negativeLogLikelihood: Double { count == 0 ? 0 : -logLikelihood / Double(count) }

    /// Counts an example.
    ///
    /// - Returns: the class that was found; of equally likely ones the first.
    @discardableResult
    package mutating func add(_ scores: ClassScores, right: Int) -> Int {
        let probabilities = scores.probabilities
        let wanted = probabilities[right]
        var (best, rank) = (0, 0)
        for (index, probability) in probabilities.enumerated() {
            if probability > probabilities[best] { best = index }
            if probability > wanted || probability == wanted && index < right { rank += 1 }
        }
        confusion.add(right: right, found: best)
        reliability.add(confidence: probabilities[best], isRight: best == right)
        inFive += rank < 5 ? 1 : 0
        logLikelihood += Logarithm.of(max(wanted, .leastNormalMagnitude))
        return best
    }
}

/// Two models on the same examples: where they agree, and whether one is better by more than chance.
package struct PairedComparison: Sendable, Equatable {
    package private(set) var count = 0
    /// Both gave the same answer.
    package private(set) var agreed = 0
    package private(set) var bothRight = 0
    package private(set) var onlyFirst = 0
    package private(set) var onlySecond = 0

    package init() {}

    /// Counts an example.
    package mutating func add(first: Int, second: Int, right: Int) {
        count += 1
        agreed += first == second ? 1 : 0
        switch (first == right, second == right) {
        case (true, true): bothRight += 1
        case (true, false): onlyFirst += 1
        case (false, true): onlySecond += 1
        case (false, false): break
        }
    }

    /// How likely it is that examples which only one of them has right are shared so unequally, or more, by chance.
    ///
    /// The exact two-sided binomial test of n = onlyFirst + onlySecond with probability ½; 1 where there are none.
    /// - Source: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    ///   Psychometrika 12 (1947); the exact form as in Dietterich, Neural Computation 10 (1998), §3.
    package var pValue: Double {
        let (fewer, all) = (min(onlyFirst, onlySecond), onlyFirst + onlySecond)
        guard all > 0 else { return 1 }
        // By logarithms: 2⁻ⁿ is no Double for large n.
        var logarithm = -Double(all) * Logarithm.of(2)
        var tail = Exponential.of(logarithm)
        for k in 0..<fewer {
            logarithm += Logarithm.of(Double(all - k) / Double(k + 1))
            tail += Exponential.of(logarithm)
        }
        return min(1, 2 * tail)
    }
}
