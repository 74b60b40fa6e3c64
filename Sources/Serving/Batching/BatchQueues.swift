internal import DequeModule

/// Items that wait, a queue for each key, and the choice of the next batch: a value without threads.
///
/// The key whose first item is oldest goes next, so no model waits behind another's newer items. A batch holds items
/// of one batch shape, in the order of their arrival; what does not fit stays where it is.
package struct BatchQueues<Key: Hashable, Payload, Shape: Equatable> {
    /// An item that waits.
    package struct Item {
        package let payload: Payload
        package let shape: Shape
        package let arrival: ContinuousClock.Instant

        package init(payload: Payload, shape: Shape, arrival: ContinuousClock.Instant) {
            self.payload = payload
            self.shape = shape
            self.arrival = arrival
        }
    }

    /// Items that run together.
    package struct Batch {
        package let key: Key
        package let items: [Item]
        package let reason: BatchPolicy.Reason
    }

    /// What to do next.
    package enum Next {
        case batch(Batch)
        case wait(until: ContinuousClock.Instant)
        case nothing
    }

    /// The most items that may wait under one key.
    package let maxItems: Int
    private var queues: [Key: Deque<Item>] = [:]

    /// Empty queues with a bound each.
    package init(maxItems: Int) {
        precondition(maxItems > 0, "a queue of \(maxItems) items")
        self.maxItems = maxItems
    }

    /// How many items wait under a key.
    package func count(_ key: Key) -> Int { queues[key]?.count ?? 0 }

    /// How many items wait under each key that has any.
    package var counts: [Key: Int] { queues.mapValues(\.count) }

    /// Appends the items of one request, all or none.
    ///
    /// More than `maxItems` at once are taken only when nothing waits, so that a large request has its turn.
    /// - Returns: whether there was room.
    package mutating func append(_ items: [Item], to key: Key) -> Bool {
        let waiting = count(key)
        guard waiting == 0 || waiting <= maxItems - items.count else { return false }
        queues[key, default: []].append(contentsOf: items)
        return true
    }

    /// Removes and returns the items that nobody waits for any more.
    package mutating func remove(where isDead: (Payload) -> Bool) -> [Payload] {
        var removed: [Payload] = []
        for key in Array(queues.keys) {
            queues[key]?.removeAll { item in
                guard isDead(item.payload) else { return false }
                removed.append(item.payload)
                return true
            }
            if queues[key]?.isEmpty == true { queues[key] = nil }
        }
        return removed
    }

    /// Removes and returns the next batch, or says until when to wait for one.
    package mutating func next(_ policy: BatchPolicy, now: ContinuousClock.Instant) -> Next {
        var earliest: ContinuousClock.Instant?
        let heads = queues.compactMap { key, queue in queue.first.map { (key, $0) } }
        for (key, head) in heads.sorted(by: { $0.1.arrival < $1.1.arrival }) {
            let waiting = queues[key]?.count { $0.shape == head.shape } ?? 0
            switch policy.decision(waiting: waiting, oldest: head.arrival, now: now) {
            case .run(let count, let reason):
                return .batch(
                    Batch(key: key, items: take(count, shapedLike: head, from: key), reason: reason)
                )
            case .wait(let end):
                earliest = earliest.map { min($0, end) } ?? end
            }
        }
        return earliest.map { .wait(until: $0) } ?? .nothing
    }

    private mutating func take(_ count: Int, shapedLike head: Item, from key: Key) -> [Item] {
        var taken: [Item] = []
        queues[key]?.removeAll { item in
            guard taken.count < count, item.shape == head.shape else { return false }
            taken.append(item)
            return true
        }
        if queues[key]?.isEmpty == true { queues[key] = nil }
        return taken
    }
}
