/// What is known of a request when its answer is written or given up, for the access log.
package struct Served: Sendable {
    package let id: String
    /// The client's address in numbers.
    package let client: String
    /// Empty when the head was never understood, like `target`.
    package let method: String
    /// Path and query as the client wrote them.
    package let target: String
    /// The answer's status code; 0 when it was given up before there was one.
    package var status = 0
    /// Bytes of the request's body, as far as it was read.
    package var bytesIn: Int
    /// Bytes of the answer, head and body, as they were sent.
    package var bytesOut = 0
    /// When the head was complete.
    package let headReceived: ContinuousClock.Instant
    /// When the request was complete, or refused.
    package let received: ContinuousClock.Instant
    /// When the answer was there.
    package var answered: ContinuousClock.Instant?
    /// When the kernel had all of the answer, or it was given up.
    package var written: ContinuousClock.Instant
    /// Whether the client did not get all of the answer.
    package var isAbandoned = false
    /// The code of the server's own refusal.
    package var refusal: String?
    /// What the handler said of its answer.
    package var annotation: (any Sendable)?

    /// The account of a request that was just received.
    package init(
        id: String,
        client: String,
        method: String,
        target: String,
        bytesIn: Int,
        headReceived: ContinuousClock.Instant,
        received: ContinuousClock.Instant,
        written: ContinuousClock.Instant
    ) {
        self.id = id
        self.client = client
        self.method = method
        self.target = target
        self.bytesIn = bytesIn
        self.headReceived = headReceived
        self.received = received
        self.written = written
    }
}

/// Takes the account of each request: called on an event loop's thread, so it must not wait for anything.
package typealias AccessLog = @Sendable (Served) -> Void
