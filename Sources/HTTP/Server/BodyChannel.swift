internal import Platform

/// The way of a streamed body from the worker that makes it to the connection that sends it.
///
/// It holds at most `capacity` bytes: a writer waits for room, so that a slow reader slows its stream down instead of
/// filling memory, and it learns when the connection is over. The event loop never waits on it.
package final class BodyChannel: Sendable {
    /// Why a body cannot be written any further.
    package enum Failure: Error, Equatable {
        /// The connection is over: nobody will read the rest.
        case clientGone
        /// There was no room for as long as a writer may wait.
        case timeout
    }

    /// How a body ended.
    package enum End: Sendable, Equatable {
        case complete
        /// In the middle: the client must not take it for the whole.
        case truncated
    }

    private struct State {
        var bytes: [UInt8] = []
        var end: End?
        var isClosed = false
    }

    private enum Step {
        case wrote(Int, wasEmpty: Bool)
        case closed
    }

    private let monitor = Monitor(State())
    private let capacity: Int
    private let writeTimeout: Duration
    private let wake: @Sendable () -> Void

    /// - Parameters:
    ///   - capacity: how many bytes wait here at most.
    ///   - writeTimeout: how long a writer waits for room.
    ///   - wake: called on the writer's thread when there is something to take where nothing was.
    package init(
        capacity: Int = 64 * 1024,
        writeTimeout: Duration,
        wake: @escaping @Sendable () -> Void
    ) {
        precondition(capacity > 0, "a channel with room for \(capacity) bytes")
        self.capacity = capacity
        self.writeTimeout = writeTimeout
        self.wake = wake
    }

    // MARK: The writer's side

    /// Hands bytes on, waiting for room if need be.
    ///
    /// - Throws: `Failure`; an unknown part of the bytes may have been sent then.
    package func write(_ bytes: [UInt8]) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let step = monitor.wait(until: .now + writeTimeout) { state -> Step? in
                if state.isClosed { return .closed }
                let piece = rest.prefix(capacity - state.bytes.count)
                guard !piece.isEmpty else { return nil }
                let wasEmpty = state.bytes.isEmpty
                state.bytes += piece
                return .wrote(piece.count, wasEmpty: wasEmpty)
            }
            switch step {
            case .wrote(let count, let wasEmpty)?:
                rest = rest.dropFirst(count)
                if wasEmpty { wake() }
            case .closed?: throw .clientGone
            case nil: throw .timeout
            }
        }
    }

    /// Says that nothing more will be written.
    package func finish(_ end: End) {
        monitor.withLock { $0.end = end }
        wake()
    }

    // MARK: The connection's side

    /// Takes up to `limit` bytes, and the end once nothing waits before it.
    package func take(_ limit: Int) -> (bytes: [UInt8], end: End?) {
        monitor.signal { state in
            guard state.bytes.count > limit else {
                defer { state.bytes = [] }
                return (state.bytes, state.end)
            }
            defer { state.bytes.removeFirst(limit) }
            return (Array(state.bytes.prefix(limit)), nil)
        }
    }

    /// The connection is over: whoever writes is told, and what waits is dropped.
    package func close() {
        monitor.signal { state in
            state.isClosed = true
            state.bytes = []
        }
    }
}
