import Synchronization

/// The bytes of a complete request body, counted as in use until nobody holds the request any more.
///
/// A client that leaves takes its connection along, but not the body that a worker still has.
final class BodyLease: Sendable {
    private let count: Int
    private let counters: ServerCounters

    init(_ count: Int, in counters: ServerCounters) {
        self.count = count
        self.counters = counters
        counters.buffered.add(count, ordering: .relaxed)
    }

    deinit { counters.buffered.subtract(count, ordering: .relaxed) }
}
