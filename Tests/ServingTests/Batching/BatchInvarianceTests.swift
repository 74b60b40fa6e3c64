import Engine
import Platform
import Serving
import Synchronization
import Testing

/// The scheduler on the real engine.
struct BatchInvarianceTests {
    @Test func `concurrent distinct inputs each get their own answer, the same bits as alone`() throws {
        let scheduler = try Scheduler(.init(policy: BatchPolicy(maxBatchSize: 8)), threads: 2)
        let models = [try TestModels.gru("one", seed: 1), try TestModels.gru("two", seed: 2)]
        // Lengths differ so that batches form from some of what waits and not from all.
        let inputs = (0..<40).map { TestModels.sequence(UInt64($0), steps: 1 + $0 % 3) }
        let alone = try models.map { model in
            try inputs.map { try scheduler.infer(model, items: [$0]).outputs[0] }
        }
        #expect(Set(alone.flatMap(\.self)).count == 80, "distinct inputs have distinct outputs")

        let wrong = Atomic(0)
        let threads = ThreadGroup()
        for client in 0..<8 {
            try threads.start(name: "client") {
                for round in 0..<50 {
                    let index = (client * 7 + round) % inputs.count
                    let model = (client + round) % 2
                    // An error counts as a wrong answer.
                    let answer = try? scheduler.infer(models[model], items: [inputs[index]])
                    if answer?.outputs != [alone[model][index]] { wrong.add(1, ordering: .relaxed) }
                }
            }
        }
        threads.join()
        scheduler.stop()
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test func `thirty-two items in one request give the same bits as one by one`() throws {
        let scheduler = try Scheduler(threads: 2)
        defer { scheduler.stop() }
        let model = try TestModels.gru()
        let inputs = (0..<32).map { TestModels.sequence(UInt64($0), steps: 9) }
        let together = try scheduler.infer(model, items: inputs)
        #expect(together.batchSize == 32)
        for (input, output) in zip(inputs, together.outputs) {
            #expect(try scheduler.infer(model, items: [input]).outputs == [output])
        }
    }

    @Test func `warming up runs a model once`() throws {
        let metrics = ServingMetrics(version: "test")
        let scheduler = try Scheduler(threads: 1, metrics: metrics)
        defer { scheduler.stop() }
        try scheduler.warmUp(TestModels.gru())
        let text = String(decoding: metrics.render(), as: UTF8.self)
        #expect(text.contains(#"martlet_batches_total{model="tiny",version="1",reason="idle"} 1"#))
    }
}
