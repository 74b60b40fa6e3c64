import Engine
import Inference
import Platform
import Support
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

    @Test func `sequences of different lengths share a batch and keep their answers`() throws {
        let scheduler = try Scheduler(threads: 2)
        defer { scheduler.stop() }
        let model = try TestModels.gru()
        let inputs = (0..<12).map { TestModels.sequence(UInt64($0), steps: 9 + $0 % 8) }
        let together = try scheduler.infer(model, items: inputs, returnsStates: true)
        #expect(together.batchSize == 12)
        for (index, input) in inputs.enumerated() {
            let alone = try scheduler.infer(model, items: [input], returnsStates: true)
            #expect(alone.outputs == [together.outputs[index]])
            #expect(alone.states == [together.states[index]])
        }
        let short = try scheduler.infer(model, items: [inputs[0], TestModels.sequence(99, steps: 2)])
        #expect(short.batchSize == 1, "lengths that are far apart have batches of their own")
    }

    @Test func `a sequence goes on from its state with the bits of the whole`() throws {
        let scheduler = try Scheduler(threads: 2)
        defer { scheduler.stop() }
        let model = try TestModels.gru()
        let whole = TestModels.sequence(5, steps: 40)
        let expected = try scheduler.infer(model, items: [whole], returnsStates: true)
        var state: [Float] = []
        var output: [Float] = []
        for step in 0..<40 {
            let part = Tensor(shape: [1, 3], values: Array(whole.values[step * 3..<step * 3 + 3]))
            let neighbour = TestModels.sequence(UInt64(step), steps: 1)
            let inference = try scheduler.infer(
                model,
                items: [neighbour, part],
                states: [[], state],
                returnsStates: true
            )
            (output, state) = (inference.outputs[1], inference.states[1])
        }
        #expect(output == expected.outputs[0])
        #expect(state == expected.states[0])
        #expect(try scheduler.infer(model, items: [whole]).states.isEmpty, "nobody asked")
    }

    @Test func `refuses a state that is not the model's`() throws {
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let model = try TestModels.gru()
        let error = #expect(throws: ServingError.self) {
            try scheduler.infer(model, items: [TestModels.sequence(1)], states: [[1, 2, 3]])
        }
        #expect(error?.status.code == 400)
        #expect(error?.message == "a state of model 'tiny' has 4 numbers, found 3")
    }

    @Test func `warming up runs a model once`() throws {
        let metrics = ServingMetrics(version: "test")
        let scheduler = try Scheduler(threads: 1, metrics: metrics)
        defer { scheduler.stop() }
        try scheduler.warmUp(TestModels.gru(), nil)
        let text = String(decoding: metrics.render(), as: UTF8.self)
        #expect(text.contains(#"martlet_batches_total{model="tiny",version="1",reason="idle"} 1"#))
    }
}
