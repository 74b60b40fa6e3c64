internal import Engine
internal import Platform
internal import Support

/// What the engine's thread does: take a batch, run it, hand out its outputs.
extension Scheduler {
    /// A batch with its model.
    struct Batch {
        let model: Model
        let items: [Queues.Item]
        let reason: BatchPolicy.Reason
    }

    private enum Step {
        case run(Batch)
        /// Until the time, or until something arrives after the first so many.
        case sleep(until: ContinuousClock.Instant, arrivals: Int)
        case end
    }

    /// Waits for the next batch; nil when the scheduler was stopped and nothing waits.
    func nextBatch() -> Batch? {
        while true {
            let step = state.wait { state -> Step? in nextStep(&state) }
            switch step {
            case .run(let batch)?: return batch
            case .sleep(let time, let arrivals)?:
                _ = state.wait(until: time) { state -> Bool? in
                    state.arrivals != arrivals || state.isStopped ? true : nil
                }
            case .end?, nil: return nil
            }
        }
    }

    private func nextStep(_ state: inout State) -> Step? {
        let now = ContinuousClock.now
        dropDead(&state, now: now)
        // A stopped scheduler has no more arrivals to delay a batch for.
        let policy = configuration.policy
        let immediate = BatchPolicy(maxBatchSize: policy.maxBatchSize)
        switch state.queues.next(state.isStopped ? immediate : policy, now: now) {
        case .batch(let batch):
            guard let model = state.models[batch.key] else { preconditionFailure("a batch without a model") }
            return .run(Batch(model: model, items: batch.items, reason: batch.reason))
        case .wait(let time): return .sleep(until: time, arrivals: state.arrivals)
        case .nothing: return state.isStopped ? .end : nil
        }
    }

    /// Removes what nobody waits for any more; the threads of these requests learn the reason from their job.
    func dropDead(_ state: inout State, now: ContinuousClock.Instant) {
        for place in state.queues.remove(where: { $0.job.reasonToStop(now: now) != nil }) {
            place.job.fail(place.job.reasonToStop(now: now) ?? .cancelled)
        }
    }

    /// Runs a batch; every one of its requests has its items or its error afterwards.
    func execute(_ batch: Batch, _ run: BatchRunner.Run) {
        let places = batch.items.map(\.payload)
        let jobs = places.map(\.job)
        let started = ContinuousClock.now
        do {
            let items = places.map { $0.job.items[$0.item] }
            let outputs = try run(batch.model, items) {
                let now = ContinuousClock.now
                return jobs.contains { $0.reasonToStop(now: now) == nil }
            }
            let finished = ContinuousClock.now
            guard let outputs else {
                for job in jobs { job.fail(job.reasonToStop(now: finished) ?? .deadlineExceeded) }
                return
            }
            record(batch, duration: finished - started)
            for (place, output) in zip(places, outputs) {
                place.job.complete(
                    place.item,
                    with: output,
                    started: started,
                    finished: finished,
                    batchSize: places.count
                )
            }
        } catch {
            for job in jobs { job.fail(error) }
        }
    }

    private func record(_ batch: Batch, duration: Duration) {
        let key = ObjectIdentifier(batch.model)
        state.withLock { state in
            state.throughput[key, default: ThroughputEstimate()].record(
                items: batch.items.count,
                in: duration
            )
        }
        metrics?.observeBatch(of: batch.model, items: batch.items.count, reason: batch.reason)
    }
}
