import Engine
import ONNX
import Testing
import Zoo

/// A network of the zoo that goes through an ONNX file runs as the same operations.
@Suite struct ZooParityTests {
    /// Small images keep the plain parts of the tests small; those with fully connected layers have their own size.
    static let networks: [(name: String, side: Int?)] = [
        ("caffenet", nil), ("resnet50", 64), ("googlenet", 64), ("densenet121", 64),
        ("squeezenet1_1", 64), ("efficientnet_b0", 64), ("mobilenet_v3_large", 64), ("regnet_y_400mf", 64),
        ("shufflenet_v2_x1_0", 64),
    ]

    @Test(arguments: networks.map(\.name)) func `gives the bits of the zoo's`(name: String) throws {
        let side = Self.networks.first { $0.name == name }?.side
        let architecture = try Architecture.named(name)
        let graph = try architecture.graph(ArchitectureConfiguration(imageSize: side.map { ($0, $0) }))
        let own = Weights(synthetic: 7, for: graph)
        let file = ModelWriter(graph, seed: 7).bytes()
        let imported = try ImportedNetwork(parsing: file, folder: nil)
        #expect(imported.graph.nodes.map(\.op.structure) == graph.nodes.map(\.op.structure))
        let item = SyntheticWeights.tensor("input", graph.inputShape, seed: 3, gain: 1).values
        let expected = try run(graph, own, item)
        let found = try run(imported.graph, imported.weights(), item)
        #expect(found.map { $0.map(\.bitPattern) } == expected.map { $0.map(\.bitPattern) })
    }

    @Test func `names the outputs of a classifier`() throws {
        let graph = try Architecture.named("squeezenet1_1").graph(
            ArchitectureConfiguration(imageSize: (64, 64))
        )
        let file = ModelWriter(graph, seed: 7).bytes()
        let imported = try ImportedNetwork(parsing: file, folder: nil, options: .init(isClassifier: true))
        #expect(imported.outputs.map(\.name) == ["logits", "probabilities"])
        #expect(imported.outputs.map(\.dimensions) == [[1, 1000], [1, 1000]])
    }

    private func run(_ graph: Graph, _ weights: Weights, _ item: [Float]) throws -> [[Float]] {
        let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: 2))
        try session.prepare(inputShape: graph.inputShape, batch: 1)
        session.setInput(0, to: item.span)
        #expect(session.run())
        return graph.outputs.map { output in
            session.withOutput(output.name, item: 0) { span in span.indices.map { span[$0] } }
        }
    }
}
