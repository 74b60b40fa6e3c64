/// How often something may happen: so often a second on average, and a number of times at once.
///
/// A value without a clock: whoever asks says what time it is.
package struct TokenBucket: Sendable, Equatable {
    /// What is allowed.
    package struct Rate: Sendable, Equatable {
        /// How many a second.
        package var perSecond: Double
        /// How many at once, after a time without any.
        package var burst: Double

        package init(perSecond: Double, burst: Double) {
            precondition(perSecond > 0 && burst >= 1, "\(perSecond) a second, \(burst) at once")
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    package let rate: Rate
    private var tokens: Double
    private var last: ContinuousClock.Instant

    /// A full bucket.
    package init(_ rate: Rate, now: ContinuousClock.Instant) {
        self.rate = rate
        tokens = rate.burst
        last = now
    }

    /// Takes a token.
    ///
    /// - Returns: nil when there was one, else how long until there is.
    package mutating func take(now: ContinuousClock.Instant) -> Duration? {
        if now > last {
            tokens = min(rate.burst, tokens + (now - last) / .seconds(1) * rate.perSecond)
            last = now
        }
        guard tokens >= 1 else { return .seconds((1 - tokens) / rate.perSecond) }
        tokens -= 1
        return nil
    }

    /// Whether nothing was taken for so long that it is as good as new.
    package func isFull(now: ContinuousClock.Instant) -> Bool {
        tokens + (now - last) / .seconds(1) * rate.perSecond >= rate.burst
    }
}
