internal import Platform
internal import Synchronization

/// What the event loops of a server have in common: which of them serves a new connection, and how many there may be.
///
/// One loop accepts; each connection then belongs to the loop that has the fewest. The limits hold for all loops together.
final class LoopGroup: Sendable {
    /// Whether one more connection may come.
    enum Room {
        case free
        /// Its address has as many as one may have.
        case noneForClient
        case none
    }

    /// A connection on its way to its loop.
    // @unchecked: whoever hands it over keeps no reference to it
    private struct Handover: @unchecked Sendable {
        let connection: Connection
    }

    private struct State {
        /// How many connections each loop has, with those on their way to it.
        var loads: [Int]
        /// Those on their way; nil for a loop that takes none any more.
        var arrivals: [[Handover]?]
        /// Connections within the limits, by address.
        var clients: [String: Int] = [:]
        var admitted = 0
    }

    /// What wakes each loop.
    let wakers: [Waker]
    private let maxConnections: Int
    private let maxPerClient: Int
    private let state: Mutex<State>

    /// - Throws: `SystemError` when the system has no descriptor left to give.
    init(_ configuration: HTTPServerConfiguration) throws(SystemError) {
        let count = configuration.loops
        var wakers: [Waker] = []
        for _ in 0..<count { wakers.append(try Waker()) }
        self.wakers = wakers
        maxConnections = configuration.maxConnections
        maxPerClient = configuration.maxConnectionsPerAddress ?? max(64, maxConnections / 2)
        state = Mutex(
            State(loads: Array(repeating: 0, count: count), arrivals: Array(repeating: [], count: count))
        )
    }

    /// How many loops there are.
    var count: Int { wakers.count }

    /// The loop with the fewest connections.
    var leastLoaded: Int {
        state.withLock { state in
            state.loads.indices.min { state.loads[$0] < state.loads[$1] } ?? 0
        }
    }

    /// Counts a connection to a loop, and takes it there if that is another's.
    ///
    /// - Returns: false where the loop takes none any more.
    func hand(_ connection: Connection, to loop: Int) -> Bool {
        let handover = Handover(connection: connection)
        let isTaken = state.withLock { state in
            guard state.arrivals[loop] != nil else { return false }
            state.arrivals[loop]?.append(handover)
            state.loads[loop] += 1
            return true
        }
        if isTaken { wakers[loop].wake() }
        return isTaken
    }

    /// Counts a connection that a loop keeps.
    func keep(on loop: Int) { state.withLock { $0.loads[loop] += 1 } }

    /// The connections that have arrived at a loop; none come after the last.
    func arrivals(at loop: Int, areLast: Bool = false) -> [Connection] {
        let arrivals = state.withLock { state in
            defer { state.arrivals[loop] = areLast || state.arrivals[loop] == nil ? nil : [] }
            return state.arrivals[loop] ?? []
        }
        return arrivals.map(\.connection)
    }

    /// A connection that a loop had is elsewhere, or closed.
    func release(from loop: Int) { state.withLock { $0.loads[loop] -= 1 } }

    /// Counts a connection to its address where the limits allow.
    func enter(_ client: String) -> Room {
        state.withLock { state in
            let own = state.clients[client] ?? 0
            // Whatever proxy stands before a UNIX socket brings everybody's.
            if own >= maxPerClient, client != SocketAddress.unixName { return .noneForClient }
            if state.admitted >= maxConnections { return .none }
            state.clients[client] = own + 1
            state.admitted += 1
            return .free
        }
    }

    /// Takes back what `enter` counted.
    func leave(_ client: String) {
        state.withLock { state in
            let rest = (state.clients[client] ?? 0) - 1
            state.clients[client] = rest > 0 ? rest : nil
            state.admitted -= 1
        }
    }
}
