package import Engine
package import Platform
package import Support

/// The one shared engine: a thread that runs batches of all networks one after another, on one pool of threads.
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

        package init(
            policy: BatchPolicy = BatchPolicy(),
            maxQueueItems: Int = 1024,
            maxQueueDelay: Duration = .seconds(3600)
        ) {
            self.policy = policy
            self.maxQueueItems = maxQueueItems
            self.maxQueueDelay = maxQueueDelay
        }
    }

    struct Place {
        let job: InferenceJob
        let item: Int
    }
    typealias Queues = FairQueues<ObjectIdentifier, Place, Shape>

    struct State {
        var queues = Queues()
        var networks: [ObjectIdentifier: ServedNetwork] = [:]
        var arrivals = 0
        /// When the batch that runs will be done, as predicted.
        var runsUntil: ContinuousClock.Instant?
        var isStopped = false
    }

    let configuration: Configuration
    let metrics: ServingMetrics?
    let state = Monitor(State())
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
        let pool = WorkerPool(threads: threads)
        try self.init(configuration, metrics: metrics) {
            let runner = BatchRunner(pool: pool, budget: budget)
            return BatchRunner.Functions(
                run: { network, items, shouldContinue throws(ServingError) in
                    try runner.run(network, items, while: shouldContinue)
                },
                rest: runner.rest
            )
        }
    }

    /// Starts the engine with another way to run a batch.
    ///
    /// - Parameters:
    ///   - configuration: the limits.
    ///   - metrics: where batches, waits and refusals are counted.
    ///   - make: called once on the engine's thread; what it returns runs every batch there.
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init(
        _ configuration: Configuration = Configuration(),
        metrics: ServingMetrics? = nil,
        make: @escaping @Sendable () -> BatchRunner.Functions
    ) throws(SystemError) {
        self.configuration = configuration
        self.metrics = metrics
        try threads.start(name: "engine") { self.work(make()) }
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
        let refusal = state.withLock { state -> ServingError? in
            let key = know(network, &state)
            if let refusal = self.refusal(of: items, size: size, network, key, context, &state, now: now) {
                return refusal
            }
            state.queues.admit(items, size: size, under: key)
            return nil
        }
        if let refusal {
            metrics?.countRejection(refusal)
            throw refusal
        }
        return Admission(self, network, items: items, size: size)
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
            metrics?.observe(inference, network)
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

    /// How many items wait for each network that has any; a model of several is listed for each.
    package func queueDepths() -> [(network: ServedNetwork, items: Int)] {
        state.withLock { state in
            state.queues.counts.compactMap { key, count in state.networks[key].map { ($0, count) } }
        }
    }

    /// Seconds until something that came now for a network would begin.
    package func predictedWait(_ network: ServedNetwork) -> Double {
        state.withLock { state in
            Self.wait(ObjectIdentifier(network), state, now: .now)
        }
    }

    /// Forgets a network: what waits for it is refused, and nothing holds it here.
    package func retire(_ network: ServedNetwork) {
        let waiting = state.withLock { state in
            let key = ObjectIdentifier(network)
            guard state.networks.removeValue(forKey: key) != nil else { return [Place]() }
            return state.queues.remove(key)
        }
        for place in waiting { place.job.fail(.modelLoading(network.model, version: network.version)) }
    }

    /// Refuses what comes from now on, finishes what waits, and ends the engine's thread.
    package func stop() {
        state.signal { $0.isStopped = true }
        threads.join()
    }
}

extension Scheduler {
    /// A request's place before its items are queued; it is given up when this goes.
    package final class Admission: Sendable {
        private let scheduler: Scheduler
        private let network: ServedNetwork
        private let left: Monitor<(items: Int, size: Int)>

        fileprivate init(_ scheduler: Scheduler, _ network: ServedNetwork, items: Int, size: Int) {
            self.scheduler = scheduler
            self.network = network
            left = Monitor((items, size))
        }

        /// Asks for room for more than the request was let in with, before they are prepared.
        ///
        /// - Throws: as `admit` does.
        package func grow(to items: Int, size: Int, _ context: RequestContext) throws(ServingError) {
            let now = ContinuousClock.now
            let refusal = scheduler.state.withLock { state -> ServingError? in
                let key = ObjectIdentifier(network)
                let held = left.withLock(\.self)
                state.queues.admit(-held.items, size: -held.size, under: key)
                let refusal = scheduler.refusal(
                    of: items,
                    size: size,
                    network,
                    key,
                    context,
                    &state,
                    now: now
                )
                let kept = refusal == nil ? (items, size) : (held.items, held.size)
                state.queues.admit(kept.0, size: kept.1, under: key)
                left.withLock { $0 = kept }
                return refusal
            }
            if let refusal {
                scheduler.metrics?.countRejection(refusal)
                throw refusal
            }
        }

        /// Gives up the place of as many items as are queued now, or of all that are left.
        fileprivate func use(_ items: Int?, _ state: inout State, for network: ServedNetwork) {
            guard network === self.network else { return }
            let (count, size) = left.withLock { left in
                let count = min(items ?? left.items, left.items)
                let size = count == left.items ? left.size : left.size / max(1, left.items) * count
                left = (left.items - count, left.size - size)
                return (count, size)
            }
            state.queues.admit(-count, size: -size, under: ObjectIdentifier(network))
        }

        deinit {
            scheduler.state.signal { use(nil, &$0, for: network) }
        }
    }

    private func know(_ network: ServedNetwork, _ state: inout State) -> ObjectIdentifier {
        let key = ObjectIdentifier(network)
        guard state.networks[key] == nil else { return key }
        let (own, common) = (network.policy, configuration.policy)
        let policy = BatchPolicy(
            maxBatchSize: own.maxBatchSize ?? common.maxBatchSize,
            maxDelay: own.maxBatchDelay ?? common.maxDelay,
            maxBatchTime: common.maxBatchTime
        )
        let rules = Queues.Rules(
            policy: policy,
            maxItems: own.maxQueueItems ?? configuration.maxQueueItems,
            weight: Double(own.priority)
        )
        state.networks[key] = network
        state.queues.add(key, rules)
        return key
    }

    private func refusal(
        of items: Int,
        size: Int,
        _ network: ServedNetwork,
        _ key: ObjectIdentifier,
        _ context: RequestContext,
        _ state: inout State,
        now: ContinuousClock.Instant
    ) -> ServingError? {
        if state.isStopped { return .draining }
        if let reason = context.reasonToStop(now: now) { return reason }
        if !state.queues.hasRoom(for: items, under: key) {
            // Places of requests that were given up count only until somebody needs them.
            dropDead(&state, now: now)
        }
        guard state.queues.hasRoom(for: items, under: key) else {
            let seconds = min(max(Self.wait(key, state, now: now).rounded(.up), 1), 60)
            return .queueFull(
                model: network.model,
                waiting: state.queues.count(key),
                limit: state.queues.maxItems(key),
                retryAfter: Int(seconds)
            )
        }
        // The first has its turn, however busy others are.
        guard state.queues.count(key) > 0 else { return nil }
        let wait = Duration.seconds(Self.wait(key, state, now: now))
        let own = state.queues.seconds(size: size, under: key) ?? 0
        let left = context.deadline.map { $0 - now - .seconds(own) } ?? .seconds(86_400)
        let limit = min(configuration.maxQueueDelay, left)
        return wait > limit ? .overloaded(model: network.model, wait: wait, limit: max(.zero, limit)) : nil
    }

    private static func wait(
        _ key: ObjectIdentifier,
        _ state: State,
        now: ContinuousClock.Instant
    ) -> Double {
        let running = state.runsUntil.map { max(.zero, now.duration(to: $0)) } ?? .zero
        return running / .seconds(1) + state.queues.predictedWait(key)
    }

    private static func check(
        _ states: [[Float]],
        areReturned: Bool,
        of network: ServedNetwork
    ) throws(ServingError) {
        let given = states.filter { !$0.isEmpty }
        guard areReturned || !given.isEmpty else { return }
        guard network.graph.isStreamable else {
            throw .invalidInput("model '\(network.model)' keeps no state: it reads each input as a whole")
        }
        if let wrong = given.first(where: { $0.count != network.graph.stateCount }) {
            let expected = "a state of model '\(network.model)' has \(network.graph.stateCount) numbers"
            throw .invalidInput("\(expected), found \(wrong.count)")
        }
    }

    private func enqueue(_ job: InferenceJob, for network: ServedNetwork, _ admission: Admission?) {
        if let reason = job.reasonToStop(now: job.arrival) { return job.fail(reason) }
        let items = job.items.enumerated().map { index, item in
            Queues.Item(
                payload: Place(job: job, item: index),
                shape: network.graph.batchShape(for: item.tensor.shape),
                size: item.tensor.shape.elementCount,
                arrival: job.arrival
            )
        }
        let refusal = state.signal { state -> ServingError? in
            if state.isStopped { return .draining }
            let key = know(network, &state)
            admission?.use(items.count, &state, for: network)
            if !state.queues.hasRoom(for: items.count, under: key) { dropDead(&state, now: job.arrival) }
            guard state.queues.hasRoom(for: items.count, under: key) else {
                return .queueFull(
                    model: network.model,
                    waiting: state.queues.count(key),
                    limit: state.queues.maxItems(key),
                    retryAfter: Int(min(max(Self.wait(key, state, now: job.arrival).rounded(.up), 1), 60))
                )
            }
            state.queues.append(items, to: key)
            state.arrivals += 1
            return nil
        }
        if let refusal { job.fail(refusal) }
    }
}
