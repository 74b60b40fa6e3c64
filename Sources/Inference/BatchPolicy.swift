/// When the next batch of a network runs, and with how many items: the whole decision, without a clock or a lock.
///
/// A batch takes what waits, as far as its predicted time allows, so that no other model stands long behind it. A lone
/// item runs at once. While more items of the same network are being prepared, the first waits for them a little: at most
/// a quarter of the time that the batch will take. It waits longer only when the operator asks for a delay.
package struct BatchPolicy: Sendable, Equatable {
    /// Why a batch ran when it did.
    package enum Reason: String, Sendable, CaseIterable {
        /// As many items waited as a batch may have.
        case full
        /// The engine was free and nothing more was on its way.
        case idle
        /// The oldest item had waited long enough.
        case delay
    }

    /// What to do now.
    package enum Decision: Sendable, Equatable {
        case run(items: Int, Reason)
        case wait(until: ContinuousClock.Instant)
    }

    /// Items of one network and of one batch shape that wait.
    package struct Waiting: Sendable, Equatable {
        package let items: Int
        /// Items of the network that are admitted and not here yet.
        package let onTheirWay: Int
        /// When the first came.
        package let oldest: ContinuousClock.Instant
        /// The predicted time of one of them; nil before the first batch.
        package let secondsPerItem: Double?

        package init(
            items: Int,
            onTheirWay: Int = 0,
            oldest: ContinuousClock.Instant,
            secondsPerItem: Double? = nil
        ) {
            self.items = items
            self.onTheirWay = onTheirWay
            self.oldest = oldest
            self.secondsPerItem = secondsPerItem
        }
    }

    package let maxBatchSize: Int
    package let maxDelay: Duration
    /// What a batch of more than one item may take.
    package let maxBatchTime: Duration

    /// How long a batch waits at least, and at most, for items that are on their way.
    private static let patience = 0.000_5...0.05
    /// A batch of so many seconds gains nothing by others: it is over before they come.
    private static let tiny = 0.000_3

    package init(
        maxBatchSize: Int = 32,
        maxDelay: Duration = .zero,
        maxBatchTime: Duration = .milliseconds(300)
    ) {
        precondition(maxBatchSize > 0, "batches of \(maxBatchSize)")
        self.maxBatchSize = maxBatchSize
        self.maxDelay = maxDelay
        self.maxBatchTime = maxBatchTime
    }

    /// Decides for items that can run together.
    package func decision(_ waiting: Waiting, now: ContinuousClock.Instant) -> Decision {
        let most = largestBatch(secondsPerItem: waiting.secondsPerItem)
        if waiting.items >= most { return .run(items: most, .full) }
        let patience = max(maxDelay, waiting.onTheirWay > 0 ? patience(waiting) : .zero)
        guard patience > .zero else { return .run(items: waiting.items, .idle) }
        let end = waiting.oldest + patience
        return now >= end ? .run(items: waiting.items, .delay) : .wait(until: end)
    }

    private func largestBatch(secondsPerItem: Double?) -> Int {
        guard let secondsPerItem, secondsPerItem > 0 else { return maxBatchSize }
        let fitting = (maxBatchTime / .seconds(1)) / secondsPerItem
        return fitting >= Double(maxBatchSize) ? maxBatchSize : max(1, Int(fitting))
    }

    private func patience(_ waiting: Waiting) -> Duration {
        let seconds = (waiting.secondsPerItem ?? 1) * Double(waiting.items)
        guard seconds > Self.tiny else { return .zero }
        let share = 0.25 * (waiting.secondsPerItem ?? 0) * Double(waiting.items)
        return .seconds(min(max(share, Self.patience.lowerBound), Self.patience.upperBound))
    }
}
