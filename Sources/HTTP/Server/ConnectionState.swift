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
    private struct Arrival {
        let head: RequestHead
        let id: String
        let received: ContinuousClock.Instant
    }

    /// With so many bytes of answers unread, no further request is.
    private static let maxUnreadBytes = 1 << 20

    private let rules: ConnectionRules
    /// How far the connection is.
    package private(set) var phase = Phase.reading
    /// What has to be written.
    package private(set) var outbound = Outbound()
    private var parser: RequestParser
    private var arrival: Arrival?
    private var exchanges: [Exchange] = []
    private var ready: [(sequence: Int, request: Request)] = []
    /// Bytes received while as many requests as allowed were pending.
    private var backlog: [UInt8] = []
    private var requestCount = 0
    private var droppedBytes = 0
    private var inputHasEnded = false
    private var isDraining = false
    private var owesContinue = false
    private var timers: ConnectionTimers

    /// A connection that has just been accepted.
    package init(rules: ConnectionRules, at moment: Moment) {
        self.rules = rules
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

    /// Bytes of the body that is arriving; complete ones are counted by their `BodyLease`.
    package var bufferedBytes: Int { parser.bodyCount }

    /// Whether a request's body is arriving.
    package var isReceivingBody: Bool { phase == .reading && parser.isInBody }

    /// The requests that have become complete since the last call; each needs an `answer`.
    package mutating func takeReady() -> [(sequence: Int, request: Request)] {
        guard !ready.isEmpty else { return [] }
        defer { ready = [] }
        return ready
    }

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
            if droppedBytes > rules.configuration.maxLingerBytes { close() }
        case .closed: break
        }
        advance(at: moment)
    }

    /// The client will send nothing more, but may still read: a half-close is not a departure.
    package mutating func receiveEnd(at moment: Moment) {
        inputHasEnded = true
        timers.probeStarted = moment.now
        if phase == .lingering { close() }
        advance(at: moment)
    }

    /// A handler has answered the request with this number.
    ///
    /// - Parameters:
    ///   - sequence: the request's number.
    ///   - response: the answer.
    ///   - channel: where its body comes from; nil when it is whole.
    ///   - moment: the time.
    package mutating func answer(
        _ sequence: Int,
        with response: Response,
        _ channel: BodyChannel? = nil,
        at moment: Moment
    ) {
        guard let index = exchanges.firstIndex(where: { $0.sequence == sequence }) else {
            channel?.close()
            return
        }
        exchanges[index].answer(with: response, channel)
        advance(at: moment)
    }

    /// A streamed body has gone on or ended.
    package mutating func bodyArrived(at moment: Moment) { advance(at: moment) }

    /// The first `count` bytes of `outbound` have been written.
    package mutating func sent(_ count: Int, at moment: Moment) {
        outbound.advance(by: count)
        timers.lastSent = moment.now
        advance(at: moment)
    }

    /// Refuses what is arriving and closes once that is said.
    package mutating func refuse(_ refusal: Refusal, at moment: Moment) {
        guard phase == .reading else { return }
        fail(refusal)
        advance(at: moment)
    }

    /// No new requests: what has begun is finished, then the connection closes.
    package mutating func drain(at moment: Moment) {
        isDraining = true
        if phase == .reading, parser.isBetweenRequests, backlog.isEmpty {
            if exchanges.isEmpty, outbound.isEmpty { close() } else { phase = .finishing }
        }
        advance(at: moment)
    }

    /// The connection is over: the client has gone, or nobody can wait for it.
    package mutating func close() {
        for exchange in exchanges where exchange.isUnfinished { exchange.cancel() }
        rules.counters.abandoned.add(exchanges.count(where: \.isUnfinished), ordering: .relaxed)
        phase = .closed
        exchanges = []
        ready = []
        backlog = []
        arrival = nil
        parser.refuse()
        outbound.removeAll()
    }

    // MARK: Requests in

    /// Whether the next request has to wait: as many are pending as may be, or the client does not read its answers.
    private var isBlocked: Bool {
        guard parser.isBetweenRequests else { return false }
        return exchanges.count >= rules.configuration.maxPipelinedRequests
            || outbound.count >= Self.maxUnreadBytes
    }

    /// Reads requests from `bytes`; returns how many were used, which is all unless it is blocked.
    private mutating func parse(_ bytes: Span<UInt8>, at moment: Moment) -> Int {
        var position = 0
        if parser.isInBody, !bytes.isEmpty {
            owesContinue = false // the client has not waited for it
            timers.lastBodyByte = moment.now
        }
        while phase == .reading, position < bytes.count || parser.isInBody, !isBlocked {
            if parser.isBetweenRequests { timers.headStarted = moment.now }
            guard let event = parser.next(bytes, at: &position) else { break }
            switch event {
            case .head(let head): begin(head, bodyIsHere: position < bytes.count, at: moment)
            case .body(let body): complete(body)
            case .refusal(let refusal): fail(refusal)
            }
        }
        return position
    }

    private mutating func begin(_ head: RequestHead, bodyIsHere: Bool, at moment: Moment) {
        let id = RequestID.accepted(head.fields[.requestID], else: rules.freshID())
        arrival = Arrival(head: head, id: id, received: moment.now)
        timers.startBody(at: moment.now)
        // RFC 9110 §10.1.1: not needed when the body is arriving already.
        owesContinue = head.expectsContinue && head.framing != .none && !bodyIsHere
    }

    private mutating func complete(_ body: [UInt8]) {
        guard let arrival else { preconditionFailure("a body without a head") }
        self.arrival = nil
        owesContinue = false
        requestCount += 1
        rules.counters.received.add(1, ordering: .relaxed)
        let head = arrival.head
        let exchange = Exchange(
            sequence: requestCount,
            context: ResponseEncoder.Context(
                isHead: head.method == .head,
                version: head.version,
                requestID: arrival.id
            )
        )
        exchanges.append(exchange)
        let request = Request(
            method: head.method,
            path: head.path,
            query: head.query,
            fields: head.fields,
            body: body,
            id: arrival.id,
            cancellation: exchange.cancellation,
            received: arrival.received,
            lease: BodyLease(body.count, in: rules.counters)
        )
        ready.append((exchange.sequence, request))
        let isLast = requestCount >= rules.configuration.maxRequestsPerConnection
        if !head.keepsAlive || isDraining || isLast { phase = .finishing }
    }

    /// Answers what is arriving with a refusal, after the pending answers, and reads nothing more.
    private mutating func fail(_ refusal: Refusal) {
        var context = ResponseEncoder.Context(isHead: arrival?.head.method == .head)
        context.requestID = arrival?.id ?? rules.freshID()
        requestCount += 1
        exchanges.append(
            Exchange(
                sequence: requestCount,
                context: context,
                response: rules.response(to: refusal)
            )
        )
        phase = .finishing
        arrival = nil
        owesContinue = false
        backlog = []
        parser.refuse()
    }

    // MARK: Answers out

    /// Does all that has become possible: answers in order, 100, requests from the backlog, closing.
    private mutating func advance(at moment: Moment) {
        guard phase != .closed else { return }
        let hadOutbound = !outbound.isEmpty
        repeat { encodeAnswers(at: moment) } while parseBacklog(at: moment)
        if owesContinue, exchanges.isEmpty {
            owesContinue = false
            outbound.append(ResponseEncoder.continueBytes)
            timers.startBody(at: moment.now)
        }
        if phase == .reading, inputHasEnded, backlog.isEmpty {
            // RFC 9112 §8: an incomplete request is told so, in case the client still reads.
            if parser.isBetweenRequests { phase = .finishing } else { fail(.incomplete) }
            encodeAnswers(at: moment)
        }
        if !hadOutbound { timers.lastSent = moment.now }
        guard exchanges.isEmpty, outbound.isEmpty else { return }
        if phase == .finishing {
            phase = inputHasEnded ? .closed : .lingering
            timers.lingerStarted = moment.now
        }
    }

    private mutating func encodeAnswers(at moment: Moment) {
        while let first = exchanges.first, first.response != nil {
            if !first.hasBegun {
                let closes = first.closesConnection
                if closes { dropRequests(after: first.sequence) }
                let keepsAlive = !closes && (phase == .reading || exchanges.count > 1)
                exchanges[0].begin(&outbound, keepsAlive: keepsAlive, date: moment.date)
            }
            switch exchanges[0].moveBody(to: &outbound) {
            case .waiting: return
            case .complete: break
            // Without a last chunk the end of the connection says that the body is not whole (RFC 9112 §8).
            case .truncated: dropRequests(after: first.sequence)
            }
            exchanges.removeFirst()
            timers.idleSince = moment.now
        }
    }

    /// The connection ends with this answer: requests pipelined behind it stay unanswered.
    private mutating func dropRequests(after sequence: Int) {
        for exchange in exchanges where exchange.sequence != sequence { exchange.cancel() }
        exchanges.removeAll { $0.sequence != sequence }
        ready = []
        backlog = []
        arrival = nil
        owesContinue = false
        parser.refuse()
        phase = .finishing
    }

    private mutating func parseBacklog(at moment: Moment) -> Bool {
        guard phase == .reading, !backlog.isEmpty, !isBlocked else { return false }
        var bytes: [UInt8] = []
        swap(&bytes, &backlog)
        let used = parse(bytes.span, at: moment)
        if phase == .reading, used < bytes.count { backlog = Array(bytes[used...]) }
        return true
    }

    // MARK: Time

    /// When `expire` has to be called, unless something happens first; nil: never.
    package var deadline: ContinuousClock.Instant? { nextTimer?.at }

    /// Does what is due.
    package mutating func expire(at moment: Moment) {
        guard let timer = nextTimer, timer.at <= moment.now else { return }
        switch timer.kind {
        case .head, .body: fail(.tooSlow)
        case .idle, .linger, .write: close()
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
            } else if exchanges.isEmpty, outbound.isEmpty, backlog.isEmpty {
                running.insert(.idle)
            }
        }
        if canProbe { running.insert(.probe) }
        return timers.next(
            running,
            rules.configuration,
            isFirstRequest: requestCount == 0,
            bodyCount: parser.bodyCount
        )
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
