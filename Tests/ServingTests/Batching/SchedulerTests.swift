import API
import Engine
import HTTP
import Inference
import Models
import Platform
import Support
import Synchronization
import Testing

/// The scheduler with a gate in place of the engine: order, bounds, deadlines, cancellation, end.
struct SchedulerTests {
    let gate = Gate()

    private func scheduler(
        maxBatch: Int = 8,
        maxItems: Int = 64,
        maxInlineTime: Duration = .zero,
        metrics: ServingMetrics? = nil
    ) throws -> Scheduler {
        let configuration = Scheduler.Configuration(
            // The gate makes batches slow; that must not make the next ones smaller.
            policy: BatchPolicy(maxBatchSize: maxBatch, maxBatchTime: .seconds(3600)),
            maxQueueItems: maxItems,
            maxInlineTime: maxInlineTime
        )
        return try Scheduler(configuration, metrics: metrics) { [gate] in BatchRunner.Functions(run: gate.run)
        }
    }

    private func item(_ value: Float) -> Tensor { Tensor(shape: [1, 3], values: [value, 0, 0]) }

    @Test func `a lone request runs alone and gets its answer`() throws {
        let scheduler = try scheduler()
        defer { scheduler.stop() }
        gate.open()
        let inference = try scheduler.infer(TestModels.gru(), items: [item(7)])
        #expect(inference.outputs == [[7]])
        #expect(inference.batchSize == 1)
    }

    @Test func `requests that wait meanwhile run together`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        try clients.infer(model, [item(0)])
        gate.waitForBatches(1)
        for value in 1...4 { try clients.infer(model, [item(Float(value))]) }
        clients.waitForDepth(4)
        gate.open()
        let answers = clients.join()
        scheduler.stop()
        #expect(Set(answers.map(\.first)) == [0, 1, 2, 3, 4])
        #expect(gate.batches.map(\.items.count) == [1, 4])
    }

    /// Had the engine's thread run it, `beginHere` would have returned before the answer was there.
    @Test func `a short batch runs on the thread that brings it, once its time is known`() throws {
        let scheduler = try scheduler(maxInlineTime: .seconds(60))
        defer { scheduler.stop() }
        gate.open()
        let model = try TestModels.gru()
        let items = [item(7)]
        _ = try scheduler.infer(model, items: items)
        let lane = try Lane(threads: 1)
        defer { lane.close() }
        let answer = Mutex<InferenceResult?>(nil)
        lane.beginHere {
            let result = try? await scheduler.infer(model.network, items: items)
            answer.withLock { $0 = result }
        }
        #expect(answer.withLock(\.self)?.outputs == [[7]])
    }

    @Test func `a short batch runs beside one that hangs, and does not hide that it hangs`() throws {
        let (begun, passes, beside) = (Monitor(0), Monitor(1), Gate())
        let hanging: BatchRunner.Run = { _, items, _ throws(ServingError) in
            begun.signal { $0 += 1 }
            _ = passes.wait { $0 > 0 ? true : nil }
            passes.withLock { $0 -= 1 }
            return items.map { item in .init(logits: [item.tensor.withSpan { $0[0] }]) }
        }
        let configuration = Scheduler.Configuration(maxInlineTime: .seconds(60), maxBesideTime: .seconds(60))
        let spare = BatchRunner.Functions(run: beside.run)
        let scheduler = try Scheduler(configuration, spares: [spare]) { BatchRunner.Functions(run: hanging) }
        let model = try TestModels.gru()
        _ = try scheduler.infer(model, items: [item(0)])
        let clients = Clients(scheduler)
        try clients.infer(model, [item(1)])
        _ = begun.wait { $0 == 2 ? true : nil }
        let turns = scheduler.turns
        beside.open()
        for value in 2...5 {
            let admission = try scheduler.admit(model.network, items: 1, .test())
            let result = try scheduler.infer(model, items: [item(Float(value))], admission: admission)
            #expect(result.outputs == [[Float(value)]])
        }
        #expect(beside.batches.count == 4)
        #expect(scheduler.turns == turns)
        // What was not let in for it, such as a text's next token, waits for the engine.
        try clients.infer(model, [item(6)])
        clients.waitForDepth(1)
        #expect(beside.batches.count == 4)
        passes.signal { $0 += 2 }
        #expect(Set(clients.join().map(\.first)) == [1, 6])
        scheduler.stop()
    }

    /// The first batch is held by the gate on a client's own thread; the engine's thread takes what it left.
    @Test func `what comes while a request's thread runs a batch is run after it`() throws {
        let scheduler = try scheduler(maxInlineTime: .seconds(60))
        let model = try TestModels.gru()
        gate.open(1)
        _ = try scheduler.infer(model, items: [item(0)])
        let clients = Clients(scheduler)
        for value in 1...20 { try clients.infer(model, [item(Float(value))]) }
        gate.open()
        #expect(Set(clients.join().map(\.first)) == Set((1...20).map { Float($0) }))
        scheduler.stop()
    }

    @Test func `a request that was let in with more items than may wait is not refused its own`() throws {
        let scheduler = try scheduler(maxItems: 4)
        defer { scheduler.stop() }
        gate.open()
        let model = try TestModels.gru()
        let admission = try scheduler.admit(model.network, items: 1, .test())
        try admission.grow(to: 12, size: 36, .test())
        let full = #expect(throws: ServingError.self) {
            try scheduler.admit(model.network, items: 1, .test())
        }
        guard case .queueFull? = full else {
            Issue.record("\(String(describing: full))")
            return
        }
        for first in stride(from: 0, to: 12, by: 4) {
            let items = (first..<first + 4).map { item(Float($0)) }
            let inference = try scheduler.infer(model, items: items, admission: admission)
            #expect(inference.outputs == (first..<first + 4).map { [Float($0)] })
        }
    }

    @Test func `a request of ten items may be split and keeps their order`() throws {
        let scheduler = try scheduler(maxBatch: 4)
        defer { scheduler.stop() }
        gate.open()
        let inference = try scheduler.infer(TestModels.gru(), items: (0..<10).map { item(Float($0)) })
        #expect(inference.outputs == (0..<10).map { [Float($0)] })
        #expect(inference.batchSize == 4)
        #expect(gate.batches.map(\.items.count) == [4, 4, 2])
    }

    @Test func `a full queue refuses with 503 and a time to come back`() throws {
        let metrics = ServingMetrics(version: "test")
        let scheduler = try scheduler(maxItems: 2, metrics: metrics)
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        try clients.infer(model, [item(0)])
        gate.waitForBatches(1)
        try clients.infer(model, [item(1), item(2)])
        clients.waitForDepth(2)
        let error = #expect(throws: ServingError.self) { try scheduler.infer(model, items: [item(3)]) }
        #expect(error?.status.code == 503)
        #expect(error?.code == "queue_full")
        #expect((error?.retryAfterSeconds ?? 0) >= 1)
        #expect(error?.message == "the queue of model 'tiny' is full: 2 of 2 items wait")
        gate.open()
        #expect(clients.join().count == 2)
        scheduler.stop()
        let text = String(decoding: metrics.render(), as: UTF8.self)
        #expect(text.contains(#"martlet_rejections_total{reason="queue_full"} 1"#))
    }

    @Test func `a deadline in the past is refused before anything runs`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let error = #expect(throws: ServingError.self) {
            try scheduler.infer(model, items: [item(1)], deadline: .now - .seconds(1))
        }
        scheduler.stop()
        #expect(error == .deadlineExceeded)
        #expect(gate.batches.isEmpty)
    }

    @Test func `a deadline ends the wait and the batch that nobody else waits for`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let error = #expect(throws: ServingError.self) {
            try scheduler.infer(model, items: [item(1)], deadline: .now + .milliseconds(20))
        }
        #expect(error?.status.code == 504)
        gate.open() // the engine is free for the next
        #expect(try scheduler.infer(model, items: [item(2)]).outputs == [[2]])
        scheduler.stop()
    }

    @Test func `a late neighbour leaves the batch running`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        try clients.infer(model, [item(0)])
        gate.waitForBatches(1)
        let cancellation = Cancellation()
        try clients.infer(model, [item(1)])
        try clients.infer(model, [item(2)], cancellation: cancellation)
        clients.waitForDepth(2)
        gate.open(1)
        gate.waitForBatches(2) // 1 and 2 run together
        cancellation.cancel()
        gate.open()
        let answers = clients.join()
        scheduler.stop()
        #expect(gate.batches.map { Set($0.items) } == [[0], [1, 2]])
        #expect(answers.contains { $0.first == 1 })
    }

    @Test func `a cancelled request never runs when it still waits`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        try clients.infer(model, [item(0)])
        gate.waitForBatches(1)
        let cancellation = Cancellation()
        try clients.infer(model, [item(1)], cancellation: cancellation)
        clients.waitForDepth(1)
        cancellation.cancel()
        gate.open()
        let answers = clients.join()
        scheduler.stop()
        #expect(answers.compactMap(\.error) == [.cancelled])
        #expect(gate.batches.map(\.items) == [[0]])
    }

    @Test func `a running batch stops once its only client is gone`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        let cancellation = Cancellation()
        try clients.infer(model, [item(0)], cancellation: cancellation)
        gate.waitForBatches(1) // and the gate stays shut
        cancellation.cancel()
        let answers = clients.join()
        scheduler.stop()
        #expect(answers.compactMap(\.error) == [.cancelled])
    }

    @Test func `a cancelled request gives its place to another when the queue is full`() throws {
        let scheduler = try scheduler(maxItems: 1)
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        try clients.infer(model, [item(0)])
        gate.waitForBatches(1)
        let cancellation = Cancellation()
        try clients.infer(model, [item(1)], cancellation: cancellation)
        clients.waitForDepth(1)
        cancellation.cancel()
        try clients.infer(model, [item(2)])
        clients.waitForEnds(1) // the cancelled one was told when its place was taken
        gate.open()
        let answers = clients.join()
        scheduler.stop()
        #expect(answers.compactMap(\.error) == [.cancelled])
        #expect(gate.batches.map(\.items) == [[0], [2]])
    }

    @Test func `a busy model does not starve a quiet one`() throws {
        let scheduler = try scheduler(maxBatch: 2)
        let busy = try TestModels.gru("busy")
        let quiet = try TestModels.gru("quiet")
        let clients = Clients(scheduler)
        try clients.infer(busy, [item(0)])
        gate.waitForBatches(1)
        try clients.infer(busy, [item(1), item(2)])
        clients.waitForDepth(2)
        try clients.infer(quiet, [item(3)])
        clients.waitForDepth(3)
        try clients.infer(busy, (4..<10).map { item(Float($0)) })
        clients.waitForDepth(9)
        gate.open()
        _ = clients.join()
        scheduler.stop()
        #expect(gate.batches.prefix(3).map(\.model) == ["busy", "quiet", "busy"])
    }

    @Test func `an item of a wrong shape is refused before it is queued`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let wrong = Tensor(shape: [2, 4], values: Array(repeating: 0, count: 8))
        let error = #expect(throws: ServingError.self) { try scheduler.infer(model, items: [wrong]) }
        scheduler.stop()
        #expect(error?.status.code == 400)
        #expect(error?.message.contains("cannot run on 2×4") == true, "\(error?.message ?? "")")
        #expect(gate.batches.isEmpty)
    }

    @Test func `stopping finishes what waits and refuses what comes`() throws {
        let scheduler = try scheduler()
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        try clients.infer(model, [item(0)])
        gate.waitForBatches(1)
        try clients.infer(model, [item(1)])
        clients.waitForDepth(1)
        gate.open()
        scheduler.stop()
        let answers = clients.join()
        #expect(Set(answers.map(\.first)) == [0, 1])
        let error = #expect(throws: ServingError.self) { try scheduler.infer(model, items: [item(2)]) }
        #expect(error == .draining)
    }
}

/// Threads that wait for answers of a scheduler.
final class Clients: Sendable {
    /// What a thread got.
    struct Answer: Sendable {
        let first: Float?
        let error: ServingError?
    }

    private let scheduler: Scheduler
    private let threads = ThreadGroup()
    private let answers = Monitor<[Answer]>([])

    init(_ scheduler: Scheduler) {
        self.scheduler = scheduler
    }

    func infer(_ model: Model, _ items: [Tensor], cancellation: Cancellation? = nil) throws {
        try threads.start(name: "client") { [self] in
            let answer: Answer
            do throws(ServingError) {
                let inference = try scheduler.infer(model, items: items, cancellation: cancellation)
                answer = Answer(first: inference.outputs[0][0], error: nil)
            } catch {
                answer = Answer(first: nil, error: error)
            }
            answers.signal { $0.append(answer) }
        }
    }

    /// Waits until so many items are queued over all models.
    func waitForDepth(_ count: Int) {
        while scheduler.queues().reduce(0, { $0 + $1.items }) < count {}
    }

    /// Waits until so many requests have ended.
    func waitForEnds(_ count: Int) {
        _ = answers.wait { $0.count >= count ? true : nil }
    }

    func join() -> [Answer] {
        threads.join()
        return answers.withLock { $0 }
    }
}

extension SchedulerTests {
    @Test func `a network that is let go answers what it has, and is forgotten then`() throws {
        let scheduler = try Scheduler(Scheduler.Configuration()) { [gate] in
            BatchRunner.Functions(run: gate.run)
        }
        let model = try TestModels.gru()
        let clients = Clients(scheduler)
        try clients.infer(model, [Tensor(shape: [1, 3], values: [1, 0, 0])])
        gate.waitForBatches(1)
        try clients.infer(model, [Tensor(shape: [1, 3], values: [2, 0, 0])])
        clients.waitForDepth(1)
        scheduler.retire(model.network)
        #expect(scheduler.knows(model.network))
        // Whoever has it may still ask.
        try clients.infer(model, [Tensor(shape: [1, 3], values: [3, 0, 0])])
        clients.waitForDepth(2)
        gate.open()
        #expect(Set(clients.join().map(\.first)) == [1, 2, 3])
        while scheduler.knows(model.network) {}
        // One that comes late is answered too, and not remembered.
        #expect(
            try scheduler.infer(model, items: [Tensor(shape: [1, 3], values: [4, 0, 0])]).outputs == [[4]]
        )
        while scheduler.knows(model.network) {}
        scheduler.stop()
    }
}
