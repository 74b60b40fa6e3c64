package import Engine
package import Platform
package import Support

/// The one shared engine: a thread that runs batches of all models one after another, on one pool of threads.
///
/// Requests of a model wait in its bounded queue and meet there in batches, as `BatchPolicy` decides. An item is
/// checked before it is queued, and a batch's fate is shared by nobody: a request that is cancelled or late leaves
/// its neighbours alone. A batch stops between two operations once nobody waits for any of its items.
package final class Scheduler: Sendable {
    /// The limits of the queues and batches.
    package struct Configuration: Sendable, Equatable {
        package var policy: BatchPolicy
        /// The most items of one model that may wait.
        package var maxQueueItems: Int

        package init(policy: BatchPolicy = BatchPolicy(), maxQueueItems: Int = 1024) {
            self.policy = policy
            self.maxQueueItems = maxQueueItems
        }
    }

    struct Place {
        let job: InferenceJob
        let item: Int
    }
    typealias Queues = BatchQueues<ObjectIdentifier, Place, Shape>

    struct State {
        var queues: Queues
        var models: [ObjectIdentifier: Model] = [:]
        var throughput: [ObjectIdentifier: ThroughputEstimate] = [:]
        var arrivals = 0
        var isStopped = false
    }

    let configuration: Configuration
    let metrics: ServingMetrics?
    let state: Monitor<State>
    private let threads = ThreadGroup()

    /// Starts the engine with a pool of `threads` threads.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package convenience init(
        _ configuration: Configuration = Configuration(),
        threads: Int,
        metrics: ServingMetrics? = nil
    ) throws(SystemError) {
        let pool = WorkerPool(threads: threads)
        try self.init(configuration, metrics: metrics) {
            let runner = BatchRunner(pool: pool)
            return { model, items, shouldContinue throws(ServingError) in
                try runner.run(model, items, while: shouldContinue)
            }
        }
    }

    /// Starts the engine with another way to run a batch.
    ///
    /// - Parameters:
    ///   - configuration: the limits.
    ///   - metrics: where batches, waits and refusals are counted.
    ///   - makeRun: called once on the engine's thread; what it returns runs every batch there.
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init(
        _ configuration: Configuration = Configuration(),
        metrics: ServingMetrics? = nil,
        makeRun: @escaping @Sendable () -> BatchRunner.Run
    ) throws(SystemError) {
        self.configuration = configuration
        self.metrics = metrics
        state = Monitor(State(queues: Queues(maxItems: configuration.maxQueueItems)))
        try threads.start(name: "engine") {
            let run = makeRun()
            while let batch = self.nextBatch() { self.execute(batch, run) }
        }
    }

    /// Runs items through a model and waits for their logits.
    ///
    /// - Parameters:
    ///   - model: what to run.
    ///   - items: at least one; each is checked against the network before anything is queued. Sequences of different
    ///     lengths may run in one batch, which does not change their answers.
    ///   - states: the recurrent state from which each item's sequence goes on, as a run before returned it; empty for
    ///     one that begins. nil: all begin.
    ///   - returnsStates: whether the answer has the states in which the sequences end.
    ///   - deadline: after it the request is given up, wherever it is.
    ///   - cancellation: looked at when the request arrives, before it runs and between operations.
    /// - Returns: the outputs in the order of the items, and the time that they took.
    /// - Throws: `ServingError` 400 for an item of a wrong shape and for a state that the model does not have, 503 when the
    ///   queue is full or the engine has stopped, 504 after the deadline, 499 after a cancellation.
    package func infer(
        _ model: Model,
        items: [Tensor],
        states: [[Float]]? = nil,
        returnsStates: Bool = false,
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) throws(ServingError) -> Inference {
        precondition(!items.isEmpty, "a request without items")
        for shape in Set(items.map(\.shape)) { try model.checkInput(shape) }
        let states = states ?? Array(repeating: [], count: items.count)
        precondition(states.count == items.count, "\(states.count) states for \(items.count) items")
        try Self.check(states, areReturned: returnsStates, of: model)
        let job = InferenceJob(
            items: zip(items, states).map { .init($0, state: $1, returnsState: returnsStates) },
            arrival: .now,
            deadline: deadline,
            cancellation: cancellation
        )
        do throws(ServingError) {
            if let reason = job.reasonToStop(now: job.arrival) { throw reason }
            try enqueue(job, for: model)
            let inference = try job.wait()
            metrics?.observe(inference, of: model)
            return inference
        } catch {
            metrics?.countRejection(error)
            throw error
        }
    }

    /// How many items wait for each model that has any; one that also runs in its dense form is listed for each.
    package func queueDepths() -> [(model: Model, items: Int)] {
        state.withLock { state in
            state.queues.counts.compactMap { key, count in state.models[key].map { ($0, count) } }
        }
    }

    /// Refuses what comes from now on, finishes what waits, and ends the engine's thread.
    package func stop() {
        state.signal { $0.isStopped = true }
        threads.join()
    }
}

extension Scheduler {
    private static func check(
        _ states: [[Float]],
        areReturned: Bool,
        of model: Model
    ) throws(ServingError) {
        let given = states.filter { !$0.isEmpty }
        guard areReturned || !given.isEmpty else { return }
        guard model.graph.isStreamable else {
            throw .invalidInput("model '\(model.name)' keeps no state: it reads each input as a whole")
        }
        if let wrong = given.first(where: { $0.count != model.graph.stateCount }) {
            throw .invalidInput(
                "a state of model '\(model.name)' has \(model.graph.stateCount) numbers, found \(wrong.count)"
            )
        }
    }

    private func enqueue(_ job: InferenceJob, for model: Model) throws(ServingError) {
        let key = ObjectIdentifier(model)
        let items = job.items.enumerated().map { index, item in
            Queues.Item(
                payload: Place(job: job, item: index),
                shape: model.graph.batchShape(for: item.tensor.shape),
                arrival: job.arrival
            )
        }
        let refusal = state.signal { state -> ServingError? in
            if state.isStopped { return .draining }
            var isQueued = state.queues.append(items, to: key)
            if !isQueued {
                // Places of requests that were given up count only until somebody needs them.
                dropDead(&state, now: job.arrival)
                isQueued = state.queues.append(items, to: key)
            }
            guard isQueued else {
                let waiting = state.queues.count(key)
                return .queueFull(
                    model: model.name,
                    waiting: waiting,
                    limit: configuration.maxQueueItems,
                    retryAfter: state.throughput[key, default: ThroughputEstimate()].seconds(for: waiting)
                )
            }
            state.models[key] = model
            state.arrivals += 1
            return nil
        }
        if let refusal { throw refusal }
    }
}
