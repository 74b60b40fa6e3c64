import Engine
import Testing
import Zoo

/// The image networks of the zoo give the same bits at every batch size, at every place in the batch and on any number of
/// threads: all but the larger ones of a library's tables, of which LogitsTests has the smallest.
@Suite(.serialized) struct BatchInvarianceTests {
    /// A network on an image that is small and cut unevenly.
    struct Network: Sendable, CustomTestStringConvertible {
        let architecture: Architecture
        let graph: Graph

        /// Odd sides, so that few maps are whole tiles; a network takes the first that it can, else its own size.
        private static let sides = [33, 49, 65, 75, 97]

        init(_ architecture: Architecture) throws {
            self.architecture = architecture
            let fitting = Self.sides.lazy.compactMap { side in
                // An image that is too small for the network.
                try? architecture.graph(ArchitectureConfiguration(classes: 10, imageSize: (side, side)))
            }
            graph = try fitting.first ?? architecture.graph(ArchitectureConfiguration(classes: 10))
        }

        /// What the test takes, in multiply-adds: eleven runs of an item, and weights that are made up and packed.
        var work: Int { 11 * graph.multiplyAdds + 400 * parameters }

        private var parameters: Int { graph.parameters.reduce(0) { $0 + $1.shape.elementCount } }

        var testDescription: String { "\(architecture.name) on \(graph.inputShape)" }
    }

    /// What a network may take for the whole suite to end within about half a minute on two cores.
    static let mostWork = 55_000_000_000

    static let networks: [Network] = Architecture.all.compactMap { architecture in
        guard case .image = architecture.input else { return nil }
        let isLarger = LibraryTests.rows.contains { $0.name == architecture.name }
        guard !isLarger || LogitsTests.images.contains(where: { $0.architecture == architecture.name }) else {
            return nil
        }
        do {
            return try Network(architecture)
        } catch {
            preconditionFailure("\(architecture.name) does not take its own image: \(error)")
        }
    }

    @Test(arguments: networks.filter { $0.work <= mostWork })
    func `gives the same bits`(_ network: Network) throws {
        let graph = network.graph
        let weights = Weights(synthetic: 7, for: graph)
        let items = (0..<3).map { SyntheticWeights.tensor("input", graph.inputShape, seed: UInt64($0)) }
        let alone = try items.map { try bits(graph, weights, [$0], threads: 1)[0] }
        #expect(Set(alone).count == items.count, "the items must differ for the test to mean anything")
        // On two threads each owns an item and both share the third; on three they share all of two.
        for (threads, count) in [(1, 3), (2, 3), (3, 2)] {
            let found = try bits(graph, weights, items.suffix(count), threads: threads)
            #expect(found == alone.suffix(count), "\(count) items on \(threads) threads")
        }
    }

    @Test func `leaves out only the relatives of others that take too long`() {
        let names = Self.networks.filter { $0.work > Self.mostWork }.map(\.architecture.name)
        #expect(Set(names) == ["vgg16_bn", "resnext29_8x64d", "dla102"])
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
