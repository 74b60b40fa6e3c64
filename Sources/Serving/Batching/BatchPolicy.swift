/// When the next batch of a model runs, and with how many items: the whole decision, without a clock or a lock.
///
/// A batch takes what waits. It waits for more only when the operator asks for a delay, counted from the arrival of
/// the oldest item, and never once it is full.
package struct BatchPolicy: Sendable, Equatable {
    /// Why a batch ran when it did.
    package enum Reason: String, Sendable, CaseIterable {
        /// As many items waited as a batch may have.
        case full
        /// The engine was free and nothing more waited.
        case idle
        /// The oldest item had waited for the whole delay.
        case delay
    }

    /// What to do now.
    package enum Decision: Sendable, Equatable {
        case run(items: Int, Reason)
        case wait(until: ContinuousClock.Instant)
    }

    package let maxBatchSize: Int
    package let maxDelay: Duration

    package init(maxBatchSize: Int = 32, maxDelay: Duration = .zero) {
        precondition(maxBatchSize > 0, "batches of \(maxBatchSize)")
        self.maxBatchSize = maxBatchSize
        self.maxDelay = maxDelay
    }

    /// Decides for `waiting` items that can run together, the first of which arrived at `oldest`.
    package func decision(
        waiting: Int,
        oldest: ContinuousClock.Instant,
        now: ContinuousClock.Instant
    ) -> Decision {
        if waiting >= maxBatchSize { return .run(items: maxBatchSize, .full) }
        if maxDelay <= .zero { return .run(items: waiting, .idle) }
        let end = oldest + maxDelay
        return now >= end ? .run(items: waiting, .delay) : .wait(until: end)
    }
}
