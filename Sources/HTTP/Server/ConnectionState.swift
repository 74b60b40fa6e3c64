internal import HTTPTypes
internal import Platform
internal import Synchronization

/// One connection's side of the protocol, without its socket: bytes and answers go in, bytes come out.
///
/// It keeps answers in the order of their requests (RFC 9112 §9.3.2), decides when to read, write and close,
/// and until when it waits for what. The owner moves the bytes and looks at the clock.
package struct ConnectionState {
    /// How far the connection is.
    package enum Phase: Equatable {
        /// Requests are read.
        case reading
        /// No further request is read; the pending ones are answered, and what still arrives is dropped.
        case finishing
        /// All is answered and our side is closed; what arrives is dropped until the client closes (§9.6).
        case lingering
        /// The connection is over.
        case closed
    }

    /// A request whose head is complete and whose body is not.
    struct Arrival {
        let head: RequestHead
        let id: String
        let received: ContinuousClock.Instant
        var note: (any Sendable)?
    }

    /// With so many bytes of answers unread, no further request is.
    static let maxUnreadBytes = 1 << 20

    let rules: ConnectionRules
    /// The client's address in numbers.
    let client: String
    /// How far the connection is.
    package internal(set) var phase = Phase.reading
    /// What has to be written.
    package internal(set) var outbound = Outbound()
    var parser: RequestParser
    var arrival: Arrival?
    var exchanges: [Exchange] = []
    var ready: [(sequence: Int, request: Request)] = []
    /// The arriving body's bytes.
    var bodyLease: MemoryLease?
    /// The bytes of answers that wait, once they are more than a few.
    var answerLease: MemoryLease?
    /// Accounts of answers that are not written yet, each with the byte that ends it.
    var unlogged: [(lastByte: Int, served: Served)] = []
    /// Bytes received while as many requests as allowed were pending.
    var backlog: [UInt8] = []
    var requestCount = 0
    /// Whether it was closed before all of its answers were written.
    package private(set) var leavesUnsent = false
    private var droppedBytes = 0
    var inputHasEnded = false
    var isDraining = false
    var owesContinue = false
    var timers: ConnectionTimers

    /// A connection that has just been accepted.
    package init(rules: ConnectionRules, client: String = "", at moment: Moment) {
        self.rules = rules
        self.client = client
        parser = RequestParser(limits: rules.configuration.parserLimits)
        timers = ConnectionTimers(now: moment.now)
    }

    // MARK: What the owner asks

    /// Whether bytes from the client are welcome now.
    package var wantsRead: Bool {
        guard !inputHasEnded else { return false }
        switch phase {
        case .reading: return backlog.isEmpty && !isBlocked
        case .finishing, .lingering: return true
        case .closed: return false
        }
    }

    /// Whether there is something to write.
    package var wantsWrite: Bool { !outbound.isEmpty }

    /// Bytes of the body that is arriving; complete ones belong to their requests.
    package var bufferedBytes: Int { parser.bodyCount }

    /// How much of the arriving body came in the last one to two seconds.
    func bodyProgress(at now: ContinuousClock.Instant) -> Int { timers.progress.bytes(at: now) }

    /// Since when the connection has nothing to do; nil when it has.
    ///
    /// A new one is not idle for its first second.
    package var idleSince: ContinuousClock.Instant? {
        switch phase {
        case .lingering: timers.lingerStarted
        case .reading where parser.isBetweenRequests && isQuiet:
            timers.idleSince + (requestCount == 0 ? .seconds(1) : .zero)
        case .reading, .finishing, .closed: nil
        }
    }

    /// Whether the connection has nothing to do and may be closed.
    func isIdle(at now: ContinuousClock.Instant) -> Bool { idleSince.map { $0 <= now } ?? false }

    /// Whether a part of a request is all there is.
    package var isPartial: Bool { phase == .reading && !parser.isBetweenRequests && exchanges.isEmpty }

    var isQuiet: Bool { exchanges.isEmpty && outbound.isEmpty && backlog.isEmpty }

    /// Leases the bytes of bodies that have arrived since the last call.
    ///
    /// - Returns: whether the budget had them; if not, call it again when others have given way, or `dropUnleased`.
    package mutating func leaseBodies() -> Bool {
        for (_, request) in ready {
            guard let lease = request.lease, lease.bytes != request.receivedBytes else { continue }
            guard lease.resize(to: request.receivedBytes) else { return false }
        }
        guard parser.bodyCount > 0, phase == .reading else { return true }
        let lease = bodyLease ?? rules.budget.lease(0, for: .bodies)
        bodyLease = lease
        return lease?.resize(to: parser.bodyCount) ?? false
    }

    /// Refuses the requests whose bodies found no room.
    package mutating func dropUnleased(at moment: Moment) {
        for (sequence, request) in ready
        where request.lease.map({ $0.bytes != request.receivedBytes }) ?? false {
            ready.removeAll { $0.sequence == sequence }
            answer(sequence, with: rules.response(to: .memoryFull), refusal: .memoryFull, at: moment)
        }
        if parser.bodyCount > (bodyLease?.bytes ?? 0) { refuse(.memoryFull, at: moment) }
    }

    /// Whether a request's body is arriving.
    package var isReceivingBody: Bool { phase == .reading && parser.isInBody }

    /// The requests that have become complete since the last call; each needs an `answer`.
    package mutating func takeReady() -> [(sequence: Int, request: Request)] {
        guard !ready.isEmpty else { return [] }
        defer { ready = [] }
        return ready
    }

    /// Forgets the requests that nobody has taken.
    mutating func dropReady() { ready = [] }

    // MARK: What happens to it

    /// Bytes have arrived.
    package mutating func receive(_ bytes: Span<UInt8>, at moment: Moment) {
        switch phase {
        case .reading:
            if backlog.isEmpty {
                let used = parse(bytes, at: moment)
                if phase == .reading { backlog.append(copying: bytes.extracting(used...)) }
            } else {
                backlog.append(copying: bytes)
            }
        case .finishing, .lingering:
            droppedBytes += bytes.count
            if droppedBytes > rules.configuration.maxLingerBytes { close(at: moment) }
        case .closed: break
        }
        advance(at: moment)
    }

    /// The client will send nothing more, but may still read: a half-close is not a departure.
    package mutating func receiveEnd(at moment: Moment) {
        inputHasEnded = true
        timers.probeStarted = moment.now
        if phase == .lingering { close(at: moment) }
        advance(at: moment)
    }

    /// A streamed body has gone on or ended.
    package mutating func bodyArrived(at moment: Moment) { advance(at: moment) }

    /// The first `count` bytes of `outbound` have been written.
    package mutating func sent(_ count: Int, at moment: Moment) {
        outbound.advance(by: count)
        timers.lastSent = moment.now
        logWritten(at: moment)
        advance(at: moment)
        leaseAnswers()
    }

    /// Refuses what is arriving and closes once that is said.
    package mutating func refuse(_ refusal: Refusal, at moment: Moment) {
        guard phase == .reading else { return }
        fail(refusal, at: moment)
        advance(at: moment)
    }

    /// How long a new connection's first request is waited for when a drain begins: it may be on its way.
    private static let newcomerGrace = Duration.milliseconds(500)

    /// No new requests but a newcomer's first: what has begun is finished, then the connection closes.
    package mutating func drain(at moment: Moment) {
        isDraining = true
        if phase == .reading, parser.isBetweenRequests, backlog.isEmpty {
            if !exchanges.isEmpty || !outbound.isEmpty {
                phase = .finishing
            } else if requestCount > 0 || timers.idleSince + Self.newcomerGrace <= moment.now {
                close(at: moment)
            }
        }
        advance(at: moment)
    }

    /// The connection is over: the client has gone, or nobody can wait for it.
    package mutating func close(at moment: Moment, _ failure: BodyChannel.Failure = .clientGone) {
        guard phase != .closed else { return }
        for exchange in exchanges where exchange.isUnfinished { exchange.cancel(failure) }
        rules.counters.abandoned.add(exchanges.count(where: \.isUnfinished), ordering: .relaxed)
        phase = .closed
        logAbandoned(at: moment)
        exchanges = []
        ready = []
        backlog = []
        arrival = nil
        parser.refuse()
        bodyLease = nil
        answerLease = nil
        leavesUnsent = !outbound.isEmpty
        outbound.removeAll()
    }

    // MARK: Time

    /// When `expire` has to be called, unless something happens first; nil: never.
    package var deadline: ContinuousClock.Instant? { nextTimer?.at }

    /// Does what is due.
    package mutating func expire(at moment: Moment) {
        guard let timer = nextTimer, timer.at <= moment.now else { return }
        switch timer.kind {
        case .head, .body: fail(.tooSlow, at: moment)
        case .idle, .linger: close(at: moment)
        case .write: close(at: moment, .timeout)
        case .probe:
            timers.probeStarted = moment.now + .seconds(5)
            outbound.append(ResponseEncoder.continueBytes)
            timers.lastSent = moment.now
        }
        advance(at: moment)
    }

    private var nextTimer: ConnectionTimers.Timer? {
        var running: ConnectionTimers.Running = []
        if !outbound.isEmpty { running.insert(.write) }
        if phase == .lingering { running.insert(.linger) }
        if phase == .reading {
            if parser.isInBody {
                if !owesContinue { running.insert(.body) }
            } else if !parser.isBetweenRequests {
                running.insert(.head)
            } else if isQuiet {
                running.insert(.idle)
            }
        }
        if canProbe { running.insert(.probe) }
        let timer = timers.next(running, rules.configuration, isFirstRequest: requestCount == 0)
        guard isDraining, let timer, timer.kind == .idle else { return timer }
        return ConnectionTimers.Timer(kind: .idle, at: timers.idleSince + Self.newcomerGrace)
    }

    /// Whether an interim 100 can find out if a client that has closed its side still reads.
    ///
    /// A close and a half-close look the same until something is written: then a client that has gone resets
    /// the connection. Clients of HTTP/1.1 have to read past interim answers (RFC 9110 §15.2).
    private var canProbe: Bool {
        guard inputHasEnded, outbound.isEmpty, let first = exchanges.first else { return false }
        return first.response == nil && first.context.version == .http11
    }
}
