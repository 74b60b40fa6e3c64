import Engine
import Inference
import Models
import Support
import Tasks
import Testing
import Zoo

/// Regressions that look several steps ahead.
struct ForecasterTests {
    private static func model(_ pooling: String, size: Int = 2, outputs: Int = 2) throws -> Model {
        let text = """
            {"architecture": "rnn", "task": "sequence-regression", "pooling": "\(pooling)",
             "input": {"kind": "features", "size": \(size), "mean": [1, -1], "std": [2, 4], "max_length": 12},
             "output": {"mean": [\(Array(repeating: "1", count: outputs).joined(separator: ","))],
                        "std": [\(Array(repeating: "3", count: outputs).joined(separator: ","))]}}
            """
        let manifest = try Manifest(parsing: Array(text.utf8))
        guard case .features(let description) = manifest.input else {
            fatalError("the manifest has features")
        }
        let architecture = try Architecture.named("rnn")
        let graph = try architecture.graph(
            ArchitectureConfiguration(
                classes: outputs,
                options: ["hidden": .number(5)],
                sequenceInput: .features(size),
                pooling: manifest.pooling
            )
        )
        return try Model(
            name: "series",
            version: "1",
            manifest: manifest,
            architecture: architecture,
            main: (graph, Weights(synthetic: 3, for: graph)),
            input: .sequence(SequenceEncoder(description)),
            labels: nil
        )
    }

    private static let series = (0..<6).map { [Double($0), Double($0 * $0) / 8 - 1] }

    private static func json(_ rows: [[Double]]) -> JSONValue {
        .array(rows.map { .array($0.map(JSONValue.number)) })
    }

    /// Feeds each prediction back as the last step of a whole new request.
    private func byHand(_ predictor: SequencePredictor, _ model: Model, horizon: Int) throws -> [[Float]] {
        var rows = Self.series
        for _ in 0..<horizon {
            let answer = try predictor.predict(Self.json(rows), with: model)
            guard case .values(let values) = answer.outcome else { return [] }
            rows.append(values[0].map(Double.init))
        }
        return rows.dropFirst(Self.series.count).map { $0.map(Float.init) }
    }

    @Test(arguments: ["last", "mean", "max"])
    func `a horizon gives the bits of requests made one after the other`(pooling: String) throws {
        let scheduler = try Scheduler(threads: 2)
        defer { scheduler.stop() }
        let predictor = SequencePredictor(scheduler: scheduler)
        let model = try Self.model(pooling)
        let short = Array(Self.series.prefix(2))
        let answers = try predictor.predict(
            [Self.json(Self.series), Self.json(short)],
            with: model,
            horizon: 5
        )
        guard case .values(let values) = answers[0].outcome else {
            Issue.record("\(answers[0].outcome)")
            return
        }
        #expect(values.count == 5)
        #expect(values == (try byHand(predictor, model, horizon: 5)))
    }

    @Test func `only what reads everything again has a longest sequence to respect`() throws {
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let predictor = SequencePredictor(scheduler: scheduler)
        let series = [Self.json(Self.series)]
        #expect(try predictor.predict(series, with: Self.model("last"), horizon: 8).count == 1)
        #expect(try predictor.predict(series, with: Self.model("mean"), horizon: 7).count == 1)
        let error = #expect(throws: ServingError.self) {
            try predictor.predict(series, with: Self.model("mean"), horizon: 8)
        }
        #expect(error?.message == "the sequence has 13 steps, the model takes at most 12")
    }

    @Test func `a horizon that cannot be is refused`() throws {
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let predictor = SequencePredictor(scheduler: scheduler)
        let wide = #expect(throws: ServingError.self) {
            try predictor.predict([Self.json(Self.series)], with: Self.model("last", outputs: 3), horizon: 2)
        }
        #expect(wide?.message.contains("its 3 values are not a step of its input") == true)
        let far = #expect(throws: ServingError.self) {
            try predictor.predict([Self.json(Self.series)], with: Self.model("last"), horizon: 1001)
        }
        #expect(far?.message == "horizon: expected a whole number from 1 to 1000, found '1001'")
        let task = #expect(throws: ServingError.self) {
            try predictor.predict([Self.json([[1, 2, 3]])], with: TestModels.gru(), horizon: 1)
        }
        #expect(task?.message.contains("only a 'sequence-regression' looks ahead") == true)
    }
}
