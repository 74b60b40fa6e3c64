internal import Platform
internal import Synchronization

/// One thread that accepts, parses and writes for many connections, and never blocks on any of them.
///
/// Everything here belongs to that thread; what others may touch is `answers` and `drain`. A server could run
/// several loops, each with a listener of its own: they share only the rules and the queue.
final class EventLoop: @unchecked Sendable { // @unchecked: confined to its thread but for Sendable members
    private static let listenerToken = UInt64.max
    private static let wakerToken = UInt64.max - 1
    private static let maxExcess = 64

    private let rules: ConnectionRules
    private let queue: BoundedQueue<Job>
    private let waker: Waker
    private let answers: AnswerList
    private let drainDeadline = Mutex<ContinuousClock.Instant?>(nil)

    private var epoll: Epoll
    private var acceptor: Acceptor
    private var connections: [UInt64: Connection] = [:]
    private var nextToken: UInt64 = 0
    private var excessCount = 0
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    private var moment = Moment(now: .now, date: "")
    private var second = -1
    private var isDraining = false
    /// No connection's deadline is earlier; often none is as early, since most waits end before their time.
    private var nextDeadline: ContinuousClock.Instant?

    init(
        listener: consuming Socket,
        rules: ConnectionRules,
        queue: BoundedQueue<Job>
    ) throws(SystemError) {
        self.rules = rules
        self.queue = queue
        waker = try Waker()
        answers = AnswerList(waker: waker)
        epoll = try Epoll()
        acceptor = try Acceptor(listener, token: Self.listenerToken, epoll: epoll)
        try epoll.add(waker.number, .read, token: Self.wakerToken)
    }

    /// Asks the loop, from any thread, to finish what has begun until `deadline` and then to return.
    func drain(until deadline: ContinuousClock.Instant) {
        drainDeadline.withLock { $0 = min($0 ?? deadline, deadline) }
        waker.wake()
    }

    /// Serves until it has been drained.
    func run() {
        defer { answers.close() }
        while true {
            tick()
            let drainDeadline = drainDeadline.withLock { $0 }
            if let drainDeadline {
                if !isDraining { startDraining() }
                if moment.now >= drainDeadline { closeAll() }
                if connections.isEmpty { return }
            }
            let wakeUp = [nextDeadline, acceptor.pausedUntil, drainDeadline].compactMap(\.self).min()
            turn(timeout: wakeUp.map { moment.now.duration(to: $0) })
            expire()
            acceptor.resume(epoll, now: moment.now)
        }
    }

    private func turn(timeout: Duration?) {
        let count: Int
        do {
            count = try epoll.wait(timeout: timeout)
        } catch {
            preconditionFailure("\(error)")
        }
        tick()
        for i in 0..<count {
            let (token, happened) = epoll.event(i)
            switch token {
            case Self.listenerToken: accept()
            case Self.wakerToken: takeAnswers()
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

    private func accept() {
        while let socket = acceptor.accept(epoll, now: moment.now) {
            let isExcess = connections.count - excessCount >= rules.configuration.maxConnections
            // A few more are told why; beyond them even that costs too much.
            if isExcess, excessCount >= Self.maxExcess { continue }
            let token = nextToken
            nextToken += 1
            let connection = Connection(
                socket,
                token: token,
                isExcess: isExcess,
                state: ConnectionState(rules: rules, at: moment)
            )
            do {
                try epoll.add(connection.socket.number, .read, token: token)
            } catch {
                continue // the kernel's memory is short; the client sees the connection close
            }
            connections[token] = connection
            rules.counters.accepted.add(1, ordering: .relaxed)
            rules.counters.open.add(1, ordering: .relaxed)
            if isExcess {
                excessCount += 1
                connection.state.refuse(.connectionsFull, at: moment)
            }
            settle(connection)
        }
    }

    private func serve(_ token: UInt64, _ happened: Epoll.Interest) {
        guard let connection = connections[token] else { return }
        // Both sides closed or a reset: a half-close alone does not come here.
        if !happened.isDisjoint(with: .hangup) { connection.state.close() }
        if happened.contains(.read), connection.state.wantsRead { connection.receive(&buffer, at: moment) }
        settle(connection)
    }

    private func takeAnswers() {
        waker.reset()
        for answer in answers.takeAll() {
            guard let connection = connections[answer.connection] else {
                answer.discard()
                continue
            }
            switch answer.content {
            case .response(let response, let channel):
                connection.state.answer(answer.sequence, with: response, channel, at: moment)
            case .bodyArrived: connection.state.bodyArrived(at: moment)
            }
            settle(connection)
        }
    }

    /// Does everything that a change of the connection's state makes possible.
    private func settle(_ connection: Connection) {
        var ready = connection.state.takeReady()
        repeat {
            for (sequence, request) in ready { submit(request, sequence, of: connection) }
            countBytes(of: connection)
            connection.send(at: moment)
            ready = connection.state.takeReady()
        } while !ready.isEmpty
        if connection.state.phase == .closed { return remove(connection) }
        watch(connection)
        if let deadline = connection.state.deadline { nextDeadline = min(nextDeadline ?? deadline, deadline) }
    }

    private func submit(_ request: Request, _ sequence: Int, of connection: Connection) {
        let job = Job(connection: connection.token, sequence: sequence, request: request, answers: answers)
        if queue.offer(job) { return }
        connection.state.answer(sequence, with: rules.response(to: .queueFull), at: moment)
    }

    private func countBytes(of connection: Connection) {
        let change = connection.state.bufferedBytes - connection.countedBytes
        guard change != 0 else { return }
        connection.countedBytes += change
        let total = rules.counters.buffered.add(change, ordering: .relaxed).newValue
        guard change > 0, total > rules.configuration.maxBufferedBytes, connection.state.isReceivingBody
        else { return }
        connection.state.refuse(.bodiesFull, at: moment)
        countBytes(of: connection)
    }

    private func watch(_ connection: Connection) {
        let wanted = connection.wantedInterest
        guard wanted != connection.interest else { return }
        do {
            try epoll.modify(connection.socket.number, wanted, token: connection.token)
            connection.interest = wanted
        } catch {
            connection.state.close()
            remove(connection)
        }
    }

    private func remove(_ connection: Connection) {
        rules.counters.buffered.subtract(connection.countedBytes, ordering: .relaxed)
        rules.counters.open.subtract(1, ordering: .relaxed)
        if connection.isExcess { excessCount -= 1 }
        connections[connection.token] = nil // and with it goes the descriptor
    }

    // MARK: Time

    /// Looks at every connection, but only when the earliest deadline of the last look has come.
    private func expire() {
        guard let due = nextDeadline, due <= moment.now else { return }
        nextDeadline = nil
        for connection in Array(connections.values) {
            connection.state.expire(at: moment)
            settle(connection)
        }
    }

    private func startDraining() {
        isDraining = true
        // What has reached this machine by now is still served.
        accept()
        acceptor.close()
        for connection in Array(connections.values) {
            if connection.state.wantsRead { connection.receive(&buffer, at: moment) }
            connection.state.drain(at: moment)
            settle(connection)
        }
    }

    private func closeAll() {
        for connection in Array(connections.values) {
            connection.state.close()
            remove(connection)
        }
    }
}
