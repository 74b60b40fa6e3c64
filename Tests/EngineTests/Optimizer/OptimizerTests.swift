import Engine
import Testing

/// Each test states a graph, the operations that are left of it, and that the numbers are those of the operations one
/// by one: when every value is an output, nothing can be fused.
@Suite struct OptimizerTests {
    private typealias Layers = (op: any Op, name: String, inputs: [Graph.Value])

    private func graph(_ layers: [Layers], everyValue: Bool = false) throws -> Graph {
        var graph = Graph(inputShape: [20, 9, 11])
        var last = Graph.Value.input
        for layer in layers {
            last = try graph.add(layer.op, name: layer.name, inputs: layer.inputs)
            if everyValue { graph.setOutput(layer.name, to: last) }
        }
        graph.setOutput("output", to: last)
        return graph
    }

    private func check(_ layers: [Layers], becomes names: [String]) throws {
        let fused = try graph(layers)
        let separate = try graph(layers, everyValue: true)
        let weights = Weights(synthetic: 3, for: fused)
        #expect(try Plan(fused, weights: weights).operations.map(\.name) == names + ["reorder"])
        let items = (0..<3).map { SyntheticWeights.tensor("input", [20, 9, 11], seed: UInt64($0)) }
        let pool = WorkerPool(threads: 2)
        let found = try outputs(of: fused, weights: weights, items: items, pool: pool, names: ["output"])
        let expected = try outputs(
            of: separate,
            weights: Weights(synthetic: 3, for: separate),
            items: items,
            pool: pool,
            names: ["output"]
        )
        for (index, (found, expected)) in zip(found, expected).enumerated() {
            let numbers = (expected["output"] ?? []).map(Double.init)
            expectClose(found["output"] ?? [], numbers, tolerance: 4e-6, "item \(index)")
        }
    }

    private func conv(_ inputs: Int, _ outputs: Int, _ window: Window = Window(3, pad: 1)) -> Conv {
        Conv(inputChannels: inputs, outputChannels: outputs, window: window, hasBias: false)
    }

    @Test func `folds batch norm, scales and ReLU into the convolution before them`() throws {
        let scale = ChannelScale([.init(scale: 0.2)])
        try check(
            [
                (conv(20, 24), "conv", [.input]), (BatchNorm(channels: 24), "norm", [.node(0)]),
                (scale, "scale", [.node(1)]), (Activation.relu, "relu", [.node(2)]),
            ],
            becomes: ["reorder", "conv"]
        )
    }

    @Test func `adds a residual in the later convolution, and the ReLU behind it`() throws {
        try check(
            [
                (conv(20, 20, Window(1)), "first", [.input]), (Activation.relu, "relu1", [.node(0)]),
                (conv(20, 20), "second", [.node(1)]), (BatchNorm(channels: 20), "norm", [.node(2)]),
                (Add(), "sum", [.node(3), .node(1)]), (Activation.relu, "relu2", [.node(4)]),
            ],
            becomes: ["reorder", "first", "second"]
        )
    }

    @Test(arguments: [Activation.hardSwish, .silu, .gelu, .geluTanh, .mish, .tanh])
    func `does what keeps zeros while a convolution of any kind stores`(function: Activation) throws {
        let grouped = Conv(inputChannels: 64, outputChannels: 64, window: Window(3, pad: 1), groups: 16)
        let depthwise = Conv(inputChannels: 64, outputChannels: 64, window: Window(5, pad: 2), groups: 64)
        let convolutions = [conv(20, 20, Window(1)), conv(20, 64), conv(64, 64), grouped, depthwise]
        let layers: [Layers] = convolutions.enumerated().flatMap { index, conv -> [Layers] in
            let input = index == 0 ? Graph.Value.input : .node(index * 2 - 1)
            return [(conv, "conv\(index)", [input]), (function, "function\(index)", [.node(index * 2)])]
        }
        let sum: [Layers] = [
            (conv(64, 64, Window(1)), "last", [.node(9)]), (Add(), "sum", [.node(10), .node(9)]),
            (function, "behind", [.node(11)]),
        ]
        try check(layers + sum, becomes: ["reorder"] + (0..<5).map { "conv\($0)" } + ["last"])
    }

    @Test func `does what keeps no zeros where channels fill their blocks`() throws {
        try check(
            [(conv(20, 32), "conv", [.input]), (Activation.sigmoid, "gate", [.node(0)])],
            becomes: ["reorder", "conv"]
        )
    }

    @Test func `leaves what does not keep zeros behind the convolution`() throws {
        try check(
            [(conv(20, 20), "conv", [.input]), (Activation.sigmoid, "gate", [.node(0)])],
            becomes: ["reorder", "conv", "gate"]
        )
    }

    @Test func `keeps the image that a convolution reads while it adds it`() throws {
        try check(
            [
                (conv(20, 20, Window(1)), "first", [.input]), (conv(20, 20), "second", [.node(0)]),
                (Add(), "sum", [.node(0), .node(1)]),
            ],
            becomes: ["reorder", "first", "second"]
        )
    }

    @Test
    func `does batch norm and ReLU while a convolution reads, and writes into the slab of a dense block`()
        throws
    {
        try check(
            [
                (conv(20, 32, Window(1)), "first", [.input]),
                (BatchNorm(channels: 32), "norm1", [.node(0)]), (Activation.relu, "relu1", [.node(1)]),
                (conv(32, 16), "grow1", [.node(2)]), (Concat(), "join1", [.node(0), .node(3)]),
                (BatchNorm(channels: 48), "norm2", [.node(4)]), (Activation.relu, "relu2", [.node(5)]),
                (conv(48, 16, Window(3, stride: 2, pad: 1)), "grow2", [.node(6)]),
                (conv(48, 20, Window(1, stride: 2)), "side", [.node(4)]),
                (Concat(), "join2", [.node(7), .node(8)]),
            ],
            becomes: ["reorder", "first", "grow1", "grow2", "side"]
        )
    }

    @Test func `copies what it cannot place: one value in two joins, channels that are not whole blocks`()
        throws
    {
        try check(
            [
                (conv(20, 16), "a", [.input]), (conv(20, 12), "b", [.input]),
                (Concat(), "join1", [.node(0), .node(1)]), (Concat(), "join2", [.node(0), .node(0)]),
                (conv(28, 16), "c", [.node(2)]), (conv(32, 16), "d", [.node(3)]),
                (Concat(), "join3", [.node(4), .node(5), .node(0)]),
            ],
            becomes: ["reorder", "a", "b", "join1", "join2", "c", "d"]
        )
    }

    @Test func `shares packed weights between the shapes of a model, with the same results`() throws {
        let layers: [Layers] = [
            (conv(20, 24), "conv", [.input]), (AdaptiveAveragePool(height: 2, width: 2), "pool", [.node(0)]),
            (Flatten(), "flatten", [.node(1)]), (Linear(inputs: 96, outputs: 10), "fc", [.node(2)]),
        ]
        let small = try graph(layers)
        let weights = Weights(synthetic: 3, for: small)
        let large = try small.reshaped(to: [20, 31, 17])
        #expect(
            try Plan(small, weights: weights).operations.map(\.name) == ["reorder", "conv", "pool", "fc"]
        )
        let item = SyntheticWeights.tensor("input", [20, 31, 17], seed: 1)
        let pool = WorkerPool(threads: 1)
        let shared = try outputs(of: large, weights: weights, items: [item], pool: pool, names: ["output"])
        let own = try outputs(
            of: large,
            weights: Weights(synthetic: 3, for: large),
            items: [item],
            pool: pool,
            names: ["output"]
        )
        #expect(shared[0]["output"] == own[0]["output"])
    }
}
