/// Since when a connection waits for what; a value, so that no timer needs a thread or a heap.
struct ConnectionTimers {
    enum Kind: Equatable { case head, body, idle, write, linger, probe }

    /// When a wait is over, and which.
    struct Timer: Equatable {
        let kind: Kind
        let at: ContinuousClock.Instant
    }

    /// The waits that a connection is in now.
    struct Running: OptionSet {
        let rawValue: UInt8
        static let head = Running(rawValue: 1)
        static let body = Running(rawValue: 2)
        static let idle = Running(rawValue: 4)
        static let write = Running(rawValue: 8)
        static let linger = Running(rawValue: 16)
        static let probe = Running(rawValue: 32)
    }

    var headStarted: ContinuousClock.Instant
    var bodyStarted: ContinuousClock.Instant
    var lastBodyByte: ContinuousClock.Instant
    var idleSince: ContinuousClock.Instant
    var lastSent: ContinuousClock.Instant
    var lingerStarted: ContinuousClock.Instant
    var probeStarted: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        headStarted = now
        bodyStarted = now
        lastBodyByte = now
        idleSince = now
        lastSent = now
        lingerStarted = now
        probeStarted = now
    }

    mutating func startBody(at now: ContinuousClock.Instant) {
        bodyStarted = now
        lastBodyByte = now
    }

    /// The first of the running waits to be over.
    func next(
        _ running: Running,
        _ configuration: HTTPServerConfiguration,
        isFirstRequest: Bool,
        bodyCount: Int
    ) -> Timer? {
        var next: Timer?
        func consider(_ wait: Running, _ kind: Kind, _ at: @autoclosure () -> ContinuousClock.Instant) {
            guard running.contains(wait) else { return }
            let at = at()
            if next.map({ at < $0.at }) ?? true { next = Timer(kind: kind, at: at) }
        }
        consider(.head, .head, headStarted + configuration.headTimeout)
        consider(.body, .body, bodyDeadline(configuration, bodyCount: bodyCount))
        // A new connection has to begin its first request as fast as to finish its head.
        consider(
            .idle,
            .idle,
            idleSince + (isFirstRequest ? configuration.headTimeout : configuration.idleTimeout)
        )
        consider(.write, .write, lastSent + configuration.writeTimeout)
        consider(.linger, .linger, lingerStarted + configuration.lingerTimeout)
        consider(.probe, .probe, probeStarted + configuration.probeDelay)
        return next
    }

    /// The average rate has to hold after the grace, and no pause may be longer than the grace.
    private func bodyDeadline(_ configuration: HTTPServerConfiguration, bodyCount: Int)
        -> ContinuousClock.Instant
    {
        let earned = Duration.seconds(Double(bodyCount) / Double(max(1, configuration.bodyMinimumRate)))
        return min(bodyStarted + configuration.bodyGrace + earned, lastBodyByte + configuration.bodyGrace)
    }
}
