import Engine
import Inference
import Models
import Platform
import Support
import Synchronization
import Testing

/// The scheduler under many orders of its threads: who goes on next is drawn from a seed.
struct SchedulerStressTests {
    private enum Outcome: Sendable {
        case answer([Float])
        case error(ServingError)
    }

    private struct Asked: Sendable {
        let values: [Float]
        let isCancelled: Bool
        /// 0: goes straight in; 1: takes a place first; 2: takes one, lets it grow, and gives it up.
        let way: Int
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func `in every order each request gets its own answer, once, and no place is lost`(seed: UInt64) throws {
        let maxItems = 64
        let configuration = Scheduler.Configuration(
            policy: BatchPolicy(maxBatchSize: 4),
            maxQueueItems: maxItems,
            maxInlineTime: seed.isMultiple(of: 2) ? .seconds(60) : .zero,
            maxBesideTime: seed.isMultiple(of: 4) ? .seconds(60) : .zero
        )
        let spares = (0..<2).map { BatchRunner.Functions(run: Self.echo(seed + 100 + $0)) }
        let scheduler = try Scheduler(configuration, spares: spares) {
            BatchRunner.Functions(run: Self.echo(seed))
        }
        let networks = try [TestModels.gru("a").network, TestModels.gru("b").network]
        let executor = try ShuffledExecutor(seed: seed, threads: 3)
        var random = SplitMix64(seed: seed)
        let requests = (0..<120).map { number in
            Asked(
                values: (0..<Int.random(in: 1...6, using: &random)).map { Float(number * 10 + $0) },
                isCancelled: Int.random(in: 0..<8, using: &random) == 0,
                way: Int.random(in: 0..<3, using: &random)
            )
        }
        let outcomes = Monitor<[Int: [Outcome]]>([:])
        for (number, asked) in requests.enumerated() {
            let network = networks[number % 2]
            Task(executorPreference: executor) {
                let outcome = await Self.ask(asked, of: network, scheduler)
                outcomes.signal { $0[number, default: []].append(outcome) }
            }
        }
        let answered = outcomes.wait { $0.count == requests.count ? $0 : nil } ?? [:]
        for (number, asked) in requests.enumerated() { Self.check(answered[number] ?? [], asked) }
        // Were a place lost, a whole queue's worth would not get in behind a first one.
        for network in networks {
            let first = try scheduler.admit(network, items: 1, RequestContext.test())
            let rest = try scheduler.admit(network, items: maxItems - 1, RequestContext.test())
            withExtendedLifetime((first, rest)) {}
        }
        scheduler.stop()
        executor.close()
    }

    private static func ask(_ asked: Asked, of network: ServedNetwork, _ scheduler: Scheduler) async
        -> Outcome
    {
        let context = RequestContext.test()
        let items = asked.values.map { Tensor(shape: [1, 3], values: [$0, 0, 0]) }
        if asked.isCancelled { Task { context.cancellation.cancel() } }
        do throws(ServingError) {
            var admission: Scheduler.Admission?
            if asked.way > 0 {
                admission = try scheduler.admit(network, items: 1, context)
                await Task.yield()
                try admission?.grow(to: items.count, size: items.count * 3, context)
            }
            if asked.way == 2 {
                await Task.yield()
                admission = nil
            }
            return .answer(
                try await scheduler.infer(network, items: items, admission: admission, context).outputs.map(
                    \.[0]
                )
            )
        } catch {
            return .error(error)
        }
    }

    private static func check(_ outcomes: [Outcome], _ asked: Asked) {
        #expect(outcomes.count == 1)
        switch outcomes.first {
        case .answer(let values)?: #expect(values == asked.values)
        case .error(.queueFull)?: break
        case .error(let error)?: #expect(asked.isCancelled && error == .cancelled)
        case nil: Issue.record("no answer for \(asked.values)")
        }
    }

    /// Answers each item with its own first value, after a drawn while.
    private static func echo(_ seed: UInt64) -> BatchRunner.Run {
        let random = Mutex(SplitMix64(seed: ~seed))
        return { _, items, shouldContinue throws(ServingError) in
            let rounds = random.withLock { Int.random(in: 0..<2000, using: &$0) }
            for _ in 0..<rounds where !shouldContinue() { return nil }
            return items.map { item in .init(logits: [item.tensor.withSpan { $0[0] }]) }
        }
    }
}

/// Threads that take of what can go on whichever the dice say.
private final class ShuffledExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var random: SplitMix64
        var isClosed = false
    }

    private let state: Monitor<State>
    private let threads = ThreadGroup()

    init(seed: UInt64, threads count: Int) throws {
        state = Monitor(State(random: SplitMix64(seed: seed)))
        for index in 0..<count { try threads.start(name: "shuffled-\(index)") { self.run() } }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.signalOne { $0.jobs.append(job) }
    }

    func close() {
        state.signal { $0.isClosed = true }
        threads.join()
    }

    private func run() {
        while let job = state.wait(for: Self.next) {
            guard let job else { return }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// nil: nothing yet; an empty one: the end.
    private static func next(_ state: inout State) -> UnownedJob?? {
        guard !state.jobs.isEmpty else { return state.isClosed ? .some(nil) : nil }
        let index = Int.random(in: state.jobs.indices, using: &state.random)
        return state.jobs.remove(at: index)
    }
}
