internal import Inference
internal import Platform

/// The engine of a command, with a lane of one thread on which the command's work runs while the command waits.
struct CommandEngine {
    let scheduler: Scheduler
    private let lane: Lane

    init(threads: Int) throws {
        scheduler = try Scheduler(threads: threads)
        lane = try Lane(threads: 1)
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
