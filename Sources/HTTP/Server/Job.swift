internal import Platform
internal import Synchronization

/// A complete request on its way to a worker, with the way back for its answer.
struct Job: Sendable {
    let connection: UInt64
    let sequence: Int
    let request: Request
    let answers: AnswerList
}

/// Answers on their way from the workers to an event loop, which is woken for them.
final class AnswerList: Sendable {
    struct Answer: Sendable {
        let connection: UInt64
        let sequence: Int
        let response: Response
    }

    private let answers = Mutex<[Answer]>([])
    private let waker: Waker

    init(waker: Waker) {
        self.waker = waker
    }

    func append(_ answer: Answer) {
        let isFirst = answers.withLock { answers in
            answers.append(answer)
            return answers.count == 1
        }
        // The loop takes all at once, so one wake is enough until it has.
        if isFirst { waker.wake() }
    }

    func takeAll() -> [Answer] {
        answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
    }
}
