internal import HTTP
internal import Inference
internal import Models
package import Platform

/// Tells the service manager again and again how the daemon fares: that it is alive, how far it has come, what it does.
///
/// The watchdog is fed only when every part has gone on since it was last fed: a daemon whose event loop or engine hangs is
/// restarted, though a thread of its own still runs. An idle part is asked for a sign of life first.
package final class Supervision: Sendable {
    /// What is looked at.
    package struct Subject: Sendable {
        /// Asks every part for a sign of life.
        package var poke: @Sendable () -> Void
        /// How often each part has given one.
        package var turns: @Sendable () -> [Int]
        /// One line for people.
        package var status: @Sendable () -> String
        /// How many versions of models are done with loading; nil when none loads.
        package var loaded: @Sendable () -> Int?

        package init(
            poke: @escaping @Sendable () -> Void,
            turns: @escaping @Sendable () -> [Int],
            status: @escaping @Sendable () -> String = { "" },
            loaded: @escaping @Sendable () -> Int? = { nil }
        ) {
            self.poke = poke
            self.turns = turns
            self.status = status
            self.loaded = loaded
        }
    }

    private struct State {
        var rounds = 0
        var isClosed = false
    }

    /// How often to look when no watchdog wants it more often.
    private static let interval = Duration.seconds(5)

    private let manager: ServiceManager
    private let subject: Subject
    private let state = Monitor(State())
    private let threads = ThreadGroup()

    /// Starts to look, where there is a service manager.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init(_ manager: ServiceManager, of subject: Subject) throws(SystemError) {
        self.manager = manager
        self.subject = subject
        guard manager.isPresent else { return }
        try threads.start(name: "supervision") { self.run() }
    }

    /// How often it has looked so far.
    package var rounds: Int { state.withLock(\.rounds) }

    /// Stops to look.
    package func close() {
        state.signal { $0.isClosed = true }
        threads.join()
    }

    private func run() {
        // A sign of life is asked for in one round and looked for in the next, and one round may be late.
        let interval = manager.watchdogInterval.map { min($0 / 4, Self.interval) } ?? Self.interval
        var (liveness, patience, said) = (Liveness(), StartPatience(), "")
        while true {
            subject.poke()
            let isClosed = state.wait(until: .now + interval) { $0.isClosed ? true : nil }
            if isClosed != nil { return }
            var lines: [String] = []
            if manager.watchdogInterval != nil, liveness.haveAllMoved(subject.turns()) {
                lines.append("WATCHDOG=1")
            }
            if let loaded = subject.loaded(), patience.isLeft(loaded: loaded, now: .now) {
                lines.append("EXTEND_TIMEOUT_USEC=\(StartPatience.extensionMicroseconds)")
            }
            let status = subject.status()
            if status != said, !status.isEmpty { lines.append("STATUS=\(status)") }
            said = status
            if !lines.isEmpty { manager.notify(lines) }
            state.withLock { $0.rounds += 1 }
        }
    }
}

extension Supervision.Subject {
    /// The parts of the daemon.
    init(_ server: HTTPServer, _ scheduler: Scheduler, _ registry: Registry, at address: String) {
        self.init(
            poke: {
                server.poke()
                scheduler.poke()
            },
            turns: { server.turns + [scheduler.turns] },
            status: {
                let counts = registry.counts()
                let versions = counts.values.reduce(0, +)
                var parts = ["\(counts[.ready] ?? 0) of \(versions) models ready"]
                for (state, name) in [(ModelEntry.State.loading, "loading"), (.failed, "failed")] {
                    if let count = counts[state], count > 0 { parts.append("\(count) \(name)") }
                }
                let now = server.statistics
                let waiting = scheduler.queues().reduce(0) { $0 + $1.items }
                parts.append("\(now.openConnections) connections")
                parts.append("\(now.activeRequests) requests, \(waiting) items queued")
                return "\(address): " + parts.joined(separator: ", ")
            },
            loaded: {
                let counts = registry.counts()
                guard let loading = counts[.loading], loading > 0 else { return nil }
                return counts.values.reduce(0, +) - loading
            }
        )
    }
}

/// Whether all parts have gone on since the watchdog was last fed.
package struct Liveness: Sendable {
    private var last: [Int]?

    package init() {}

    /// - Parameter turns: how often each part has gone round so far.
    /// - Returns: whether each has since this was last true; then it counts from here.
    package mutating func haveAllMoved(_ turns: [Int]) -> Bool {
        if let last, zip(last, turns).contains(where: { $0 == $1 }) { return false }
        last = turns
        return true
    }
}

/// Whether to ask for more time to start: as long as one model after another comes.
package struct StartPatience: Sendable {
    /// How long one model may take to load.
    package static let perModel = Duration.seconds(600)
    /// How much time is asked for at a time.
    static let extensionMicroseconds = 60_000_000

    private var last: (loaded: Int, at: ContinuousClock.Instant)?

    package init() {}

    /// - Parameters:
    ///   - loaded: how many versions are done with loading.
    ///   - now: the time.
    /// - Returns: whether another has come not long ago.
    package mutating func isLeft(loaded: Int, now: ContinuousClock.Instant) -> Bool {
        if last?.loaded != loaded { last = (loaded, now) }
        return last.map { now - $0.at < Self.perModel } ?? true
    }
}
