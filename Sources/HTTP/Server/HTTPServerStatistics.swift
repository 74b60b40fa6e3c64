internal import Synchronization

/// What the server is doing and has done, for metrics.
package struct HTTPServerStatistics: Sendable, Equatable {
    /// Connections that are open now.
    package var openConnections = 0
    /// Connections accepted so far.
    package var acceptedConnections = 0
    /// Requests that the handler has and that are not answered.
    package var activeRequests = 0
    /// Requests received whole so far.
    package var receivedRequests = 0
    /// Bytes of request bodies in memory now.
    package var bufferedBytes = 0
    /// Requests whose client left before the answer.
    package var abandonedRequests = 0
    /// Connections that were closed to make room for others.
    package var closedForRoom = 0
    /// Requests that the server itself refused, by the code of the reason.
    package var refusals: [String: Int] = [:]

    /// What two servers do that have one budget.
    package static func + (one: Self, other: Self) -> Self {
        HTTPServerStatistics(
            openConnections: one.openConnections + other.openConnections,
            acceptedConnections: one.acceptedConnections + other.acceptedConnections,
            activeRequests: one.activeRequests + other.activeRequests,
            receivedRequests: one.receivedRequests + other.receivedRequests,
            bufferedBytes: one.bufferedBytes,
            abandonedRequests: one.abandonedRequests + other.abandonedRequests,
            closedForRoom: one.closedForRoom + other.closedForRoom,
            refusals: one.refusals.merging(other.refusals, uniquingKeysWith: +)
        )
    }
}

/// The numbers behind `HTTPServerStatistics`, counted by every thread.
final class ServerCounters: Sendable {
    let open = Atomic(0)
    let accepted = Atomic(0)
    let active = Atomic(0)
    let received = Atomic(0)
    let abandoned = Atomic(0)
    let closedForRoom = Atomic(0)
    private let refusals = Mutex<[String: Int]>([:])

    func countRefusal(_ code: String) {
        refusals.withLock { $0[code, default: 0] += 1 }
    }

    func statistics(bufferedBytes: Int) -> HTTPServerStatistics {
        HTTPServerStatistics(
            openConnections: open.load(ordering: .relaxed),
            acceptedConnections: accepted.load(ordering: .relaxed),
            activeRequests: active.load(ordering: .relaxed),
            receivedRequests: received.load(ordering: .relaxed),
            bufferedBytes: bufferedBytes,
            abandonedRequests: abandoned.load(ordering: .relaxed),
            closedForRoom: closedForRoom.load(ordering: .relaxed),
            refusals: refusals.withLock { $0 }
        )
    }
}
