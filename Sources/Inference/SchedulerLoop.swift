internal import Engine
internal import Platform
internal import Support

/// How batches are run: by the engine's thread, or at once by a request's own.
extension Scheduler {
    /// A batch with its network.
    struct Batch {
        let network: ServedNetwork
        let content: Queues.Batch
        let runner: BatchRunner.Functions
        /// Whether the runner is one beside the engine.
        let isBeside: Bool
    }

    private enum Step {
        case run(Batch)
        /// Until the time, or until something arrives after the first so many.
        case sleep(until: ContinuousClock.Instant, arrivals: Int)
        /// Nothing has run for a while.
        case rest
        case end
    }

    /// How long the engine has nothing to do before it gives memory back.
    private static let restAfter: Duration = .seconds(2)
    /// How often what waits is looked through while a batch runs.
    private static let sweepInterval: Duration = .milliseconds(5)
    /// The most batches that a request's thread runs before it goes on with its request.
    private static let maxInlineBatches = 4

    // MARK: The engine's thread

    /// Runs batches until the scheduler was stopped and nothing waits.
    func work() {
        var next: Step?
        while true {
            let rest = state.withLock { $0.lastRun.map { $0 + Self.restAfter } }
            switch next.take() ?? state.wait(until: rest, for: nextStep) {
            case .run(let batch)?:
                let answers = execute(batch)
                // What waits goes on before the answers go out: threads that they wake would take this one's processor,
                // and the clients that come back first would tear their batch apart.
                next = state.withLock(nextStep)
                answers.deliver()
            case .sleep(let time, let arrivals)?:
                _ = state.wait(until: time) { state -> Bool? in
                    if !state.isRunning { beat() }
                    return state.arrivals != arrivals || state.isStopped ? true : nil
                }
            case .rest?:
                let spares = state.withLock { state in
                    defer { state.spares = [] }
                    return state.spares
                }
                for runner in spares + [functions] { runner.rest() }
                state.withLock { state in
                    state.spares += spares
                    state.isRunning = false
                }
            case .end?: return
            case nil: continue // the time to rest has come, or somebody else has run something since
            }
        }
    }

    private func nextStep(_ state: inout State) -> Step? {
        guard !state.isRunning else { return nil }
        beat()
        let now = ContinuousClock.now
        dropDead(&state, now: now)
        forgetRetired(&state)
        switch state.queues.next(now: now, isFinal: state.isStopped) {
        case .batch(let content): return .run(begin(content, &state, now: now))
        case .wait(let time): return .sleep(until: time, arrivals: state.arrivals)
        case .nothing:
            if state.isStopped { return .end }
            guard let last = state.lastRun, now - last >= Self.restAfter else { return nil }
            state.lastRun = nil
            state.isRunning = true
            return .rest
        }
    }

    private func begin(
        _ content: Queues.Batch,
        _ state: inout State,
        now: ContinuousClock.Instant
    ) -> Batch {
        let network = content.items[0].payload.network
        if state.isRunning, let runner = state.spares.popLast() {
            return Batch(network: network, content: content, runner: runner, isBeside: true)
        }
        state.isRunning = true
        state.runsUntil = now + .seconds(content.seconds)
        return Batch(network: network, content: content, runner: functions, isBeside: false)
    }

    // MARK: A request's thread

    /// The longest batch, in predicted seconds, that the calling thread had better run itself now; nil for none.
    ///
    /// Beside the engine only a request's first run may go: one of many runs, such as a text, would hold its thread from
    /// the first to the last, and two of them all threads there are.
    func inlineLimit(_ state: State, isFirst: Bool) -> Double? {
        if state.isRunning, !isFirst { return nil }
        let limit = state.isRunning ? configuration.maxBesideTime : configuration.maxInlineTime
        return limit > .zero && !(state.isRunning && state.spares.isEmpty) ? limit / .seconds(1) : nil
    }

    /// The next batch, if the calling thread had better run it itself.
    func nextInline(_ state: inout State, isFirst: Bool, now: ContinuousClock.Instant) -> Batch? {
        guard let limit = inlineLimit(state, isFirst: isFirst),
            case .batch(let content) = state.queues.next(now: now, within: limit)
        else { return nil }
        return begin(content, &state, now: now)
    }

    /// Runs a batch and a few that have become possible meanwhile; what is left is the engine's own thread's.
    func runInline(_ first: Batch) {
        execute(first).deliver()
        for _ in 1..<Self.maxInlineBatches {
            guard let batch = state.withLock({ nextInline(&$0, isFirst: false, now: .now) }) else { break }
            execute(batch).deliver()
        }
        let isWaitedFor = state.withLock { state in
            !state.isRunning && (state.isStopped || !state.queues.isEmpty)
        }
        if isWaitedFor { state.wake() }
    }

    // MARK: Both

    /// Removes what nobody waits for any more, and ends these requests.
    func dropDead(_ state: inout State, now: ContinuousClock.Instant) {
        for place in state.queues.remove(where: { $0.job.reasonToStop(now: now) != nil }) {
            place.job.fail(place.job.reasonToStop(now: now) ?? .cancelled)
        }
    }

    /// Forgets the networks that get no requests any more and have answered those that they had.
    func forgetRetired(_ state: inout State) {
        for key in state.retired where state.queues.count(key) == 0 {
            state.retired.remove(key)
            state.networks[key] = nil
            _ = state.queues.remove(key)
        }
    }

    /// What came of a batch, for its requests.
    private struct Answers {
        let places: [Place]
        let result: Result<[BatchRunner.Output]?, ServingError>
        let run: InferenceJob.Run

        /// Every request has its items or its error afterwards.
        func deliver() {
            switch result {
            case .success(let outputs?):
                for (place, output) in zip(places, outputs) {
                    place.job.complete(place.item, with: output, run)
                }
            case .success(nil):
                for place in places {
                    place.job.fail(place.job.reasonToStop(now: run.finished) ?? .deadlineExceeded)
                }
            case .failure(let error): for place in places { place.job.fail(error) }
            }
        }
    }

    /// Runs a batch; its runner is free afterwards.
    private func execute(_ batch: Batch) -> Answers {
        let places = batch.content.items.map(\.payload)
        let items = places.map { $0.job.items[$0.item] }
        let started = ContinuousClock.now
        var swept = started
        let result = Result { () throws(ServingError) in
            try batch.runner.run(batch.network, items) {
                if !batch.isBeside { beat() }
                let now = ContinuousClock.now
                if now - swept > Self.sweepInterval {
                    // Requests whose time is over while others run learn it now.
                    state.withLock { dropDead(&$0, now: now) }
                    swept = now
                }
                return places.contains { $0.job.reasonToStop(now: now) == nil }
            }
        }
        let run = InferenceJob.Run(started: started, finished: .now, batchSize: places.count)
        let isComplete = if case .success(.some) = result { true } else { false }
        finish(batch, run, isComplete: isComplete)
        return Answers(places: places, result: result, run: run)
    }

    /// Gives the runner up.
    private func finish(_ batch: Batch, _ run: InferenceJob.Run, isComplete: Bool) {
        if !batch.isBeside { beat() }
        let hadRested = state.withLock { state in
            if batch.isBeside {
                state.spares.append(batch.runner)
            } else {
                state.isRunning = false
                state.runsUntil = nil
            }
            defer { state.lastRun = run.finished }
            if isComplete {
                state.queues.record(batch.content, seconds: (run.finished - run.started) / .seconds(1))
            }
            forgetRetired(&state)
            return state.lastRun == nil
        }
        // The engine's thread has to know that there is something to rest from.
        if hadRested { state.wake() }
        guard isComplete else { return }
        metrics?.observeBatch(
            of: batch.network,
            batch.content.items.count,
            batch.content.reason,
            took: run.finished - run.started
        )
    }
}

/// What the engine tells the metrics.
extension ServingMetrics {
    func observeBatch(
        of network: ServedNetwork,
        _ count: Int,
        _ reason: BatchPolicy.Reason,
        took duration: Duration
    ) {
        let series = model(network.model, version: network.version)
        series.items.add(count)
        series.observeBatch(of: count, took: duration)
        switch reason {
        case .full: series.fullBatches.add()
        case .idle: series.idleBatches.add()
        case .delay: series.delayedBatches.add()
        }
    }

    func countRejection(_ error: ServingError) {
        rejections.series(error.code).add()
    }
}
