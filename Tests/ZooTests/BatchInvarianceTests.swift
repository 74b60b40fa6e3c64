import Engine
import Testing
import Zoo

/// Whole networks give the same bits at every batch size, at every place in the batch and on any number of threads.
@Suite(.serialized) struct BatchInvarianceTests {
    static let networks: [(name: String, size: Int)] = [
        ("alexnet", 67), ("vgg11", 32), ("googlenet", 65), ("resnet18", 65), ("resnet50", 48),
        ("resnext50_32x4d", 48), ("densenet121", 48), ("squeezenet1_1", 65), ("mobilenet_v2", 65),
        ("shufflenet_v2_x1_0", 65), ("inception_v3", 75),
    ]

    @Test(arguments: networks)
    func `gives the same bits`(_ network: (name: String, size: Int)) throws {
        let configuration = ArchitectureConfiguration(classes: 10, imageSize: (network.size, network.size))
        let graph = try Architecture.named(network.name).graph(configuration)
        let weights = Weights(synthetic: 7, for: graph)
        let items = (0..<5).map { SyntheticWeights.tensor("input", graph.inputShape, seed: UInt64($0)) }
        let alone = try items.map { try bits(graph, weights, [$0], threads: 1)[0] }
        #expect(Set(alone).count == items.count, "the items must differ for the test to mean anything")
        for (threads, count) in [(1, 5), (2, 1), (2, 5), (3, 2), (3, 4)] {
            let found = try bits(graph, weights, Array(items.prefix(count)), threads: threads)
            #expect(found == Array(alone.prefix(count)), "\(count) items on \(threads) threads")
        }
        #expect(try bits(graph, weights, items.reversed(), threads: 2) == alone.reversed())
    }

    private func bits(_ graph: Graph, _ weights: Weights, _ items: [Tensor], threads: Int) throws
        -> [[UInt32]]
    {
        let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: threads))
        try session.prepare(inputShape: graph.inputShape, batch: items.count)
        for (index, item) in items.enumerated() { item.withSpan { session.setInput(index, to: $0) } }
        #expect(session.run())
        return items.indices.map { item in
            session.withOutput("logits", item: item) { span in span.indices.map { span[$0].bitPattern } }
        }
    }
}
