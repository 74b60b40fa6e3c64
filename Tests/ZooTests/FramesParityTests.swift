import Engine
import Foundation
import Testing
import Zoo

/// Networks over frames with synthetic weights against PyTorch; `Fixtures/make_frames.py` has the same cases.
@Suite(.serialized) struct FramesParityTests {
    private static let pool = WorkerPool(threads: 2)

    /// A network, named as in the fixture, and its clip.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let options: [String: OptionValue]
        let pooling: SequencePool.Kind?
        let classes: Int
        let side: [Int]
        let frames: Int

        var testDescription: String { name }

        var configuration: ArchitectureConfiguration {
            ArchitectureConfiguration(
                classes: classes,
                options: options,
                imageSize: (side[0], side[1]),
                pooling: pooling,
                steps: frames
            )
        }
    }

    // swift-format-ignore
    static let cases = [
        Case(name: "resnet18 lstm steps", options: ["extractor": .string("resnet18"), "hidden": .number(24)],
             pooling: nil, classes: 5, side: [64, 64], frames: 5),
        Case(name: "resnet20 B gru 2 mean",
             options: ["extractor": .string("resnet20"), "extractor_options": .object(["shortcut": .string("B")]),
                       "cell": .string("gru"), "hidden": .number(17), "layers": .number(2), "bidirectional": .bool(true)],
             pooling: .mean, classes: 6, side: [32, 32], frames: 7),
        Case(name: "alexnet lstm last",
             options: ["extractor": .string("alexnet"), "cell": .string("lstm"), "hidden": .number(16)],
             pooling: .last, classes: 4, side: [96, 80], frames: 3),
        Case(name: "lenet5 rnn max", options: ["extractor": .string("lenet5"), "cell": .string("rnn"), "hidden": .number(20)],
             pooling: .max, classes: 10, side: [32, 32], frames: 6),
    ]

    @Test(arguments: cases)
    func `logits equal PyTorch's`(_ row: Case) throws {
        let expected = try Self.fixture().tensor(row.name)
        let architecture = try Architecture.named("cnn_rnn")
        let extractor = try #require(try architecture.extractor(row.configuration))
        let clip = (0..<row.frames).map { frame in
            SyntheticWeights.tensor(
                "input",
                extractor.graph.inputShape,
                seed: LogitsTests.seed + UInt64(frame)
            )
        }
        let features = try Self.logits(extractor.graph, clip).flatMap(\.self)
        let graph = try architecture.graph(row.configuration)
        let sequence = Tensor(shape: [row.frames, extractor.features], values: features)
        let logits = try Self.logits(graph, [sequence])[0]
        #expect(graph.shape(of: graph.outputs[0].value) == expected.shape)
        let largest = expected.values.map(\.magnitude).max() ?? 0
        for (index, (found, wanted)) in zip(logits, expected.values).enumerated() {
            #expect(
                (found - wanted).magnitude <= LogitsTests.tolerance * largest,
                "logit \(index) is \(found), PyTorch's \(wanted); the largest is \(largest)"
            )
        }
    }

    @Test func `the fixture has a tensor for each case and no other`() throws {
        #expect(try Self.fixture().shapes.keys.sorted() == Self.cases.map(\.name).sorted())
    }

    private static func fixture() throws -> Safetensors {
        let folder = try #require(Bundle.module.resourceURL)
        return try Safetensors(path: folder.appending(path: "Fixtures/frames.safetensors").path)
    }

    private static func logits(_ graph: Graph, _ items: [Tensor]) throws -> [[Float]] {
        let weights = Weights(synthetic: LogitsTests.seed, for: graph)
        let session = Session(graph: graph, weights: weights, pool: Self.pool)
        try session.prepare(inputShape: items[0].shape, batch: items.count)
        for (index, item) in items.enumerated() { item.withSpan { session.setInput(index, to: $0) } }
        #expect(session.run())
        return items.indices.map { item in
            session.withOutput("logits", item: item) { span in span.indices.map { span[$0] } }
        }
    }
}
