internal import Engine
internal import Platform
package import Support

/// Draws the next token from the logits of a network.
///
/// In this order: logits are divided by the temperature, the `topK` largest are kept, of these the fewest that together
/// have the probability `topP`, and one is drawn by its probability. What it draws depends on the logits and the seed
/// alone. Of equal logits the lower number comes first.
/// - Source: top-p is "nucleus sampling", Holtzman et al., "The curious case of neural text degeneration", ICLR 2020, §3.1.
package struct Sampler: Sendable {
    /// How tokens are drawn.
    package struct Rule: Sendable, Equatable {
        /// 0 takes the most probable token always.
        package var temperature = 1.0
        /// How many of the most probable tokens are looked at; nil for all.
        package var topK: Int?
        /// The probability that the tokens that are looked at have together, above 0 and at most 1.
        package var topP = 1.0

        package init() {}
    }

    /// The largest seed, which JSON's readers agree on (RFC 8259 §6).
    package static let maxSeed = (1 << 53) - 1

    /// A seed for who names none.
    package static func freshSeed() -> UInt64 { .random(in: 0...UInt64(maxSeed)) }

    private let rule: Rule
    private let excluded: Int?
    private var random: SplitMix64

    /// - Parameters:
    ///   - rule: how tokens are drawn.
    ///   - seed: what decides between them.
    ///   - excluded: a token that is never drawn.
    package init(_ rule: Rule, seed: UInt64, excluded: Int? = nil) {
        self.rule = rule
        self.excluded = excluded
        random = SplitMix64(seed: seed)
    }

    /// The next token.
    ///
    /// - Precondition: there are logits of other tokens than the excluded one.
    /// - Throws: `ServingError` with status 500 when a logit is not a finite number.
    package mutating func draw(_ logits: ArraySlice<Float>) throws(ServingError) -> Int {
        guard logits.allSatisfy(\.isFinite) else {
            throw .internalError("the network's output is not finite", code: "not_finite")
        }
        var candidates = logits.indices.filter { $0 - logits.startIndex != excluded }
        precondition(!candidates.isEmpty, "no token to draw")
        guard rule.temperature > 0 else {
            let best = candidates.reduce(candidates[0]) { logits[$1] > logits[$0] ? $1 : $0 }
            return best - logits.startIndex
        }
        if rule.topK != nil || rule.topP < 1 {
            candidates.sort { logits[$0] == logits[$1] ? $0 < $1 : logits[$0] > logits[$1] }
            candidates = Array(candidates.prefix(rule.topK ?? candidates.count))
        }
        var weights = weights(candidates.map { logits[$0] })
        if rule.topP < 1 { weights.removeLast(weights.count - nucleus(of: weights)) }
        return candidates[pick(weights)] - logits.startIndex
    }

    /// Numbers in proportion to the probabilities.
    private func weights(_ logits: [Float]) -> [Double] {
        let largest = logits.max() ?? 0
        return logits.map { Exponential.of((Double($0) - Double(largest)) / rule.temperature) }
    }

    /// How many of the first weights have the probability `topP` together.
    private func nucleus(of weights: [Double]) -> Int {
        let wanted = rule.topP * weights.reduce(0, +)
        var sum = 0.0
        for (index, weight) in weights.enumerated() {
            sum += weight
            if sum >= wanted { return index + 1 }
        }
        return weights.count
    }

    private mutating func pick(_ weights: [Double]) -> Int {
        var left = random.nextFraction() * weights.reduce(0, +)
        for (index, weight) in weights.enumerated() {
            left -= weight
            if left < 0 { return index }
        }
        return weights.lastIndex { $0 > 0 } ?? 0 // rounding has left a rest
    }
}
