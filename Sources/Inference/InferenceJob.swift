internal import Engine
internal import Platform
internal import Support
internal import Synchronization

/// What the engine answered to one request, and what that took.
package struct InferenceResult: Sendable {
    /// What the network hands out of each item, its logits, in the request's order.
    package let outputs: [[Float]]
    /// The recurrent state in which each item ended; empty unless the request asked for it.
    package let states: [[Float]]
    /// From the request's arrival until its first item ran.
    package let queue: Duration
    /// From then until its last item was done.
    package let compute: Duration
    /// The size of the largest batch that one of its items ran in.
    package let batchSize: Int

    package init(
        outputs: [[Float]],
        states: [[Float]] = [],
        queue: Duration,
        compute: Duration,
        batchSize: Int
    ) {
        self.outputs = outputs
        self.states = states
        self.queue = queue
        self.compute = compute
        self.batchSize = batchSize
    }
}

extension InferenceResult {
    /// This and a later part of the same request: the outputs of both, and the time that both took.
    package func followed(by next: InferenceResult) -> InferenceResult {
        InferenceResult(
            outputs: outputs + next.outputs,
            states: states + next.states,
            queue: queue + next.queue,
            compute: compute + next.compute,
            batchSize: max(batchSize, next.batchSize)
        )
    }
}

/// One request on its way through the engine: its items, who waits for it, and what is done so far.
///
/// Whoever completes the last item, or gives a reason to stop first, ends it: once, and without a thread that waits.
final class InferenceJob: Sendable {
    /// When a batch ran.
    struct Run {
        let started: ContinuousClock.Instant
        let finished: ContinuousClock.Instant
        let batchSize: Int
    }

    /// Takes the answer.
    typealias End = @Sendable (Result<InferenceResult, ServingError>) -> Void

    private struct State {
        var outputs: [BatchRunner.Output?]
        var missing: Int
        var started: ContinuousClock.Instant?
        var batchSize = 0
        /// nil once it was called.
        var end: End?
    }

    let items: [BatchRunner.Item]
    let arrival: ContinuousClock.Instant
    private let context: RequestContext
    private let state: Mutex<State>

    init(
        items: [BatchRunner.Item],
        arrival: ContinuousClock.Instant,
        context: RequestContext,
        end: @escaping End
    ) {
        self.items = items
        self.arrival = arrival
        self.context = context
        state = Mutex(
            State(outputs: Array(repeating: nil, count: items.count), missing: items.count, end: end)
        )
    }

    /// Why nobody waits for the answer any more; nil while somebody does.
    func reasonToStop(now: ContinuousClock.Instant) -> ServingError? {
        context.reasonToStop(now: now) ?? (hasEnded ? .cancelled : nil)
    }

    private var hasEnded: Bool { state.withLock { $0.end == nil } }

    /// Takes the output of one item of a batch that ran.
    func complete(_ item: Int, with output: BatchRunner.Output, _ run: Run) {
        let end = state.withLock { state -> (End, InferenceResult)? in
            guard state.outputs[item] == nil else { preconditionFailure("item \(item) was answered twice") }
            state.outputs[item] = output
            state.missing -= 1
            let started = state.started ?? run.started
            state.started = started
            state.batchSize = max(state.batchSize, run.batchSize)
            guard state.missing == 0, let end = state.end else { return nil }
            state.end = nil
            let inference = InferenceResult(
                outputs: state.outputs.compactMap { $0?.logits },
                states: returnsStates ? state.outputs.compactMap { $0?.state } : [],
                queue: started - arrival,
                compute: run.finished - started,
                batchSize: state.batchSize
            )
            return (end, inference)
        }
        if let (end, inference) = end { end(.success(inference)) }
    }

    /// Ends the request; the first reason counts.
    func fail(_ error: ServingError) {
        let end = state.withLock { state in
            defer { state.end = nil }
            return state.end
        }
        end?(.failure(error))
    }

    private var returnsStates: Bool { items.contains(where: \.returnsState) }
}
