/// Who has sent keys that are none: each address may so often, and then is refused without a line in the log.
///
/// It keeps no one out who has a key: keys are not found by trying, and others may share the address of who tries.
package struct FailedKeys: Sendable {
    /// What is done about a wrong key.
    package struct Verdict: Sendable, Equatable {
        /// Whether the address has sent too many.
        package let isTooMany: Bool
        /// How many were not logged since the last that was; nil: nor is this one.
        package let unlogged: Int?
    }

    /// A person mistypes now and then; a program that tries keys does not.
    private static let rate = TokenBucket.Rate(perSecond: 0.2, burst: 10)
    /// Of all addresses together, so that many cannot fill the log.
    private static let logRate = TokenBucket.Rate(perSecond: 1, burst: 20)
    /// How many addresses are known at a time.
    package static let capacity = 4096

    private var buckets: [String: TokenBucket] = [:]
    private var log: TokenBucket
    private var unlogged = 0

    package init(now: ContinuousClock.Instant) {
        log = TokenBucket(Self.logRate, now: now)
    }

    /// How many addresses are known.
    package var count: Int { buckets.count }

    /// Takes note of a wrong key.
    package mutating func note(_ address: String, now: ContinuousClock.Instant) -> Verdict {
        if buckets.count >= Self.capacity, buckets[address] == nil {
            buckets = buckets.filter { !$0.value.isFull(now: now) }
            // Those of an attack from everywhere begin anew: they cost little, and memory is bounded.
            if buckets.count >= Self.capacity { buckets = [:] }
        }
        let isTooMany = buckets[address, default: TokenBucket(Self.rate, now: now)].take(now: now) != nil
        guard !isTooMany, log.take(now: now) == nil else {
            unlogged += 1
            return Verdict(isTooMany: isTooMany, unlogged: nil)
        }
        defer { unlogged = 0 }
        return Verdict(isTooMany: isTooMany, unlogged: unlogged)
    }
}
