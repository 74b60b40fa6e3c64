internal import Logging
internal import Platform
internal import Support

/// Requests that wait for a model to be loaded: a value without threads.
struct ModelWaiters {
    typealias Answer = @Sendable (Result<Model, ServingError>) -> Void

    struct Waiter {
        let model: String
        let version: String
        let context: RequestContext
        let resume: Answer
    }

    /// The most that wait at a time.
    static let most = 1024

    private var waiters: [Waiter] = []

    var isEmpty: Bool { waiters.isEmpty }
    var isFull: Bool { waiters.count >= Self.most }

    mutating func add(_ waiter: Waiter) { waiters.append(waiter) }

    /// Removes and returns those that wait for a version.
    mutating func take(_ version: String, of model: String) -> [Waiter] {
        take { $0.model == model && $0.version == version }
    }

    /// Removes and returns those whose time is over, or whose clients have left.
    mutating func takeDead(now: ContinuousClock.Instant) -> [Waiter] {
        take { $0.context.reasonToStop(now: now) != nil }
    }

    mutating func takeAll() -> [Waiter] { take { _ in true } }

    private mutating func take(where isTaken: (Waiter) -> Bool) -> [Waiter] {
        let taken = waiters.filter(isTaken)
        waiters.removeAll(where: isTaken)
        return taken
    }
}

/// A model that may be gone.
struct WeakModel {
    weak var model: Model?
}

/// Who waits for a model, and which models wait for their last requests.
extension Registry {
    /// How often those who wait are looked at; requests that a model was loaded for are told at once.
    private static let interval: Duration = .milliseconds(50)

    /// Has a version loaded, and calls back with it or with why not.
    func wait(
        for version: String,
        of name: String,
        _ context: RequestContext,
        _ resume: @escaping ModelWaiters.Answer
    ) {
        let loading = ServingError.modelLoading(name, version: version)
        let answer = state.withLock { state -> Result<Model, ServingError>? in
            if state.isClosed { return .failure(.draining) }
            // It may have come meanwhile.
            let known = state.entries[name]?.version(version)
            if let model = known?.model { return .success(model) }
            guard let known, known.isOnDemand, !state.waiters.isFull else {
                return .failure(known.map { Self.refusal(of: $0, named: name) } ?? loading)
            }
            state.waiters.add(.init(model: name, version: version, context: context, resume: resume))
            return nil
        }
        if let answer { return resume(answer) }
        enqueue(.demand(version), [name: 0], isQuiet: false) { _ in }
        keep()
    }

    /// Answers those who wait for a version that has come, or will not.
    func tell(_ version: ModelEntry.Version, of name: String) {
        let waiters = state.withLock { $0.waiters.take(version.version, of: name) }
        for waiter in waiters {
            waiter.resume(
                version.model.map { .success($0) } ?? .failure(Self.refusal(of: version, named: name))
            )
        }
    }

    /// Lets go of a model: its requests are answered, then its memory goes.
    func release(_ model: Model?) {
        guard let model else { return }
        for network in model.pipeline.allNetworks { retire(network) }
        state.withLock { $0.leaving.append(WeakModel(model: model)) }
        keep()
    }

    /// How many models that were let go still answer their last requests.
    package var leavingCount: Int {
        state.withLock { state in state.leaving.count { $0.model != nil } }
    }

    /// The versions that were let go and still answer their last requests.
    package func leavingVersions() -> [(model: String, version: String)] {
        let leaving = state.withLock { state in state.leaving.compactMap(\.model) }
        return leaving.map { ($0.name, $0.version) }
    }

    /// Starts a thread that looks after those who wait, unless there is one; it ends when nobody does.
    private func keep() {
        let isNeeded = state.withLock { state in
            defer { state.isKept = true }
            return !state.isKept
        }
        guard isNeeded else { return }
        do {
            _ = try Thread(name: "registry") { [self] in while lookAfterWaiting() {} }
        } catch {
            // Who waits is told by the load itself; only its deadline is not seen.
            state.withLock { $0.isKept = false }
            logger.error("no thread for those who wait for models", metadata: ["reason": "\(error)"])
        }
    }

    private func lookAfterWaiting() -> Bool {
        _ = state.wait(until: .now + Self.interval) { state -> Bool? in state.isClosed ? true : nil }
        let now = ContinuousClock.now
        let (dead, hasReleased, goesOn) = state.withLock { state in
            let dead = state.waiters.takeDead(now: now)
            let count = state.leaving.count
            state.leaving.removeAll { $0.model == nil }
            let goesOn = !state.waiters.isEmpty || !state.leaving.isEmpty
            if !goesOn { state.isKept = false }
            return (dead, state.leaving.count < count, goesOn)
        }
        for waiter in dead {
            let isGone = waiter.context.cancellation.isCancelled
            waiter.resume(
                .failure(isGone ? .cancelled : .modelLoading(waiter.model, version: waiter.version))
            )
        }
        if hasReleased { MemoryAdvice.releaseFreed() }
        return goesOn
    }
}
