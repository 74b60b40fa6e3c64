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
    /// Until when the body's bytes so far are enough.
    private var bodyIsDue: ContinuousClock.Instant
    private(set) var progress: BodyProgress
    private var lastBodyByte: ContinuousClock.Instant
    var idleSince: ContinuousClock.Instant
    var lastSent: ContinuousClock.Instant
    var lingerStarted: ContinuousClock.Instant
    var probeStarted: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        headStarted = now
        bodyIsDue = now
        progress = BodyProgress(since: now)
        lastBodyByte = now
        idleSince = now
        lastSent = now
        lingerStarted = now
        probeStarted = now
    }

    mutating func startBody(at now: ContinuousClock.Instant, _ configuration: HTTPServerConfiguration) {
        bodyIsDue = now + configuration.bodyGrace
        progress = BodyProgress(since: now)
        lastBodyByte = now
    }

    /// Bytes earn the body time, but what arrived long ago does not allow it to stop now: the credit is bounded.
    mutating func bodyArrived(
        _ count: Int,
        at now: ContinuousClock.Instant,
        _ configuration: HTTPServerConfiguration
    ) {
        let earned = Duration.seconds(Double(count) / Double(max(1, configuration.bodyMinimumRate)))
        bodyIsDue = min(bodyIsDue + earned, now + configuration.bodyGrace * 2)
        progress.add(count, at: now)
        lastBodyByte = now
    }

    /// The first of the running waits to be over.
    func next(
        _ running: Running,
        _ configuration: HTTPServerConfiguration,
        isFirstRequest: Bool
    ) -> Timer? {
        var next: Timer?
        func consider(_ wait: Running, _ kind: Kind, _ at: @autoclosure () -> ContinuousClock.Instant) {
            guard running.contains(wait) else { return }
            let at = at()
            if next.map({ at < $0.at }) ?? true { next = Timer(kind: kind, at: at) }
        }
        consider(.head, .head, headStarted + configuration.headTimeout)
        consider(.body, .body, min(bodyIsDue, lastBodyByte + configuration.bodyGrace))
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
}

/// How much of a body has arrived in the last one to two seconds.
struct BodyProgress {
    private static let window: Duration = .seconds(1)
    private var windowStart: ContinuousClock.Instant
    private var current = 0
    private var previous = 0

    init(since now: ContinuousClock.Instant) { windowStart = now }

    mutating func add(_ count: Int, at now: ContinuousClock.Instant) {
        let elapsed = windowStart.duration(to: now)
        if elapsed >= Self.window {
            previous = elapsed < Self.window * 2 ? current : 0
            current = 0
            windowStart = now
        }
        current += count
    }

    func bytes(at now: ContinuousClock.Instant) -> Int {
        let elapsed = windowStart.duration(to: now)
        if elapsed < Self.window { return previous + current }
        return elapsed < Self.window * 2 ? current : 0
    }
}
