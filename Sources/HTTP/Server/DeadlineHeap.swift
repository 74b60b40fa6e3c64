/// When to look at which connection again: a binary heap by time.
package struct DeadlineHeap {
    private var entries: [(at: ContinuousClock.Instant, token: UInt64)] = []

    package init() {}

    /// The earliest time.
    package var first: ContinuousClock.Instant? { entries.first?.at }

    /// Adds an entry.
    package mutating func insert(_ at: ContinuousClock.Instant, _ token: UInt64) {
        var i = entries.count
        entries.append((at, token))
        while i > 0, entries[i].at < entries[(i - 1) / 2].at {
            entries.swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }

    /// Takes the earliest entry if its time has come.
    package mutating func popFirst(until now: ContinuousClock.Instant) -> (
        at: ContinuousClock.Instant, token: UInt64
    )? {
        guard let first = entries.first, first.at <= now else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var i = 0
        while true {
            var child = 2 * i + 1
            guard child < entries.count else { return first }
            if child + 1 < entries.count, entries[child + 1].at < entries[child].at { child += 1 }
            guard entries[child].at < entries[i].at else { return first }
            entries.swapAt(i, child)
            i = child
        }
    }
}
