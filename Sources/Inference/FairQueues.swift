internal import DequeModule

/// Items that wait, a queue for each network, and the choice of the next batch: a value without threads or a clock.
///
/// Networks share the engine by time: each has a virtual clock that runs on with the seconds it was given, slower the
/// higher its priority, and of those with a batch to run the one that is furthest behind goes next. So a cheap model waits
/// for no more than the batch that runs, whatever waits for another. One that was idle starts from the present: it saves
/// nothing up. A batch holds items of one batch shape, in the order of their arrival.
///
/// - Source: start-time fair queueing, Goyal, Vin, Cheng, SIGCOMM 1996, §2, with measured seconds for lengths.
package struct FairQueues<Key: Hashable, Payload, Shape: Equatable> {
    /// An item that waits.
    package struct Item {
        package let payload: Payload
        package let shape: Shape
        /// How many numbers it has: items of one network cost in proportion.
        package let size: Int
        package let arrival: ContinuousClock.Instant

        package init(payload: Payload, shape: Shape, size: Int, arrival: ContinuousClock.Instant) {
            self.payload = payload
            self.shape = shape
            self.size = size
            self.arrival = arrival
        }
    }

    /// Items that run together.
    package struct Batch {
        package let key: Key
        package let items: [Item]
        package let reason: BatchPolicy.Reason
        /// The predicted time.
        package let seconds: Double

        var size: Int { items.reduce(0) { $0 + $1.size } }
    }

    /// What to do next.
    package enum Next {
        case batch(Batch)
        case wait(until: ContinuousClock.Instant)
        case nothing
    }

    /// What a network is granted.
    package struct Rules: Sendable, Equatable {
        package var policy: BatchPolicy
        package var maxItems: Int
        package var weight: Double

        package init(policy: BatchPolicy = BatchPolicy(), maxItems: Int = 1024, weight: Double = 1) {
            precondition(maxItems > 0 && weight > 0, "a queue of \(maxItems) items with weight \(weight)")
            self.policy = policy
            self.maxItems = maxItems
            self.weight = weight
        }
    }

    private struct Queue {
        var rules: Rules
        var items = Deque<Item>()
        /// Items, and their numbers, that are admitted and not here yet.
        var admitted = (items: 0, size: 0)
        var waitingSize = 0
        /// A moving average; nil before the first batch.
        var secondsPerNumber: Double?
        var virtualTime = 0.0

        var seconds: Double { Double(waitingSize + admitted.size) * (secondsPerNumber ?? 0) }
        var isBusy: Bool { !items.isEmpty || admitted.items > 0 }
    }

    private var queues: [Key: Queue] = [:]
    /// The virtual time of the batch that was taken last.
    private var virtualTime = 0.0

    package init() {}

    /// Knows a network; again with other rules replaces them.
    package mutating func add(_ key: Key, _ rules: Rules) {
        if queues[key] == nil { queues[key] = Queue(rules: rules) } else { queues[key]?.rules = rules }
    }

    /// Forgets a network, and returns what waited for it.
    package mutating func remove(_ key: Key) -> [Payload] {
        queues.removeValue(forKey: key)?.items.map(\.payload) ?? []
    }

    /// Whether no item waits.
    package var isEmpty: Bool {
        for queue in queues.values where !queue.items.isEmpty { return false }
        return true
    }

    /// How many items wait under each key that has any.
    package var counts: [Key: Int] { queues.mapValues(\.items.count).filter { $0.value > 0 } }

    /// How many items wait or are on their way under a key.
    package func count(_ key: Key) -> Int {
        queues[key].map { $0.items.count + $0.admitted.items } ?? 0
    }

    package func maxItems(_ key: Key) -> Int { queues[key]?.rules.maxItems ?? 0 }

    /// Whether as many items more may wait; more than the bound at once only where nothing waits.
    package func hasRoom(for count: Int, under key: Key) -> Bool {
        let waiting = self.count(key)
        return waiting == 0 || waiting <= maxItems(key) - count
    }

    /// Counts items that are on their way; take them off the count with the opposite numbers.
    package mutating func admit(_ items: Int, size: Int, under key: Key) {
        queues[key]?.admitted.items += items
        queues[key]?.admitted.size += size
    }

    /// Appends the items of one request.
    package mutating func append(_ items: [Item], to key: Key) {
        guard var queue = queues[key] else { preconditionFailure("items for a network that was not added") }
        queues[key] = nil // so that the items are appended in place
        if queue.items.isEmpty { queue.virtualTime = max(queue.virtualTime, virtualTime) }
        queue.items.append(contentsOf: items)
        queue.waitingSize += items.reduce(0) { $0 + $1.size }
        queues[key] = queue
    }

    /// Seconds until an item that came now under a key would begin, behind the batch that runs: the work before it, at the
    /// rate of the network's share of the engine.
    package func predictedWait(_ key: Key) -> Double {
        guard let own = queues[key] else { return 0 }
        let busy = queues.values.filter(\.isBusy)
        let total = busy.reduce(0) { $0 + $1.seconds }
        let others = busy.reduce(0) { $0 + $1.rules.weight } - (own.isBusy ? own.rules.weight : 0)
        return min(total, own.seconds * (1 + others / own.rules.weight))
    }

    /// The predicted time of an item; nil before the network's first batch.
    package func seconds(size: Int, under key: Key) -> Double? {
        queues[key]?.secondsPerNumber.map { $0 * Double(size) }
    }

    /// Removes and returns the items that nobody waits for any more.
    package mutating func remove(where isDead: (Payload) -> Bool) -> [Payload] {
        var removed: [Payload] = []
        for key in Array(queues.keys) where queues[key]?.items.isEmpty == false {
            var size = 0
            queues[key]?.items.removeAll { item in
                guard isDead(item.payload) else { return false }
                removed.append(item.payload)
                size += item.size
                return true
            }
            queues[key]?.waitingSize -= size
        }
        return removed
    }

    /// Removes and returns the next batch, or says until when to wait for one.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - isFinal: whether nothing more will come, so that nothing is waited for.
    ///   - limit: the longest batch that is wanted, in predicted seconds; a longer one, or one of which nothing is known,
    ///     stays where it is, and so does what is behind it.
    /// - Returns: what to do.
    package mutating func next(
        now: ContinuousClock.Instant,
        isFinal: Bool = false,
        within limit: Double = .infinity
    ) -> Next {
        var earliest: ContinuousClock.Instant?
        var chosen: (key: Key, virtualTime: Double, items: Int, reason: BatchPolicy.Reason)?
        for (key, queue) in queues {
            guard let head = queue.items.first else { continue }
            if let chosen, chosen.virtualTime <= queue.virtualTime { continue }
            switch decision(queue, head, now: now, isFinal: isFinal) {
            case .run(let items, let reason): chosen = (key, queue.virtualTime, items, reason)
            case .wait(let end): earliest = earliest.map { min($0, end) } ?? end
            }
        }
        guard let chosen else { return earliest.map { .wait(until: $0) } ?? .nothing }
        guard limit == .infinity || (seconds(of: chosen.items, under: chosen.key) ?? .infinity) <= limit
        else {
            return .nothing
        }
        return .batch(take(chosen.items, from: chosen.key, chosen.reason))
    }

    private func decision(
        _ queue: Queue,
        _ head: Item,
        now: ContinuousClock.Instant,
        isFinal: Bool
    ) -> BatchPolicy.Decision {
        let waiting = BatchPolicy.Waiting(
            items: queue.items.count { $0.shape == head.shape },
            onTheirWay: isFinal ? 0 : queue.admitted.items,
            oldest: isFinal ? now - .seconds(86_400) : head.arrival,
            secondsPerItem: queue.secondsPerNumber.map { $0 * Double(head.size) }
        )
        return queue.rules.policy.decision(waiting, now: now)
    }

    /// The predicted time of the first items of a network.
    private func seconds(of items: Int, under key: Key) -> Double? {
        guard let queue = queues[key], let head = queue.items.first else { return nil }
        return queue.secondsPerNumber.map { $0 * Double(head.size * items) }
    }

    private mutating func take(_ count: Int, from key: Key, _ reason: BatchPolicy.Reason) -> Batch {
        var taken: [Item] = []
        guard var queue = queues[key], let head = queue.items.first else {
            preconditionFailure("a batch of an empty queue")
        }
        queues[key] = nil
        queue.items.removeAll { item in
            guard taken.count < count, item.shape == head.shape else { return false }
            taken.append(item)
            return true
        }
        let size = taken.reduce(0) { $0 + $1.size }
        let seconds = Double(size) * (queue.secondsPerNumber ?? 0)
        queue.waitingSize -= size
        virtualTime = queue.virtualTime
        queue.virtualTime += seconds / queue.rules.weight
        queues[key] = queue
        return Batch(key: key, items: taken, reason: reason, seconds: seconds)
    }

    /// Takes note of what a batch took, and charges its network with the difference to the prediction.
    package mutating func record(_ batch: Batch, seconds: Double) {
        guard var queue = queues[batch.key] else { return }
        let found = seconds / Double(max(1, batch.size))
        queue.secondsPerNumber = queue.secondsPerNumber.map { 0.8 * $0 + 0.2 * found } ?? found
        queue.virtualTime += (seconds - batch.seconds) / queue.rules.weight
        queues[batch.key] = queue
    }
}
