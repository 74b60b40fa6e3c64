package import Inference
package import Models
package import Platform
package import Support
internal import Synchronization

/// The sequences that go on between requests, shared by all requests; `SequenceTable` decides.
package final class SequenceStore: Sendable {
    /// How many sequences are kept, and for how long.
    package struct Limits: Sendable, Equatable {
        package var most = 10_000
        /// How many of them one client may have.
        package var mostPerClient = 5_000
        package var timeToLive: Duration = .seconds(600)
        /// What their states may take together.
        package var bytes = 256 << 20

        package init() {}
    }

    private let table: Mutex<SequenceTable>
    private let lease: MemoryLease?
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameters:
    ///   - limits: how much is kept.
    ///   - budget: what the states are leased from.
    ///   - now: the clock.
    package init(
        _ limits: Limits = Limits(),
        budget: MemoryBudget? = nil,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        lease = budget?.lease(0, for: .states)
        table = Mutex(
            SequenceTable(
                capacity: limits.most,
                capacityPerClient: limits.mostPerClient,
                capacityBytes: limits.bytes,
                timeToLive: limits.timeToLive
            )
        )
        self.now = now
    }

    /// How many sequences are kept now, and what has happened so far.
    package var statistics: (kept: Int, counts: SequenceTable.Counts) {
        table.withLock { table in
            table.expire(now: now())
            return (table.count, table.counts)
        }
    }

    /// Takes a sequence one request further.
    ///
    /// - Parameters:
    ///   - key: which.
    ///   - client: who asks; a sequence that starts counts as this client's.
    ///   - weights: what tells the weights that take it further.
    ///   - start: the state of a sequence that starts here, empty for zeros; nil when it goes on.
    ///   - step: the number of this step, where the client counts: the last one again, because its answer was lost, does
    ///     not take the sequence further.
    ///   - ends: whether it ends with this request.
    ///   - advance: makes of the state before the state after; when it throws, the sequence stays as it was.
    /// - Returns: the result of `advance`.
    /// - Throws: `ServingError` 404 for a sequence that was not started, 410 for one that is forgotten, 409 for one that
    ///   another request works on, 429 for a client that has as many as it may, 503 when there is no room, and what `advance` throws.
    package func advance<Result>(
        _ key: SequenceTable.Key,
        of client: String = "",
        weights: [UInt8] = [],
        start: [Float]?,
        step: Int? = nil,
        ends: Bool,
        _ advance: ([Float]) async throws(ServingError) -> (result: Result, state: [Float])
    ) async throws(ServingError) -> Result {
        let state = try perform(key) { (table, now) throws(SequenceTable.Fault) in
            try table.begin(key, of: client, weights: weights, start: start, step: step, now: now)
        }
        do throws(ServingError) {
            let before = state
            let (result, state) = try await advance(before)
            table.withLock { table in
                let last = step.map { (step: $0, from: before) }
                table.finish(key, state: ends ? nil : state, last: last, now: now())
                // The table makes room before it outgrows its own bound, which is within the budget's.
                _ = lease?.resize(to: table.bytes)
            }
            return result
        } catch {
            table.withLock { $0.abandon(key, now: now()) }
            throw error
        }
    }

    /// Whether a sequence is kept, or begins.
    package func contains(_ key: SequenceTable.Key) -> Bool { table.withLock { $0.contains(key) } }

    /// Forgets a sequence.
    ///
    /// - Throws: `ServingError` 404, 410 or 409 as above.
    package func remove(_ key: SequenceTable.Key) throws(ServingError) {
        try perform(key) { (table, now) throws(SequenceTable.Fault) in try table.remove(key, now: now) }
    }

    private func perform<Result: Sendable>(
        _ key: SequenceTable.Key,
        _ change: (inout SequenceTable, ContinuousClock.Instant) throws(SequenceTable.Fault) -> Result
    ) throws(ServingError) -> Result {
        let now = now()
        do {
            return try table.withLock { table throws(SequenceTable.Fault) in try change(&table, now) }
        } catch {
            throw .sequence(key, error)
        }
    }
}

extension SequencePredictor {
    /// What came of a stretch of a sequence, and the state from which the next goes on.
    package struct Advanced: Sendable {
        package let answer: Answer
        package let state: [Float]
    }

    /// Predicts from a stretch of a sequence that goes on from a state, empty for one that begins; `admission` is the request's
    /// place at the engine.
    ///
    /// - Throws: what `predict` throws.
    package func advance(
        _ instance: Instance,
        from state: [Float],
        with model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext
    ) async throws(ServingError) -> Advanced {
        let (sequences, lease) = try await encode(
            read([instance], for: model, context),
            for: model,
            admission,
            context
        )
        defer { withExtendedLifetime(lease) {} }
        let sequence = sequences[0]
        let inference = try await scheduler.infer(
            model.network,
            items: [sequence.tensor],
            states: [state],
            returnsStates: true,
            admission: admission,
            context
        )
        let answer = Answer(
            outcome: try outcome(inference.outputs[0], of: sequence, model),
            steps: sequence.steps,
            source: nil,
            unknownTokens: sequence.unknownTokens,
            preprocess: .zero,
            inference: inference
        )
        return Advanced(answer: answer, state: inference.states[0])
    }
}

extension ServingError {
    fileprivate static func sequence(_ key: SequenceTable.Key, _ fault: SequenceTable.Fault) -> ServingError {
        let name = "sequence '\(key.id)' of model '\(key.model)' version \(key.version)"
        switch fault {
        case .unknown:
            let message = "there is no \(name); start it with \"sequence_start\": true"
            return .missing(code: "sequence_not_found", message)
        case .expired:
            let message = "\(name) was not used for too long and is forgotten; start it again"
            return .forgotten(code: "sequence_expired", message)
        case .evicted:
            let message = "\(name) had to make room for others and is forgotten; start it again"
            return .forgotten(code: "sequence_expired", message)
        case .replaced:
            let message = "\(name) was begun with other weights than the model has now; start it again"
            return .forgotten(code: "sequence_expired", message)
        case .busy:
            let message = "another request works on \(name); wait for its answer"
            return .conflict(code: "sequence_conflict", message)
        case .step(let expected):
            let message = "expected step \(expected), or the one before it again"
            return .conflict(code: "sequence_conflict", "sequence_step of \(name): \(message)")
        case .full:
            let message = "there is no room for \(name): requests work on as many as are kept"
            return .busy(code: "sequences_full", message)
        case .tooMany(let limit):
            let message =
                "there is no room for \(name): a client may keep \(limit) sequences; end one of them first"
            return .quotaExceeded(code: "too_many_sequences", message)
        }
    }
}
