package import Logging
package import Platform
internal import Synchronization

/// What every layer has to know of the request that it works for.
package struct RequestContext: Sendable {
    /// Names the request in the client's log and in ours.
    package let id: String
    /// The client: its address, or the name of its key; empty for one on this machine's command line.
    package let client: String
    /// When the answer must be there; nil: whenever it is.
    package let deadline: ContinuousClock.Instant?
    /// Set when the client has gone.
    package let cancellation: Cancellation
    /// What the access log will say beside method, path and status.
    package let record: RequestRecord
    /// Where the request's own troubles are told.
    package let log: Logger

    package init(
        id: String = "",
        client: String = "",
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation = Cancellation(),
        record: RequestRecord = RequestRecord(),
        log: Logger = Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() }
    ) {
        self.id = id
        self.client = client
        self.deadline = deadline
        self.cancellation = cancellation
        self.record = record
        self.log = log
    }

    /// The same request with another time until which its answer must be there.
    package func until(_ deadline: ContinuousClock.Instant?) -> RequestContext {
        RequestContext(
            id: id,
            client: client,
            deadline: deadline,
            cancellation: cancellation,
            record: record,
            log: log
        )
    }

    /// Why nobody waits for the answer any more; nil while somebody does.
    package func reasonToStop(now: ContinuousClock.Instant = .now) -> ServingError? {
        if cancellation.isCancelled { return .cancelled }
        if let deadline, now >= deadline { return .deadlineExceeded }
        return nil
    }

    /// Whether somebody still waits for the answer.
    package var isWanted: Bool { reasonToStop() == nil }

    /// Goes on only while somebody waits for the answer.
    ///
    /// - Throws: why nobody does.
    package func check() throws(ServingError) {
        if let reason = reasonToStop() { throw reason }
    }
}

/// What is measured of a request on its way, for the access log.
package final class RequestRecord: Sendable {
    /// The measurements so far; times add up over the parts of a request.
    package struct Values: Sendable, Equatable {
        /// The name of the key that the request came with.
        package var caller: String?
        package var model: String?
        package var version: String?
        package var decode = Duration.zero
        package var preprocess = Duration.zero
        package var queue = Duration.zero
        package var inference = Duration.zero
        /// Writing the answer's tensors.
        package var render = Duration.zero
        /// The size of the largest batch that a part of the request ran in.
        package var batchSize = 0
        /// The code of the error that the request ended with, and its cause.
        package var error: String?
        package var cause: String?
        /// The trace that the client counts the request to.
        package var trace: TraceContext?
    }

    private let state = Mutex(Values())

    package init() {}

    package var values: Values { state.withLock { $0 } }

    /// Takes note of something.
    package func update(_ body: (inout Values) -> Void) { state.withLock { body(&$0) } }
}

extension MemoryBudget {
    /// Leases bytes for a request.
    ///
    /// - Throws: `memoryFull` where there are not as many now, `tooLarge` where there never are.
    package func require(_ bytes: Int, for use: Use) throws(ServingError) -> MemoryLease {
        guard let lease = lease(bytes, for: use) else { throw refusal(of: bytes) }
        return lease
    }

    /// Why so many bytes could not be leased: `memoryFull` where trying again helps, else `tooLarge`.
    package func refusal(of bytes: Int) -> ServingError {
        guard bytes > limit else { return .memoryFull(wanted: bytes, limit: limit) }
        let message =
            "the request needs \(bytes) bytes, more than the \(limit) that all requests have together "
            + "(max_memory_bytes)"
        return .tooLarge(code: "request_too_large", message)
    }
}
