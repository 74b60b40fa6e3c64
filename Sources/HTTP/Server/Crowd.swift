/// How many connections each address has, and which of them give way to a newcomer.
///
/// Those that have nothing to do go first, longest idle first; then those of the most crowded address that have sent
/// a part of a request only, oldest first. Nobody's complete request gives way.
struct Crowd {
    /// A search looks at every connection, so it finds some at a time and, in vain, is not repeated at once.
    private static let pause: Duration = .milliseconds(100)
    private static let batch = 64

    private var counts: [String: Int] = [:]
    private var candidates: [UInt64] = []
    private var nextSearch: [String?: ContinuousClock.Instant] = [:]

    func count(_ client: String) -> Int { counts[client] ?? 0 }

    mutating func enter(_ client: String) { counts[client, default: 0] += 1 }

    mutating func leave(_ client: String) {
        let rest = count(client) - 1
        counts[client] = rest > 0 ? rest : nil
        if rest <= 0 { nextSearch[client] = nil }
    }

    /// A connection to close: an idle one of the client, or, for nil, anybody's idle or unfinished one.
    mutating func victim(
        of client: String?,
        among connections: [UInt64: Connection],
        now: ContinuousClock.Instant
    ) -> UInt64? {
        if client == nil {
            while let token = candidates.popLast() {
                if let state = connections[token]?.state, state.isIdle(at: now) || state.isPartial {
                    return token
                }
            }
        }
        if let next = nextSearch[client], next > now { return nil }
        let idle = connections.values.filter {
            !$0.isExcess && $0.state.isIdle(at: now) && (client == nil || $0.state.client == client)
        }
        var found = idle.sorted {
            ($0.state.idleSince ?? now, $0.token) > ($1.state.idleSince ?? now, $1.token)
        }
        if found.isEmpty, client == nil, let crowded = counts.max(by: { $0.value < $1.value })?.key {
            found = connections.values.filter { $0.state.isPartial && $0.state.client == crowded }
            found.sort { $0.token > $1.token }
        }
        var tokens = found.suffix(Self.batch).map(\.token)
        let victim = tokens.popLast()
        if client == nil { candidates = tokens }
        nextSearch[client] = victim == nil ? now + Self.pause : nil
        return victim
    }

    /// The body of at least `size` bytes that made least progress lately; of equals the larger.
    func slowestBody(
        among connections: [UInt64: Connection],
        but other: Connection,
        of size: Int,
        at now: ContinuousClock.Instant
    ) -> Connection? {
        var slowest: (connection: Connection, progress: Int, held: Int)?
        for connection in connections.values where connection !== other && connection.state.isReceivingBody {
            let held = connection.state.bufferedBytes
            guard held >= size else { continue }
            let progress = connection.state.bodyProgress(at: now)
            if let found = slowest, (found.progress, -found.held) <= (progress, -held) { continue }
            slowest = (connection, progress, held)
        }
        return slowest?.connection
    }
}
