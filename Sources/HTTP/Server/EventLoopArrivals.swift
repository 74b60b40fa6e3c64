internal import Platform
internal import Synchronization

/// How connections come to an event loop: accepted, taken to one that has few, and with room made for them.
extension EventLoop {
    /// Accepts what waits, and takes each connection to its loop.
    func accept(from acceptor: Acceptor) {
        while let socket = acceptor.accept(epoll, now: moment.now) {
            let client = socket.peerName
            let connection = Connection(
                socket,
                token: nextToken,
                state: ConnectionState(rules: rules, client: client, at: moment)
            )
            nextToken += 1
            let loop = isDraining ? index : group.leastLoaded
            if loop != index, group.hand(connection, to: loop) { continue }
            group.keep(on: index)
            welcome(connection)
        }
    }

    /// Begins to serve a connection, for which idle and unfinished ones give way; where none can here, perhaps one can at the
    /// next loop.
    func welcome(_ connection: Connection) {
        let client = connection.state.client
        var room = group.enter(client)
        if room != .free, closeOne(of: room == .noneForClient ? client : nil) { room = group.enter(client) }
        if room != .free {
            connection.refusals += 1
            let next = (index + 1) % group.count
            if connection.refusals < group.count, group.hand(connection, to: next) {
                return group.release(from: index)
            }
            // A few more are told why; beyond them even that costs too much, and descriptors are for models too.
            guard excessCount < min(64, max(8, rules.configuration.maxConnections / 2)) else {
                return group.release(from: index)
            }
            connection.isExcess = true
        }
        do {
            try epoll.add(connection.socket.number, .read, token: connection.token)
        } catch {
            // The kernel's memory is short; the client sees the connection close.
            if !connection.isExcess { group.leave(client) }
            return group.release(from: index)
        }
        connections[connection.token] = connection
        rules.counters.accepted.add(1, ordering: .relaxed)
        rules.counters.open.add(1, ordering: .relaxed)
        if connection.isExcess {
            excessCount += 1
            connection.state.refuse(.connectionsFull, at: moment)
        } else {
            crowd.enter(client)
        }
        settle(connection)
    }

    /// Closes the connection that is missed least.
    private func closeOne(of client: String?) -> Bool {
        let victim = crowd.victim(of: client, among: connections, now: moment.now)
        guard let victim, let connection = connections[victim] else { return false }
        if connection.state.isPartial { connection.state.refuse(.connectionsFull, at: moment) }
        connection.send(at: moment)
        connection.state.close(at: moment)
        rules.counters.closedForRoom.add(1, ordering: .relaxed)
        remove(connection)
        return true
    }
}
