internal import Engine
internal import Platform
internal import Support

/// What the engine's thread does: take a batch, run it, hand out its outputs.
extension Scheduler {
    /// A batch with its network.
    struct Batch {
        let network: ServedNetwork
        let content: Queues.Batch
    }

    private enum Step {
        case run(Batch)
        /// Until the time, or until something arrives after the first so many.
        case sleep(until: ContinuousClock.Instant, arrivals: Int)
        case end
    }

    /// How long the engine has nothing to do before it gives memory back.
    private static let restAfter: Duration = .seconds(2)
    /// How often what waits is looked through while a batch runs.
    private static let sweepInterval: Duration = .milliseconds(5)

    /// Runs batches until the scheduler was stopped and nothing waits.
    func work(_ functions: BatchRunner.Functions) {
        var hasRested = true
        while true {
            let idle = ContinuousClock.now + Self.restAfter
            let step = state.wait(until: hasRested ? nil : idle) { state in nextStep(&state) }
            switch step {
            case .run(let batch)?:
                execute(batch, functions.run)
                hasRested = false
            case .sleep(let time, let arrivals)?:
                _ = state.wait(until: time) { state -> Bool? in
                    state.arrivals != arrivals || state.isStopped ? true : nil
                }
            case .end?: return
            case nil:
                functions.rest()
                hasRested = true
            }
        }
    }

    private func nextStep(_ state: inout State) -> Step? {
        let now = ContinuousClock.now
        dropDead(&state, now: now)
        switch state.queues.next(now: now, isFinal: state.isStopped) {
        case .batch(let batch):
            guard let network = state.networks[batch.key] else {
                preconditionFailure("a batch without a network")
            }
            state.runsUntil = now + .seconds(batch.seconds)
            return .run(Batch(network: network, content: batch))
        case .wait(let time): return .sleep(until: time, arrivals: state.arrivals)
        case .nothing: return state.isStopped ? .end : nil
        }
    }

    /// Removes what nobody waits for any more, and ends these requests.
    func dropDead(_ state: inout State, now: ContinuousClock.Instant) {
        for place in state.queues.remove(where: { $0.job.reasonToStop(now: now) != nil }) {
            place.job.fail(place.job.reasonToStop(now: now) ?? .cancelled)
        }
    }

    /// Runs a batch; every one of its requests has its items or its error afterwards.
    func execute(_ batch: Batch, _ run: BatchRunner.Run) {
        let places = batch.content.items.map(\.payload)
        let started = ContinuousClock.now
        var swept = started
        do {
            let items = places.map { $0.job.items[$0.item] }
            let outputs = try run(batch.network, items) {
                let now = ContinuousClock.now
                if now - swept > Self.sweepInterval {
                    // Requests whose time is over while others run learn it now.
                    state.withLock { dropDead(&$0, now: now) }
                    swept = now
                }
                return places.contains { $0.job.reasonToStop(now: now) == nil }
            }
            let finished = ContinuousClock.now
            guard let outputs else {
                state.withLock { $0.runsUntil = nil }
                for place in places {
                    place.job.fail(place.job.reasonToStop(now: finished) ?? .deadlineExceeded)
                }
                return
            }
            record(batch, seconds: (finished - started) / .seconds(1))
            let run = InferenceJob.Run(started: started, finished: finished, batchSize: places.count)
            for (place, output) in zip(places, outputs) { place.job.complete(place.item, with: output, run) }
        } catch {
            state.withLock { $0.runsUntil = nil }
            for place in places { place.job.fail(error) }
        }
    }

    private func record(_ batch: Batch, seconds: Double) {
        state.withLock { state in
            state.runsUntil = nil
            state.queues.record(batch.content, seconds: seconds)
        }
        metrics?.observeBatch(of: batch.network, batch.content.items.count, batch.content.reason)
    }
}
