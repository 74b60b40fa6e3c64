internal import Synchronization

/// The way of a streamed body from the task that makes it to the connection that sends it.
///
/// It holds at most `capacity` bytes: a writer is suspended until there is room, so that a slow reader slows its stream
/// down instead of filling memory, and it learns when the connection is over. No thread waits on either side, and the
/// writer needs no timer: the event loop closes the channel when the client takes nothing for too long.
package final class BodyChannel: Sendable {
    /// Why a body cannot be written any further.
    package enum Failure: Error, Equatable {
        /// The connection is over, or the request wants no body: nobody will read the rest.
        case clientGone
        /// The client took nothing for as long as it may.
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
        var failure: Failure?
        var writer: CheckedContinuation<Void, Never>?

        mutating func takeWriter() -> CheckedContinuation<Void, Never>? {
            defer { writer = nil }
            return writer
        }
    }

    private enum Step {
        case wrote(Int, wasEmpty: Bool)
        case failed(Failure)
        case full
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let wake: @Sendable () -> Void

    /// - Parameters:
    ///   - capacity: how many bytes wait here at most.
    ///   - wake: called on the writer's thread when there is something to take where nothing was.
    package init(capacity: Int = 64 * 1024, wake: @escaping @Sendable () -> Void) {
        precondition(capacity > 0, "a channel with room for \(capacity) bytes")
        self.capacity = capacity
        self.wake = wake
    }

    // MARK: The writer's side

    /// Hands bytes on, suspended while there is no room; one writer at a time.
    ///
    /// - Throws: `Failure`; an unknown part of the bytes may have been sent then.
    package func write(_ bytes: [UInt8]) async throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch put(rest) {
            case .wrote(let count, let wasEmpty):
                rest = rest.dropFirst(count)
                if wasEmpty { wake() }
            case .failed(let failure): throw failure
            case .full: await room()
            }
        }
    }

    private func put(_ bytes: ArraySlice<UInt8>) -> Step {
        state.withLock { state in
            if let failure = state.failure { return .failed(failure) }
            let piece = bytes.prefix(capacity - state.bytes.count)
            guard !piece.isEmpty else { return .full }
            let wasEmpty = state.bytes.isEmpty
            state.bytes += piece
            return .wrote(piece.count, wasEmpty: wasEmpty)
        }
    }

    /// Suspends until something is taken or the channel is closed.
    private func room() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                precondition(state.writer == nil, "a channel with two writers")
                if state.failure != nil || state.bytes.count < capacity { return true }
                state.writer = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Says that nothing more will be written.
    package func finish(_ end: End) {
        state.withLock { $0.end = end }
        wake()
    }

    // MARK: The connection's side

    /// Takes up to `limit` bytes, and the end once nothing waits before it.
    package func take(_ limit: Int) -> (bytes: [UInt8], end: End?) {
        let (bytes, end, writer) = state.withLock { state in
            guard state.bytes.count > limit else {
                defer { state.bytes = [] }
                return (state.bytes, state.end, state.takeWriter())
            }
            defer { state.bytes.removeFirst(limit) }
            return (Array(state.bytes.prefix(limit)), nil, limit > 0 ? state.takeWriter() : nil)
        }
        writer?.resume()
        return (bytes, end)
    }

    /// Nobody reads any further: whoever writes is told why, and what waits is dropped.
    package func close(_ failure: Failure = .clientGone) {
        let writer = state.withLock { state in
            state.failure = state.failure ?? failure
            state.bytes = []
            return state.takeWriter()
        }
        writer?.resume()
    }
}
