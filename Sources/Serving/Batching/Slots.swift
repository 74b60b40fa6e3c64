internal import Platform

/// A fixed number of places: whoever finds none free waits.
final class Slots: Sendable {
    private let free: Monitor<Int>

    init(_ count: Int) {
        precondition(count > 0, "\(count) slots")
        free = Monitor(count)
    }

    /// Runs `body` while it holds a place.
    func withSlot<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        free.wait { free in
            guard free > 0 else { return nil as Void? }
            free -= 1
            return ()
        }
        defer { free.signal { $0 += 1 } }
        return try body()
    }
}
