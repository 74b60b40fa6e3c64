internal import Inference
internal import Platform

/// The engine of a command, with a lane on which the command's work runs while its threads wait.
struct CommandEngine: Sendable {
    let scheduler: Scheduler
    /// How many threads the lane has.
    let lanes: Int
    private let lane: Lane

    /// - Parameters:
    ///   - threads: of the engine.
    ///   - lanes: of the work beside it: more than one where many inputs are prepared.
    /// - Throws: `SystemError` when the system has no thread left to give.
    init(threads: Int, lanes: Int = 1) throws {
        self.lanes = lanes
        // Whoever asks waits for the answer, so that what is queued is bounded by who asks.
        scheduler = try Scheduler(Scheduler.Configuration(maxQueueItems: 1 << 20), threads: threads)
        lane = try Lane(threads: lanes)
    }

    /// Runs work and waits for what it makes.
    func wait<Result: Sendable, Failure: Error>(
        for work: @escaping @Sendable () async throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try lane.wait(for: work)
    }

    func stop() {
        lane.close()
        scheduler.stop()
    }
}
