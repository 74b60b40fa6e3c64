import Engine
import Testing

/// What operations become in a plan, between two convolutions on blocked images.
@Suite struct OpFormTests {
    private static let blocked: [any Op] = [
        Pool(.max, window: Window(3, pad: 1)), Pool(.averageInside, window: Window(2)),
        AdaptiveAveragePool(height: 2, width: 3), LocalResponseNorm(), ChannelScale([.init(scale: 0.5)]),
        ChannelNorm(channels: 20),
        BatchNorm(channels: 20), Activation.relu, Activation.relu6, Activation.tanh, Activation.sigmoid,
        Activation.hardSwish, Activation.gelu, SelectChannels(Array(4..<20) + Array(0..<4)),
        LayerScale("gamma", channels: 20),
        GlobalResponseNorm(channels: 20), LeakyReLU(),
    ]

    private static let planar: [any Op] = [
        Softmax(), SelectChannels(Array(0..<20).reversed()), PadShortcut(channels: 20, stride: 1),
        Subsampling(channels: 20),
        LocalResponseNorm(size: 33),
    ]

    private func names(_ op: any Op) throws -> [String] {
        var graph = Graph(inputShape: [20, 9, 11])
        let conv = Conv(inputChannels: 20, outputChannels: 20, window: Window(1))
        let before = try graph.add(conv, name: "before", inputs: [.input])
        let value = try graph.add(op, name: "op", inputs: [before])
        graph.setOutput("before", to: before) // so that nothing is fused
        graph.setOutput("output", to: try graph.add(conv, name: "behind", inputs: [value]))
        return try Plan(graph, weights: Weights(synthetic: 1, for: graph)).operations.map(\.name)
    }

    @Test(arguments: blocked.indices)
    func `takes a blocked image as it is`(_ index: Int) throws {
        let names = try names(Self.blocked[index])
        #expect(Array(names.prefix(4)) == ["reorder", "before", "op", "behind"], "\(Self.blocked[index])")
    }

    @Test(arguments: planar.indices)
    func `has the image reordered for it and behind it`(_ index: Int) throws {
        let names = try names(Self.planar[index])
        let expected = ["reorder", "before", "reorder", "op", "reorder", "behind"]
        #expect(Array(names.prefix(6)) == expected, "\(Self.planar[index])")
    }

    @Test func `says which numbers of a step are tokens, and of which table`() throws {
        var graph = Graph(inputShape: [4, 3])
        let tables = try [(9, 0), (5, 2)].map { size, column in
            let op = Embedding(size: size, features: 2, column: column, columns: 3)
            return try graph.add(op, name: "table\(column)", inputs: [.input])
        }
        _ = try graph.add(ConcatFeatures(), name: "concat", inputs: tables)
        #expect(
            graph.tokenColumns == [
                TokenColumn(size: 9, column: 0, columns: 3), TokenColumn(size: 5, column: 2, columns: 3),
            ]
        )
    }
}
