internal import Platform
internal import Synchronization

/// One thread that parses and writes for many connections, and never blocks on any of them; the first of a server accepts too.
///
/// Everything here belongs to that thread; what others may touch is `answers` and `drain`. The handler is called on it,
/// and answers come back through `answers` from wherever they are made.
final class EventLoop: @unchecked Sendable { // @unchecked: confined to its thread but for Sendable members
    private static let wakerToken = UInt64.max

    /// From when to finish what has begun, and until when.
    struct Drain: Sendable {
        let start: ContinuousClock.Instant
        let deadline: ContinuousClock.Instant
    }

    let rules: ConnectionRules
    private let handler: RequestHandler
    let group: LoopGroup
    /// Its number in the group.
    let index: Int
    private let waker: Waker
    private let answers: AnswerList
    private let draining = Mutex<Drain?>(nil)
    /// How often the loop has gone round.
    let turns = Atomic(0)

    var epoll: Epoll
    var acceptors = Acceptors()
    var connections: [UInt64: Connection] = [:]
    var nextToken: UInt64 = 0
    var excessCount = 0
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    var moment = Moment(now: .now, date: "")
    private var second = -1
    var isDraining = false
    private var deadlines = DeadlineHeap()
    var crowd = Crowd()

    init(
        _ index: Int,
        of group: LoopGroup,
        rules: ConnectionRules,
        handler: @escaping RequestHandler
    ) throws(SystemError) {
        self.rules = rules
        self.handler = handler
        self.group = group
        self.index = index
        waker = group.wakers[index]
        answers = AnswerList(waker: waker)
        epoll = try Epoll()
        try epoll.add(waker.number, .read, token: Self.wakerToken)
    }

    /// Makes this the loop that accepts; before it runs.
    func listen(on listeners: [Listener]) throws(SystemError) {
        acceptors = try Acceptors(listeners, epoll: epoll)
    }

    /// Asks the loop, from any thread, to finish what has begun and then to return.
    func drain(_ drain: Drain) {
        draining.withLock { $0 = $0 ?? drain }
        waker.wake()
    }

    /// Makes the loop, from any thread, go round once more.
    func poke() { waker.wake() }

    /// Serves until it has been drained.
    func run() {
        defer { answers.close() }
        while true {
            turns.add(1, ordering: .relaxed)
            tick()
            let drain = draining.withLock { $0 }
            if let drain, drain.start <= moment.now {
                if !isDraining { startDraining() }
                if moment.now >= drain.deadline { closeAll() }
                if connections.isEmpty { return }
            }
            takeAnswers()
            let drainTime = isDraining ? drain?.deadline : drain?.start
            let wakeUp = [deadlines.first, acceptors.pausedUntil, drainTime].compactMap(\.self).min()
            turn(timeout: wakeUp.map { moment.now.duration(to: $0) })
            expire()
            acceptors.resume(epoll, now: moment.now)
        }
    }

    private func turn(timeout: Duration?) {
        let count: Int
        do {
            count = try epoll.wait(timeout: timeout)
        } catch {
            preconditionFailure("\(error)")
        }
        answers.awaken()
        tick()
        for i in 0..<count {
            let (token, happened) = epoll.event(i)
            switch token {
            case Self.wakerToken:
                waker.reset()
                for connection in group.arrivals(at: index) { welcome(connection) }
            case Acceptors.firstToken...: accept(from: acceptors[token])
            default: serve(token, happened)
            }
        }
    }

    private func tick() {
        let seconds = WallClock.seconds
        var date = moment.date
        if seconds != second {
            second = seconds
            date = HTTPDate.text(seconds)
        }
        moment = Moment(now: .now, date: date)
    }

    // MARK: Connections

    private func serve(_ token: UInt64, _ happened: Epoll.Interest) {
        guard let connection = connections[token] else { return }
        // Both sides closed or a reset: a half-close alone does not come here.
        if !happened.isDisjoint(with: .hangup) { connection.state.close(at: moment) }
        if happened.contains(.read), connection.state.wantsRead { connection.receive(&buffer, at: moment) }
        settle(connection)
    }

    /// Passes answers on until none is left; those that come later wake the loop.
    private func takeAnswers() {
        while true {
            let batch = answers.takeOrSleep()
            if batch.isEmpty { return }
            for answer in batch { take(answer) }
        }
    }

    private func take(_ answer: AnswerList.Answer) {
        if case .bodyArrived = answer.content {
        } else {
            rules.counters.active.subtract(1, ordering: .relaxed)
        }
        guard let connection = connections[answer.connection] else { return answer.discard() }
        switch answer.content {
        case .response(let response, let channel):
            connection.state.answer(answer.sequence, with: response, channel, at: moment)
        case .bodyArrived: connection.state.bodyArrived(at: moment)
        case .unanswered:
            let response = rules.response(to: .unanswered)
            connection.state.answer(answer.sequence, with: response, refusal: .unanswered, at: moment)
        }
        settle(connection)
    }

    /// Does everything that a change of the connection's state makes possible.
    func settle(_ connection: Connection) {
        while true {
            lease(connection)
            let ready = connection.state.takeReady()
            for (sequence, request) in ready { submit(request, sequence, of: connection) }
            connection.send(at: moment)
            if ready.isEmpty { break }
        }
        if connection.state.phase == .closed { return remove(connection) }
        watch(connection)
        schedule(connection)
    }

    private func submit(_ request: Request, _ sequence: Int, of connection: Connection) {
        rules.counters.active.add(1, ordering: .relaxed)
        let (token, answers) = (connection.token, answers)
        let responder = Responder { content in
            answers.append(AnswerList.Answer(connection: token, sequence: sequence, content: content))
        }
        handler(request, responder)
    }

    /// Leases what has arrived of bodies; where there is no room, the slowest unfinished ones give way.
    private func lease(_ connection: Connection) {
        while !connection.state.leaseBodies() {
            guard
                let slowest = crowd.slowestBody(
                    among: connections,
                    but: connection,
                    of: buffer.count,
                    at: moment.now
                )
            else {
                return connection.state.dropUnleased(at: moment)
            }
            slowest.state.refuse(.tooSlowForRoom, at: moment)
            slowest.send(at: moment)
            watch(slowest)
            schedule(slowest)
        }
    }

    private func watch(_ connection: Connection) {
        let wanted = connection.wantedInterest
        guard wanted != connection.interest else { return }
        do {
            try epoll.modify(connection.socket.number, wanted, token: connection.token)
            connection.interest = wanted
        } catch {
            connection.state.close(at: moment)
            remove(connection)
        }
    }

    func remove(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.token) != nil else { return }
        // What the client has not taken is of no use without the rest; the kernel would keep it for minutes.
        if connection.state.leavesUnsent { connection.socket.resetOnClose() }
        rules.counters.open.subtract(1, ordering: .relaxed)
        group.release(from: index)
        if connection.isExcess {
            excessCount -= 1
        } else {
            crowd.leave(connection.state.client)
            group.leave(connection.state.client)
        }
    }

    // MARK: Time

    private func schedule(_ connection: Connection) {
        guard let deadline = connection.state.deadline else { return }
        // Most waits end before their time: an entry that is early enough stays, and is looked at then.
        if let scheduled = connection.scheduled, scheduled <= deadline { return }
        connection.scheduled = deadline
        deadlines.insert(deadline, connection.token)
    }

    private func expire() {
        while let (at, token) = deadlines.popFirst(until: moment.now) {
            guard let connection = connections[token], connection.scheduled == at else { continue }
            connection.scheduled = nil
            connection.state.expire(at: moment)
            settle(connection)
        }
    }

    private func startDraining() {
        isDraining = true
        // What has reached this machine by now is still served.
        for acceptor in acceptors.all {
            accept(from: acceptor)
            acceptor.close()
        }
        for connection in group.arrivals(at: index, areLast: true) { welcome(connection) }
        for connection in Array(connections.values) {
            if connection.state.wantsRead { connection.receive(&buffer, at: moment) }
            connection.state.drain(at: moment)
            settle(connection)
        }
    }

    private func closeAll() {
        for connection in Array(connections.values) {
            connection.state.close(at: moment)
            remove(connection)
        }
    }
}
