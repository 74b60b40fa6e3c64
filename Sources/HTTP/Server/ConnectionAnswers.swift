internal import HTTPTypes
internal import Platform
internal import Synchronization

/// How a connection's answers leave: in the order of their requests, within the budget, each on its line of the log.
extension ConnectionState {
    /// So many bytes of answers wait without a lease: what every connection may cost.
    private static let unleasedBytes = 16 * 1024

    /// A handler has answered the request with this number.
    ///
    /// - Parameters:
    ///   - sequence: the request's number.
    ///   - response: the answer.
    ///   - channel: where its body comes from; nil when it is whole.
    ///   - refusal: why the server itself answers so.
    ///   - moment: the time.
    package mutating func answer(
        _ sequence: Int,
        with response: Response,
        _ channel: BodyChannel? = nil,
        refusal: Refusal? = nil,
        at moment: Moment
    ) {
        guard let exchange = exchanges.first(where: { $0.sequence == sequence }) else {
            channel?.close()
            return
        }
        exchange.answer(with: response, channel, at: moment.now)
        exchange.served?.refusal = refusal?.code
        if channel == nil, !leaseAnswers(), response.body.count > Self.unleasedBytes {
            exchange.answer(with: rules.response(to: .memoryFull), nil, at: moment.now)
            exchange.served?.refusal = Refusal.memoryFull.code
            leaseAnswers()
        }
        advance(at: moment)
        leaseAnswers()
    }

    /// Leases what waits to be written.
    ///
    /// - Returns: whether the budget had it.
    @discardableResult mutating func leaseAnswers() -> Bool {
        var waiting = outbound.count
        for exchange in exchanges { waiting += exchange.waitingBytes }
        guard waiting > Self.unleasedBytes, phase != .closed else {
            answerLease = nil
            return true
        }
        if answerLease == nil { answerLease = rules.budget.lease(0, for: .answers) }
        return answerLease?.resize(to: waiting) ?? false
    }

    /// Does all that has become possible: answers in order, 100, requests from the backlog, closing.
    mutating func advance(at moment: Moment) {
        guard phase != .closed else { return }
        let hadOutbound = !outbound.isEmpty
        repeat { encodeAnswers(at: moment) } while parseBacklog(at: moment)
        if owesContinue, exchanges.isEmpty {
            owesContinue = false
            outbound.append(ResponseEncoder.continueBytes)
            timers.startBody(at: moment.now, rules.configuration)
        }
        if phase == .reading, inputHasEnded, backlog.isEmpty {
            // RFC 9112 §8: an incomplete request is told so, in case the client still reads.
            if parser.isBetweenRequests { phase = .finishing } else { fail(.incomplete, at: moment) }
            encodeAnswers(at: moment)
        }
        if !hadOutbound { timers.lastSent = moment.now }
        guard exchanges.isEmpty, outbound.isEmpty else { return }
        if phase == .finishing {
            timers.lingerStarted = moment.now
            if inputHasEnded { close(at: moment) } else { phase = .lingering }
        }
    }

    private mutating func encodeAnswers(at moment: Moment) {
        while let first = exchanges.first, first.response != nil {
            if !first.hasBegun {
                let closes = first.closesConnection
                if closes { dropRequests(after: first.sequence, at: moment) }
                let keepsAlive = !closes && (phase == .reading || exchanges.count > 1)
                first.begin(&outbound, keepsAlive: keepsAlive, date: moment.date)
            }
            switch first.moveBody(to: &outbound) {
            case .waiting: return
            case .complete: break
            // Without a last chunk the end of the connection says that the body is not whole (RFC 9112 §8).
            case .truncated: dropRequests(after: first.sequence, at: moment)
            }
            record(exchanges.removeFirst(), at: moment)
            timers.idleSince = moment.now
        }
    }

    /// The connection ends with this answer: requests pipelined behind it stay unanswered.
    private mutating func dropRequests(after sequence: Int, at moment: Moment) {
        for exchange in exchanges where exchange.sequence != sequence { exchange.cancel() }
        for exchange in exchanges where exchange.sequence != sequence { logAbandoned(exchange, at: moment) }
        exchanges.removeAll { $0.sequence != sequence }
        dropReady()
        stopReading()
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

    // MARK: The access log

    /// An answer is encoded: it is logged once the kernel has its last byte.
    private mutating func record(_ exchange: Exchange, at moment: Moment) {
        guard var served = exchange.served, let response = exchange.response else { return }
        served.status = ResponseEncoder.status(of: response).code
        served.annotation = response.annotation
        served.bytesOut = outbound.appended - exchange.firstByte
        unlogged.append((outbound.appended, served))
    }

    mutating func logWritten(at moment: Moment) {
        while let first = unlogged.first, first.lastByte <= outbound.written {
            unlogged.removeFirst()
            log(first.served, isAbandoned: false, at: moment)
        }
    }

    mutating func logAbandoned(at moment: Moment) {
        for (_, served) in unlogged { log(served, isAbandoned: true, at: moment) }
        unlogged = []
        for exchange in exchanges { logAbandoned(exchange, at: moment) }
    }

    private func logAbandoned(_ exchange: Exchange, at moment: Moment) {
        guard var served = exchange.served else { return }
        if let response = exchange.response {
            served.status = ResponseEncoder.status(of: response).code
            served.annotation = response.annotation
        }
        if exchange.hasBegun { served.bytesOut = max(0, outbound.written - exchange.firstByte) }
        log(served, isAbandoned: true, at: moment)
    }

    private func log(_ served: Served, isAbandoned: Bool, at moment: Moment) {
        var served = served
        served.written = moment.now
        served.isAbandoned = isAbandoned
        rules.log?(served)
    }
}
