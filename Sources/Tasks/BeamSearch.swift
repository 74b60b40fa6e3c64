internal import Platform
package import Support

/// The search for the likeliest sequence that a decoder can write, token by token: a value without a network.
///
/// Each step keeps the `width` likeliest continuations of all hypotheses. One that ends leaves the beam, which is narrower
/// from then on; the search is over when all have, when they are as long as they may be, or when what is left cannot come
/// out on top. One hypothesis wide it is the greedy search. Of equals the earlier hypothesis and the lower token come
/// first.
/// - Source: Sutskever et al. 2014, §3.2.
package struct BeamSearch: Sendable {
    /// How a search goes.
    package struct Rule: Sendable, Equatable {
        /// How many hypotheses there are at a time.
        package var width = 1
        /// How many tokens a sequence has at most, its end not counted.
        package var maxTokens: Int
        /// α of the length penalty ((5 + length) / 6)^α by which log-probabilities are divided before sequences of
        /// different lengths are compared; 0 compares them as they are.
        ///
        /// - Source: Wu et al. 2016, §7, equation 14, without coverage.
        package var lengthPenalty = 0.0
        /// How many of the best are asked for.
        package var count = 1

        package init(maxTokens: Int) {
            self.maxTokens = maxTokens
        }
    }

    /// A sequence that may be the answer.
    package struct Hypothesis: Sendable, Equatable {
        /// Without the token that ends it.
        package internal(set) var tokens: [Int] = []
        /// The natural logarithm of its probability, its end counted.
        package internal(set) var score = 0.0
        package internal(set) var isEnded = false
        /// For each step, that of its end too, the place among the live hypotheses of what it went on from.
        package internal(set) var places: [Int] = []
    }

    private struct Candidate {
        let score: Double
        let parent: Int
        let token: Int
    }

    private let rule: Rule
    private let end: Int
    /// Those that go on, best first.
    package private(set) var live = [Hypothesis()]
    private var ended: [Hypothesis] = []
    private var steps = 0

    /// A search for sequences that the token `end` ends.
    package init(_ rule: Rule, end: Int) {
        precondition(rule.width > 0 && rule.maxTokens > 0 && rule.count > 0, "a beam of \(rule)")
        self.rule = rule
        self.end = end
    }

    /// Whether no step is left to do.
    package var isDone: Bool {
        guard let best = live.first, steps < rule.maxTokens else { return true }
        let ranks = ended.map(rank).sorted(by: >)
        guard ranks.count >= rule.count else { return false }
        // Log-probabilities only fall; the longest sequence is divided by the most.
        return ranks[rule.count - 1] >= best.score / penalty(rule.maxTokens)
    }

    /// The best that were found, as many as were asked for where there are so many.
    package var best: [Hypothesis] {
        let all = (ended + live).enumerated().sorted { first, second in
            let ranks = (rank(first.element), rank(second.element))
            return ranks.0 == ranks.1 ? first.offset < second.offset : ranks.0 > ranks.1
        }
        return all.prefix(rule.count).map(\.element)
    }

    /// Goes on by one token.
    ///
    /// - Parameter logits: of the token that follows each live hypothesis.
    /// - Returns: for each hypothesis that is live now the place of the one that it goes on from.
    /// - Throws: `ServingError` with status 500 when a logit is not a finite number.
    package mutating func advance(_ logits: [ArraySlice<Float>]) throws(ServingError) -> [Int] {
        precondition(
            logits.count == live.count && !isDone,
            "\(logits.count) rows for \(live.count) hypotheses"
        )
        var parents: [Int] = []
        var next: [Hypothesis] = []
        for candidate in try candidates(logits) {
            var hypothesis = live[candidate.parent]
            hypothesis.score = candidate.score
            hypothesis.places.append(candidate.parent)
            if candidate.token == end {
                hypothesis.isEnded = true
                ended.append(hypothesis)
            } else {
                hypothesis.tokens.append(candidate.token)
                next.append(hypothesis)
                parents.append(candidate.parent)
            }
        }
        live = next
        steps += 1
        return parents
    }

    /// The likeliest continuations, best first, as many as the beam is wide.
    private func candidates(_ logits: [ArraySlice<Float>]) throws(ServingError) -> [Candidate] {
        let width = rule.width - ended.count
        var best: [Candidate] = []
        best.reserveCapacity(width + 1)
        for (parent, row) in logits.enumerated() {
            guard row.allSatisfy(\.isFinite), let largest = row.max() else {
                throw .internalError("the network's output is not finite", code: "not_finite")
            }
            let sum = row.reduce(0.0) { $0 + Exponential.of(Double($1) - Double(largest)) }
            let base = live[parent].score - Double(largest) - Logarithm.of(sum)
            for (token, logit) in row.enumerated() {
                let score = base + Double(logit)
                if best.count == width, score <= best[width - 1].score { continue }
                if best.count == width { best.removeLast() }
                let place = best.firstIndex { $0.score < score } ?? best.count
                best.insert(Candidate(score: score, parent: parent, token: token), at: place)
            }
        }
        return best
    }

    private func rank(_ hypothesis: Hypothesis) -> Double {
        hypothesis.score / penalty(hypothesis.tokens.count + (hypothesis.isEnded ? 1 : 0))
    }

    private func penalty(_ length: Int) -> Double {
        guard rule.lengthPenalty != 0 else { return 1 }
        return Exponential.of(rule.lengthPenalty * Logarithm.of(Double(5 + length) / 6))
    }
}
