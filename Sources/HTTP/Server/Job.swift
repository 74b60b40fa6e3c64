internal import Platform
internal import Synchronization

/// A complete request on its way to a worker, with the way back for its answer.
struct Job: Sendable {
    let connection: UInt64
    let sequence: Int
    let request: Request
    let answers: AnswerList

    /// Sends the answer, with the way of its body when that is streamed.
    func answer(_ response: Response, _ channel: BodyChannel? = nil) {
        send(.response(response, channel))
    }

    /// Says that there is more of a streamed body.
    func bodyArrived() { send(.bodyArrived) }

    private func send(_ content: AnswerList.Answer.Content) {
        answers.append(AnswerList.Answer(connection: connection, sequence: sequence, content: content))
    }
}

/// Answers on their way from the workers to an event loop, which is woken for them.
final class AnswerList: Sendable {
    struct Answer: Sendable {
        enum Content: Sendable {
            case response(Response, BodyChannel?)
            /// A body that is streamed has gone on.
            case bodyArrived
        }

        let connection: UInt64
        let sequence: Int
        let content: Content

        /// Nobody sends this answer any more.
        func discard() {
            if case .response(_, let channel?) = content { channel.close() }
        }
    }

    private struct State {
        var answers: [Answer] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let waker: Waker

    init(waker: Waker) {
        self.waker = waker
    }

    func append(_ answer: Answer) {
        let (isFirst, isClosed) = state.withLock { state in
            if !state.isClosed { state.answers.append(answer) }
            return (state.answers.count == 1, state.isClosed)
        }
        if isClosed { return answer.discard() }
        // The loop takes all at once, so one wake is enough until it has.
        if isFirst { waker.wake() }
    }

    func takeAll() -> [Answer] {
        state.withLock { state in
            defer { state.answers = [] }
            return state.answers
        }
    }

    /// The loop has ended: what is here and what still comes is discarded.
    func close() {
        state.withLock { $0.isClosed = true }
        for answer in takeAll() { answer.discard() }
    }
}
