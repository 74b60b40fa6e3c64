internal import Engine
internal import Platform
internal import Support

/// One request on its way through the engine: its items, who waits for it, and what is done so far.
final class InferenceJob: Sendable {
    private struct State {
        var outputs: [BatchRunner.Output?]
        var missing: Int
        var started: ContinuousClock.Instant?
        var finished: ContinuousClock.Instant?
        var batchSize = 0
        var failure: ServingError?
    }

    let items: [BatchRunner.Item]
    let arrival: ContinuousClock.Instant
    private let deadline: ContinuousClock.Instant?
    private let cancellation: Cancellation?
    private let state: Monitor<State>

    init(
        items: [BatchRunner.Item],
        arrival: ContinuousClock.Instant,
        deadline: ContinuousClock.Instant?,
        cancellation: Cancellation?
    ) {
        self.items = items
        self.arrival = arrival
        self.deadline = deadline
        self.cancellation = cancellation
        state = Monitor(State(outputs: Array(repeating: nil, count: items.count), missing: items.count))
    }

    /// Why nobody waits for the answer any more; nil while somebody does.
    func reasonToStop(now: ContinuousClock.Instant) -> ServingError? {
        if cancellation?.isCancelled == true { return .cancelled }
        if let deadline, now >= deadline { return .deadlineExceeded }
        return state.withLock(\.failure)
    }

    /// Takes the output of one item of a batch that ran.
    func complete(
        _ item: Int,
        with output: BatchRunner.Output,
        started: ContinuousClock.Instant,
        finished: ContinuousClock.Instant,
        batchSize: Int
    ) {
        state.signal { state in
            guard state.outputs[item] == nil else { preconditionFailure("item \(item) was answered twice") }
            state.outputs[item] = output
            state.missing -= 1
            state.started = state.started ?? started
            state.finished = finished
            state.batchSize = max(state.batchSize, batchSize)
        }
    }

    /// Ends the request; the first reason stays.
    func fail(_ error: ServingError) {
        state.signal { $0.failure = $0.failure ?? error }
    }

    private var returnsStates: Bool { items.contains(where: \.returnsState) }

    /// Waits for the last item, or for a reason to give up.
    func wait() throws(ServingError) -> Inference {
        let end = state.wait(until: deadline) { state -> Result<Inference, ServingError>? in
            if let failure = state.failure { return .failure(failure) }
            guard state.missing == 0, let started = state.started, let finished = state.finished else {
                return nil
            }
            return .success(
                Inference(
                    outputs: state.outputs.compactMap { $0?.logits },
                    states: returnsStates ? state.outputs.compactMap { $0?.state } : [],
                    queue: started - arrival,
                    compute: finished - started,
                    batchSize: state.batchSize
                )
            )
        }
        if let end { return try end.get() }
        fail(.deadlineExceeded) // its items in the queue and in a batch are dead from here on
        throw .deadlineExceeded
    }
}
