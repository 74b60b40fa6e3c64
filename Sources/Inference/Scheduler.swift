package import Engine
package import Platform
package import Support
internal import Synchronization

/// The one shared engine: it runs batches of all networks one after another, on one pool of threads.
///
/// A thread of its own runs them. Where the engine is free and a batch is shorter than waking that thread would be worth,
/// whoever brought its last item runs it on the spot; where it is not free and the batch would be over sooner than a turn at
/// it is passed on, on a runner beside it that has no pool. Who comes while no runner is free finds the others' items later.
///
/// Requests of a network wait in its bounded queue and meet there in batches, as `BatchPolicy` decides; networks share the
/// engine by time, as `FairQueues` does. A request is admitted before anything is prepared for it: one that would wait too
/// long is refused at once. An item is checked before it is queued, and a batch's fate is shared by nobody: a request that
/// is cancelled or late leaves its neighbours alone. A batch stops between two operations once nobody waits for its items.
package final class Scheduler: Sendable {
    /// The limits of the queues and batches, for networks that have no policy of their own.
    package struct Configuration: Sendable, Equatable {
        package var policy: BatchPolicy
        /// The most items of one network that may wait.
        package var maxQueueItems: Int
        /// The longest predicted wait with which a request is admitted.
        package var maxQueueDelay: Duration
        /// The longest batch, as predicted, that the thread of a request runs itself while the engine is free.
        package var maxInlineTime: Duration
        /// The longest that it runs beside the engine while that is not free.
        package var maxBesideTime: Duration

        package init(
            policy: BatchPolicy = BatchPolicy(),
            maxQueueItems: Int = 1024,
            maxQueueDelay: Duration = .seconds(3600),
            maxInlineTime: Duration = .zero,
            maxBesideTime: Duration = .zero
        ) {
            self.policy = policy
            self.maxQueueItems = maxQueueItems
            self.maxQueueDelay = maxQueueDelay
            self.maxInlineTime = maxInlineTime
            self.maxBesideTime = maxBesideTime
        }
    }

    struct Place {
        let job: InferenceJob
        let item: Int
        let network: ServedNetwork
    }

    /// What items must have in common to run together.
    struct Kind: Equatable {
        /// Of the networks that share a queue.
        let network: ObjectIdentifier
        let shape: Shape
    }
    typealias Queues = FairQueues<ObjectIdentifier, Place, Kind>

    struct State {
        var queues = Queues()
        var networks: [ObjectIdentifier: ServedNetwork] = [:]
        /// Those of them that are forgotten once nothing waits for them.
        var retired: Set<ObjectIdentifier> = []
        var arrivals = 0
        /// Whether somebody runs a batch on the engine's pool, which is theirs until they say that they are done.
        var isRunning = false
        /// Runners beside the engine that nobody uses now.
        var spares: [BatchRunner.Functions]
        /// When the batch that runs will be done, as predicted.
        var runsUntil: ContinuousClock.Instant?
        /// When the last batch was done; nil once its memory was given back.
        var lastRun: ContinuousClock.Instant?
        var isStopped = false
    }

    let configuration: Configuration
    let metrics: ServingMetrics?
    let state: Monitor<State>
    let functions: BatchRunner.Functions
    private let beats = Atomic(0)
    private let threads = ThreadGroup()

    /// Starts the engine with a pool of `threads` threads.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package convenience init(
        _ configuration: Configuration = Configuration(),
        threads: Int,
        metrics: ServingMetrics? = nil,
        budget: MemoryBudget? = nil
    ) throws(SystemError) {
        func makeRunner(threads: Int) -> BatchRunner.Functions {
            BatchRunner(pool: WorkerPool(threads: threads), budget: budget).functions
        }
        let spares = configuration.maxBesideTime > .zero ? threads : 0
        try self.init(
            configuration,
            metrics: metrics,
            spares: (0..<spares).map { _ in makeRunner(threads: 1) }
        ) {
            makeRunner(threads: threads)
        }
    }

    /// Starts the engine with another way to run a batch.
    ///
    /// - Parameters:
    ///   - configuration: the limits.
    ///   - metrics: where batches, waits and refusals are counted.
    ///   - spares: each runs short batches, one at a time, on the threads of requests while the engine is not free.
    ///   - make: called once; what it returns runs all other batches, one at a time, on the engine's thread or a request's.
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init(
        _ configuration: Configuration = Configuration(),
        metrics: ServingMetrics? = nil,
        spares: [BatchRunner.Functions] = [],
        make: () -> BatchRunner.Functions
    ) throws(SystemError) {
        self.configuration = configuration
        self.metrics = metrics
        state = Monitor(State(spares: spares))
        functions = make()
        try threads.start(name: "engine") { self.work() }
    }

    /// Lets a request begin to prepare items for a network, or refuses it before that costs anything.
    ///
    /// - Parameters:
    ///   - network: which.
    ///   - items: how many there will be.
    ///   - size: how many numbers they will have together; nil for so many of the network's own input.
    ///   - context: the request; one that cannot be in time is refused too.
    /// - Returns: what holds its place until the items are queued.
    /// - Throws: `queueFull`, `overloaded`, `draining`.
    package func admit(
        _ network: ServedNetwork,
        items: Int,
        size: Int? = nil,
        _ context: RequestContext
    ) throws(ServingError) -> Admission {
        let size = size ?? items * network.graph.inputShape.elementCount
        let now = ContinuousClock.now
        let (refusal, isQuick) = state.withLock { state -> (ServingError?, Bool) in
            let key = know(network, &state)
            if let refusal = self.refusal(of: items, size: size, network, key, context, &state, now: now) {
                return (refusal, false)
            }
            let seconds = state.queues.seconds(size: size, under: key) ?? .infinity
            state.queues.admit(items, size: size, under: key)
            return (
                nil, state.queues.isEmpty && inlineLimit(state, isFirst: true).map { seconds <= $0 } ?? false
            )
        }
        if let refusal {
            metrics?.countRejection(refusal)
            throw refusal
        }
        return Admission(self, network, items: items, size: size, isQuick: isQuick)
    }

    /// Runs items through a network.
    ///
    /// - Parameters:
    ///   - network: what to run.
    ///   - items: at least one; each is checked against the network before anything is queued. Sequences of different
    ///     lengths may run in one batch, which does not change their answers.
    ///   - states: the recurrent state from which each item's sequence goes on, as a run before returned it; empty for
    ///     one that begins. nil: all begin.
    ///   - returnsStates: whether the answer has the states in which the sequences end.
    ///   - admission: the request's place, which it gives up for these items.
    ///   - context: whose deadline and departure end it, wherever it is.
    /// - Returns: the outputs in the order of the items, and the time that they took.
    /// - Throws: `ServingError`: for an item of a wrong shape and for a state that the network does not have, when the
    ///   queue is full or the engine has stopped, after the deadline, after a cancellation.
    package func infer(
        _ network: ServedNetwork,
        items: [Tensor],
        states: [[Float]]? = nil,
        returnsStates: Bool = false,
        admission: Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> InferenceResult {
        precondition(!items.isEmpty, "a request without items")
        for shape in Set(items.map(\.shape)) { _ = try network.plan(for: shape) }
        let states = states ?? Array(repeating: [], count: items.count)
        precondition(states.count == items.count, "\(states.count) states for \(items.count) items")
        try Self.check(states, areReturned: returnsStates, of: network)
        let batchItems = zip(items, states).map {
            BatchRunner.Item($0, state: $1, returnsState: returnsStates)
        }
        let result = await withCheckedContinuation { continuation in
            let job = InferenceJob(items: batchItems, arrival: .now, context: context) {
                continuation.resume(returning: $0)
            }
            enqueue(job, for: network, admission)
        }
        switch result {
        case .success(let inference):
            context.record.update { values in
                values.queue += inference.queue
                values.inference += inference.compute
                values.batchSize = max(values.batchSize, inference.batchSize)
            }
            return inference
        case .failure(let error):
            metrics?.countRejection(error)
            throw error
        }
    }

    /// How often the engine has gone on, from layer to layer or to look for work; `poke` makes a free one look, so that one
    /// that does not go on hangs.
    package var turns: Int { beats.load(ordering: .relaxed) }

    /// Makes the engine's thread look for work.
    package func poke() { state.wake() }

    /// Takes note that the engine goes on.
    func beat() { beats.add(1, ordering: .relaxed) }

    /// Takes note that no new requests come for a network: it is forgotten once those that have it are answered.
    package func retire(_ network: ServedNetwork) {
        network.retire()
        state.signal { state in
            let key = ObjectIdentifier(network)
            if state.networks[key] != nil { state.retired.insert(key) }
            forgetRetired(&state)
        }
    }

    /// How batches of a network are formed.
    package func policy(of network: ServedNetwork) -> BatchPolicy {
        let (own, common) = (network.policy, configuration.policy)
        return BatchPolicy(
            maxBatchSize: own.maxBatchSize ?? common.maxBatchSize,
            maxDelay: own.maxBatchDelay ?? common.maxDelay,
            maxBatchTime: common.maxBatchTime
        )
    }

    /// Whether the engine holds a network.
    package func knows(_ network: ServedNetwork) -> Bool {
        state.withLock { $0.networks[ObjectIdentifier(network)] != nil }
    }

    /// Refuses what comes from now on, finishes what waits, and ends the engine's thread.
    package func stop() {
        state.signal { $0.isStopped = true }
        threads.join()
    }
}
