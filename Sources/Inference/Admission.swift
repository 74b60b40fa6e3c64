internal import Engine
internal import Platform
package import Support

/// How requests get in: before anything is prepared for them, and with their items.
extension Scheduler {
    /// A request's place before its items are queued; it is given up when this goes.
    package final class Admission: Sendable {
        private let scheduler: Scheduler
        private let network: ServedNetwork
        private let left: Monitor<(items: Int, size: Int)>
        /// Whether a runner was free, and the items are so few that the request's own thread will run them.
        package let isQuick: Bool

        init(_ scheduler: Scheduler, _ network: ServedNetwork, items: Int, size: Int, isQuick: Bool) {
            self.scheduler = scheduler
            self.network = network
            self.isQuick = isQuick
            left = Monitor((items, size))
        }

        /// Asks for room for more than the request was let in with, before they are prepared.
        ///
        /// - Throws: as `admit` does.
        package func grow(to items: Int, size: Int, _ context: RequestContext) throws(ServingError) {
            let now = ContinuousClock.now
            let refusal = scheduler.state.withLock { state -> ServingError? in
                let key = ObjectIdentifier(network.queue)
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

        /// Whether nothing of it is given up.
        var isUnused: Bool { left.withLock { $0.items > 0 } }

        /// Gives up the place of as many items as are queued now, or of all that are left.
        ///
        /// - Returns: whether all of them had one.
        @discardableResult
        func use(_ items: Int?, _ state: inout State, for network: ServedNetwork) -> Bool {
            guard network.queue === self.network.queue else { return false }
            let (count, size) = left.withLock { left in
                let count = min(items ?? left.items, left.items)
                let size = count == left.items ? left.size : left.size / max(1, left.items) * count
                left = (left.items - count, left.size - size)
                return (count, size)
            }
            state.queues.admit(-count, size: -size, under: ObjectIdentifier(network.queue))
            return items.map { $0 == count } ?? true
        }

        deinit { release() }

        /// Gives the place up: what is left of the request asks for its own.
        package func release() {
            // A batch may be waiting for what does not come.
            let isAwaited = scheduler.state.withLock { state in
                guard left.withLock({ $0.items > 0 }) else { return false }
                use(nil, &state, for: network)
                scheduler.forgetRetired(&state)
                guard !state.isRunning, !state.queues.isEmpty else { return false }
                state.arrivals += 1
                return true
            }
            if isAwaited { scheduler.state.wake() }
        }
    }

    func know(_ network: ServedNetwork, _ state: inout State) -> ObjectIdentifier {
        let network = network.queue
        let key = ObjectIdentifier(network)
        guard state.networks[key] == nil else { return key }
        let rules = Queues.Rules(
            policy: policy(of: network),
            maxItems: network.policy.maxQueueItems ?? configuration.maxQueueItems,
            weight: Double(network.policy.priority)
        )
        state.networks[key] = network
        if network.isRetired { state.retired.insert(key) }
        state.queues.add(key, rules)
        return key
    }

    func refusal(
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
        if let refusal = fullness(for: items, network, key, &state, now: now) { return refusal }
        // The first has its turn, however busy others are.
        guard state.queues.count(key) > 0 else { return nil }
        let wait = Duration.seconds(Self.wait(key, state, now: now))
        let own = state.queues.seconds(size: size, under: key) ?? 0
        let left = context.deadline.map { $0 - now - .seconds(own) } ?? .seconds(86_400)
        let limit = min(configuration.maxQueueDelay, left)
        return wait > limit ? .overloaded(model: network.model, wait: wait, limit: max(.zero, limit)) : nil
    }

    /// Why as many items more may not wait; nil where they may.
    private func fullness(
        for items: Int,
        _ network: ServedNetwork,
        _ key: ObjectIdentifier,
        _ state: inout State,
        now: ContinuousClock.Instant
    ) -> ServingError? {
        // Places of requests that were given up count only until somebody needs them.
        if !state.queues.hasRoom(for: items, under: key) { dropDead(&state, now: now) }
        guard !state.queues.hasRoom(for: items, under: key) else { return nil }
        let seconds = min(max(Self.wait(key, state, now: now).rounded(.up), 1), 60)
        return .queueFull(
            model: network.model,
            waiting: state.queues.count(key),
            limit: state.queues.maxItems(key),
            retryAfter: Int(seconds)
        )
    }

    static func wait(
        _ key: ObjectIdentifier,
        _ state: State,
        now: ContinuousClock.Instant
    ) -> Double {
        let running = state.runsUntil.map { max(.zero, now.duration(to: $0)) } ?? .zero
        return running / .seconds(1) + state.queues.predictedWait(key)
    }

    static func check(
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

    /// What comes of items that are brought.
    private enum Entry {
        case refused(ServingError)
        /// Who runs a batch now looks for them when it is done.
        case waits
        /// The engine's thread has to be woken for them.
        case wakes
        case runs(Batch)
    }

    func enqueue(_ job: InferenceJob, for network: ServedNetwork, _ admission: Admission?) {
        if let reason = job.reasonToStop(now: job.arrival) { return job.fail(reason) }
        let items = job.items.enumerated().map { index, item in
            Queues.Item(
                payload: Place(job: job, item: index, network: network),
                shape: Kind(
                    network: ObjectIdentifier(network),
                    shape: network.graph.batchShape(for: item.tensor.shape)
                ),
                size: item.tensor.shape.elementCount,
                arrival: job.arrival
            )
        }
        let entry = state.withLock { state -> Entry in
            if state.isStopped { return .refused(.draining) }
            let key = know(network, &state)
            let isFirst = admission?.isUnused ?? false
            let hasPlaces = admission?.use(items.count, &state, for: network) ?? false
            // Whoever was let in with as many is not refused for what is still to come of it.
            if !hasPlaces, let refusal = fullness(for: items.count, network, key, &state, now: job.arrival) {
                return .refused(refusal)
            }
            state.queues.append(items, to: key)
            state.arrivals += 1
            if let batch = nextInline(&state, isFirst: isFirst, now: job.arrival) { return .runs(batch) }
            return state.isRunning ? .waits : .wakes
        }
        switch entry {
        case .refused(let refusal): job.fail(refusal)
        case .waits: break
        case .wakes: state.wake()
        case .runs(let batch): runInline(batch)
        }
    }
}
