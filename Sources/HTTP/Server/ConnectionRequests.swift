internal import HTTPTypes
internal import Platform
internal import Synchronization

/// How a connection's requests come in: head, admission, body, and what is refused on the way.
extension ConnectionState {
    /// Whether the next request has to wait: as many are pending as may be, or the client does not read its answers.
    var isBlocked: Bool {
        guard parser.isBetweenRequests else { return false }
        return exchanges.count >= rules.configuration.maxPipelinedRequests
            || outbound.count >= Self.maxUnreadBytes
    }

    /// Reads requests from `bytes`; returns how many were used, which is all unless it is blocked.
    mutating func parse(_ bytes: Span<UInt8>, at moment: Moment) -> Int {
        var position = 0
        if parser.isInBody, !bytes.isEmpty {
            owesContinue = false // the client has not waited for it
        }
        while phase == .reading, position < bytes.count || parser.isInBody, !isBlocked {
            if parser.isBetweenRequests { timers.headStarted = moment.now }
            let (isInBody, before) = (parser.isInBody, position)
            let event = parser.next(bytes, at: &position)
            if isInBody, position > before {
                timers.bodyArrived(position - before, at: moment.now, rules.configuration)
            }
            guard let event else { break }
            switch event {
            case .head(let head): begin(head, bodyIsHere: position < bytes.count, at: moment)
            case .body(let body): complete(body, at: moment)
            case .refusal(let refusal): fail(refusal, at: moment)
            }
        }
        return position
    }

    private mutating func begin(_ head: RequestHead, bodyIsHere: Bool, at moment: Moment) {
        let id = RequestID.accepted(head.fields[.requestID], else: rules.freshID())
        arrival = Arrival(head: head, id: id, received: moment.now)
        timers.startBody(at: moment.now, rules.configuration)
        // RFC 9110 §10.1.1: not needed when the body is arriving already.
        owesContinue = head.expectsContinue && head.framing != .none && !bodyIsHere
        switch rules.admit(head, client) {
        case .accept(let maxBodyBytes, let note):
            arrival?.note = note
            guard let maxBodyBytes else { return }
            do throws(Refusal) {
                try parser.limitBody(to: maxBodyBytes)
            } catch {
                fail(error, at: moment)
            }
        case .refuse(let response): turnAway(response, head, at: moment)
        }
    }

    /// Answers a request without its body; without one, the connection can go on.
    private mutating func turnAway(_ response: Response, _ head: RequestHead, at moment: Moment) {
        guard head.framing == .none else { return fail(with: response, code: nil, at: moment) }
        var position = 0
        _ = parser.next(Span<UInt8>(), at: &position) // the empty body
        complete([], at: moment, answer: response)
    }

    private mutating func complete(_ body: [UInt8], at moment: Moment, answer: Response? = nil) {
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
            ),
            served: served(arrival, bytesIn: body.count, at: moment)
        )
        if let answer { exchange.answer(with: answer, nil, at: moment.now) }
        exchanges.append(exchange)
        // A body that arrived with its head has no lease yet; its bytes are leased before it is handed over.
        let lease = body.isEmpty ? nil : bodyLease ?? rules.budget.lease(0, for: .bodies)
        bodyLease = nil
        if answer == nil {
            let packed = body.isEmpty ? nil : head.coding.map { PackedBody(body, $0) }
            let request = Request(
                method: head.method,
                path: head.path,
                target: head.target,
                query: head.query,
                fields: head.fields,
                body: packed == nil ? body : [],
                packed: packed,
                accept: head.accept,
                refusesIdentity: head.refusesIdentity,
                id: arrival.id,
                client: client,
                cancellation: exchange.cancellation,
                headReceived: arrival.received,
                received: moment.now,
                note: arrival.note,
                lease: lease
            )
            ready.append((exchange.sequence, request))
        }
        let isLast = requestCount >= rules.configuration.maxRequestsPerConnection
        if !head.keepsAlive || isDraining || isLast { phase = .finishing }
    }

    private func served(_ arrival: Arrival?, bytesIn: Int, at moment: Moment) -> Served? {
        guard rules.log != nil else { return nil }
        return Served(
            id: arrival?.id ?? "",
            client: client,
            method: arrival?.head.method.rawValue ?? "",
            target: arrival?.head.target ?? "",
            bytesIn: bytesIn,
            headReceived: arrival?.received ?? moment.now,
            received: moment.now,
            written: moment.now
        )
    }

    /// Answers what is arriving with a refusal, after the pending answers, and reads nothing more.
    mutating func fail(_ refusal: Refusal, at moment: Moment) {
        fail(with: rules.response(to: refusal), code: refusal.code, at: moment)
    }

    mutating func fail(with response: Response, code: String?, at moment: Moment) {
        var context = ResponseEncoder.Context(isHead: arrival?.head.method == .head)
        context.requestID = arrival?.id ?? rules.freshID()
        requestCount += 1
        let exchange = Exchange(
            sequence: requestCount,
            context: context,
            response: response,
            served: served(arrival, bytesIn: parser.bodyCount, at: moment)
        )
        exchange.served?.answered = moment.now
        exchange.served?.refusal = code
        exchanges.append(exchange)
        phase = .finishing
        stopReading()
    }

    /// Lets go of everything that has arrived and was not handed over.
    mutating func stopReading() {
        arrival = nil
        owesContinue = false
        backlog = []
        bodyLease = nil
        parser.refuse()
    }
}
