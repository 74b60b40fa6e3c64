internal import HTTP
package import Platform
package import Support

/// Holds refusals back for a moment where they come by the hundred.
///
/// A client that is refused at once and comes back at once costs as much as one that is served: a crowd of them would take
/// the processors from the engine. So beyond a rate a refusal for overload waits a little before it is sent, in no thread
/// but the pacer's own; all that are due leave together.
package final class RefusalPacer: Sendable {
    /// Refusals a second that are sent at once.
    package static let rate = 100
    /// How long one beyond them waits.
    private static let delay = Duration.milliseconds(210)
    /// How many may wait; more are sent at once.
    private static let capacity = 16_384

    private struct State {
        var second = ContinuousClock.now
        var sent = 0
        var waiting: [(due: ContinuousClock.Instant, send: @Sendable () -> Void)] = []
        var isClosed = false
    }

    private let state = Monitor(State())
    private let threads = ThreadGroup()

    /// Starts the pacer's thread.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init() throws(SystemError) {
        try threads.start(name: "pacer") { self.run() }
    }

    /// Whether a refusal says that there is too much to do.
    package static func paces(_ error: ServingError) -> Bool {
        switch error {
        case .overloaded, .queueFull, .memoryFull, .busy: true
        default: false
        }
    }

    /// Sends a refusal, now or in a moment.
    package func send(_ refusal: @escaping @Sendable () -> Void) {
        let isNow = state.signal { state in
            let now = ContinuousClock.now
            if now - state.second >= .seconds(1) { (state.second, state.sent) = (now, 0) }
            state.sent += 1
            let isNow = state.sent <= Self.rate || state.waiting.count >= Self.capacity || state.isClosed
            if !isNow { state.waiting.append((now + Self.delay, refusal)) }
            return isNow
        }
        if isNow { refusal() }
    }

    /// Sends what waits and ends.
    package func close() {
        state.signal { $0.isClosed = true }
        threads.join()
    }

    private func run() {
        while true {
            let first = state.wait { state in state.waiting.first?.due ?? (state.isClosed ? .now : nil) }
            _ = state.wait(until: first) { $0.isClosed ? true : nil }
            let (due, isClosed) = state.withLock { state in
                let now = ContinuousClock.now
                let count =
                    state.isClosed
                    ? state.waiting.count : state.waiting.prefix { $0.due <= now }.count
                defer { state.waiting.removeFirst(count) }
                return (Array(state.waiting.prefix(count)), state.isClosed)
            }
            for refusal in due { refusal.send() }
            if isClosed { return }
        }
    }
}
