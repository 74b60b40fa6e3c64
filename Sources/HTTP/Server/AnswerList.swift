internal import Platform
internal import Synchronization

/// Answers on their way to an event loop, which is woken for the first that comes while it sleeps.
///
/// While the loop is awake nobody wakes it: it looks here before it sleeps, so an answer given on its own thread costs
/// no system call, and many from other threads cost one.
final class AnswerList: Sendable {
    struct Answer: Sendable {
        let connection: UInt64
        let sequence: Int
        let content: Delivery

        /// Nobody sends this answer any more.
        func discard() {
            if case .response(_, let channel?) = content { channel.close() }
        }
    }

    private struct State {
        var answers: [Answer] = []
        var isAwake = true
        var isClosed = false
    }

    private let state = Mutex(State())
    private let waker: Waker

    init(waker: Waker) {
        self.waker = waker
    }

    func append(_ answer: Answer) {
        let (wakes, isClosed) = state.withLock { state in
            guard !state.isClosed else { return (false, true) }
            state.answers.append(answer)
            defer { state.isAwake = true }
            return (!state.isAwake, false)
        }
        if isClosed { return answer.discard() }
        if wakes { waker.wake() }
    }

    /// Takes what is here, or, when there is nothing, has the next answer wake the loop.
    func takeOrSleep() -> [Answer] {
        state.withLock { state in
            if state.answers.isEmpty { state.isAwake = false }
            defer { state.answers = [] }
            return state.answers
        }
    }

    /// The loop is awake for another reason.
    func awaken() { state.withLock { $0.isAwake = true } }

    /// The loop has ended: what is here and what still comes is discarded.
    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            defer { state.answers = [] }
            return state.answers
        }
        for answer in rest { answer.discard() }
    }
}
