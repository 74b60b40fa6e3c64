internal import Synchronization

/// What comes back for a request.
package enum Delivery: Sendable {
    /// The answer; the channel brings its body when that is streamed.
    case response(Response, BodyChannel?)
    /// There is more of a streamed body, or its end.
    case bodyArrived
    /// Whoever had to answer has let go of the responder.
    case unanswered
}

/// The way back for one answer, which is given exactly once, from any thread.
///
/// A responder that is dropped without an answer answers 500, so that no client waits for ever.
package final class Responder: Sendable {
    private let hasAnswered = Atomic(false)
    private let deliver: @Sendable (Delivery) -> Void

    /// - Parameter deliver: takes the answer, on the thread that gives it.
    package init(_ deliver: @escaping @Sendable (Delivery) -> Void) {
        self.deliver = deliver
    }

    deinit {
        if !hasAnswered.load(ordering: .acquiring) { deliver(.unanswered) }
    }

    /// Answers.
    package func respond(_ response: Response) {
        claim()
        deliver(.response(response, nil))
    }

    /// Answers with a body that is sent while it is made; the response's own is not sent.
    ///
    /// - Parameters:
    ///   - response: status and fields.
    ///   - capacity: how many bytes of the body wait for the client at most.
    /// - Returns: where the body goes; its writer has to `finish` it.
    package func respond(_ response: Response, streaming capacity: Int = 64 * 1024) -> BodyChannel {
        claim()
        let deliver = deliver
        let channel = BodyChannel(capacity: capacity) { deliver(.bodyArrived) }
        deliver(.response(response, channel))
        return channel
    }

    private func claim() {
        let isFirst = !hasAnswered.exchange(true, ordering: .acquiringAndReleasing)
        precondition(isFirst, "a request was answered twice")
    }
}
