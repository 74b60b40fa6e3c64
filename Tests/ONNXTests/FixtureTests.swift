import Engine
import ONNX
import Platform
import Testing

/// A file made of what exporters write out (`Tests/ONNX/fixture.py`), and what ONNX Runtime makes of it.
@Suite struct FixtureTests {
    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        + "/Fixtures"

    private func network() throws -> ImportedNetwork {
        try ImportedNetwork(path: "\(Self.folder)/patterns.onnx")
    }

    @Test func `gives the answer of another runtime`() throws {
        let file = try Safetensors(path: "\(Self.folder)/patterns.safetensors")
        let (x, expected) = (try file.tensor("x"), try file.tensor("y").values)
        let found = try run(network(), [x.values], threads: 2)[0]
        let largest = expected.map(abs).max() ?? 0
        for (value, wanted) in zip(found, expected) { #expect(abs(value - wanted) <= 1e-5 * largest) }
        #expect(found.count == expected.count)
    }

    /// But for the shuffle of channels, which is quicker on a planar image.
    @Test func `has no operation that leaves the blocks`() throws {
        let network = try network()
        let plan = try Plan(network.graph, weights: network.weights())
        let steps = plan.operations.map(\.structure)
        let around = steps.indices.filter { plan.operations[$0].name == "reorder" }
        #expect(around.count == 2 && steps[around[0] + 1] == "select 40 channels", "\(plan.operations)")
        #expect(
            Set(network.graph.nodes.map(\.op.structure)).isSuperset(of: [
                "silu", "hard sigmoid", "gate", "hard swish", "layer norm", "gelu", "80 filters 1×1",
                "select 40 channels", "resize to 16×16", "depth to space 2×2", "leakyRelu",
            ])
        )
    }

    @Test(arguments: [1, 2, 3]) func `gives the same bits in any batch`(threads: Int) throws {
        let network = try network()
        let items = (0..<5).map { seed in
            SyntheticWeights.tensor("input", network.graph.inputShape, seed: UInt64(seed), gain: 1).values
        }
        let alone = try items.map { try run(network, [$0], threads: 1)[0].map(\.bitPattern) }
        #expect(Set(alone).count == items.count)
        #expect(try run(network, items, threads: threads).map { $0.map(\.bitPattern) } == alone)
    }

    private func run(_ network: ImportedNetwork, _ items: [[Float]], threads: Int) throws -> [[Float]] {
        let session = Session(
            graph: network.graph,
            weights: network.weights(),
            pool: WorkerPool(threads: threads)
        )
        try session.prepare(inputShape: network.graph.inputShape, batch: items.count)
        for (index, item) in items.enumerated() { session.setInput(index, to: item.span) }
        #expect(session.run())
        return items.indices.map { item in
            session.withOutput("y", item: item) { span in span.indices.map { span[$0] } }
        }
    }
}
