import Engine
import Testing

@Suite struct OpTests {
    @Test(arguments: OpCases.all)
    func `agrees with its definition`(_ row: OpCase) throws {
        let graph = try row.graph()
        let weights = Weights(synthetic: 5, for: graph)
        let own = graph.nodes.last?.op.parameters.count ?? 0
        let arrays = weights.tensors.suffix(own).map { Reference.Array($0.shape, $0.values.map(Double.init)) }
        let items = (0..<2).map(row.item)
        let names = ["output"] + graph.outputs.map(\.name).filter { $0 != "output" }
        let results = try outputs(
            of: graph,
            weights: weights,
            items: items,
            pool: WorkerPool(threads: 2),
            names: names
        )
        let shapes = graph.nodes.last?.inputs.map(graph.shape(of:)) ?? []
        for (index, result) in results.enumerated() {
            let inputs = shapes.enumerated().map { position, shape in
                Reference.Array(shape, (result["input\(position)"] ?? []).map(Double.init))
            }
            let expected = try row.expected(inputs, arrays)
            #expect(expected.shape == graph.nodes.last?.shape)
            expectClose(
                result["output"] ?? [],
                expected.values,
                tolerance: row.tolerance,
                "\(row.testDescription), item \(index)"
            )
        }
    }

    @Test(arguments: OpCases.all)
    func `gives the same bits alone, in a batch and on three threads`(_ row: OpCase) throws {
        let graph = try row.graph()
        let weights = Weights(synthetic: 6, for: graph)
        let items = (0..<7).map(row.item)
        let three = WorkerPool(threads: 3)
        let together = try outputs(of: graph, weights: weights, items: items, pool: three, names: ["output"])
        for (index, item) in items.enumerated() {
            let alone = try outputs(
                of: graph,
                weights: weights,
                items: [item],
                pool: WorkerPool(threads: 1),
                names: ["output"]
            )
            #expect(
                alone[0]["output"]?.map(\.bitPattern) == together[index]["output"]?.map(\.bitPattern),
                "item \(index)"
            )
        }
    }

    @Test(arguments: [(14, 13), (7, 8), (1, 1), (97, 64)])
    func `a convolution padded as its stride needs has so many positions at every size`(
        _ height: Int,
        _ width: Int
    ) throws {
        let conv = Conv(inputChannels: 3, outputChannels: 5, window: Window(3, stride: 2), isSame: true)
        var graph = Graph(inputShape: [3, 224, 224])
        graph.setOutput("output", to: try graph.add(conv, name: "conv", inputs: [.input]))
        let reshaped = try graph.reshaped(to: [3, height, width])
        #expect(reshaped.nodes[0].shape == [5, (height + 1) / 2, (width + 1) / 2])
        let pads = (reshaped.nodes[0].op as? Conv)?.window.pads
        // TensorFlow's: the odd zero is below and to the right.
        let (odd, even) = ((before: 1, behind: 1), (before: 0, behind: 1))
        let (rows, columns) = (height % 2 == 1 ? odd : even, width % 2 == 1 ? odd : even)
        #expect(
            pads == Pads(top: rows.before, left: columns.before, bottom: rows.behind, right: columns.behind)
        )
    }

    @Test func `refuses inputs that do not fit and says what it expected`() {
        // swift-format-ignore
        let rows: [(any Op, [Shape], String)] = [
            (Conv(inputChannels: 3, outputChannels: 4, window: Window(3)), [[4, 8, 8]], "conv: expected 3 channels, found 4"),
            (Conv(inputChannels: 3, outputChannels: 4, window: Window(3)), [[12]],      "conv: expected channels×height×width, found 12"),
            (Conv(inputChannels: 3, outputChannels: 4, window: Window(3)), [[3, 2, 8]], "a 3×3 window does not fit an image of 2×8 with padding 0×0"),
            (Conv(inputChannels: 4, outputChannels: 4, window: Window(1), groups: 3), [[4, 8, 8]], "conv: 4 → 4 channels do not split into 3 groups"),
            (Linear(inputs: 9, outputs: 1),          [[8]],             "linear: expected 9 values, found 8"),
            (Pool(.max, window: Window(2, pad: 2)),  [[1, 8, 8]],       "pool: padding is as large as the window (2×2, pad 2)"),
            (Add(),                                  [[3], [4]],        "sum: 3 and 4 differ"),
            (Add(),                                  [[3]],             "sum: expected 2 values, found 1"),
            (Concat(),                               [],                "concat: nothing to join"),
            (Split(axis: 0, sizes: [2, 3]),          [[4, 2, 2]],       "split: 4×2×2 has not 5 along axis 0"),
            (Split(axis: 3, sizes: [2, 2]),          [[4, 2, 2]],       "split: 4×2×2 has not 4 along axis 3"),
            (Concat(),                               [[1, 2, 2], [1, 2, 3]], "concat: 1×2×2 and 1×2×3 differ in height or width"),
            (PadShortcut(channels: 2, stride: 2),    [[3, 4, 4]],       "shortcut: expected at most 2 channels, found 3"),
            (BatchNorm(channels: 2),                 [[3, 4, 4]],       "batch norm: expected 2 channels, found 3"),
            (ChannelConv(kernel: 3),                 [[3, 1, 2]],       "channel conv: expected a single pixel, found 3×1×2"),
            (LayerScale("gamma", channels: 2),       [[3, 4, 4]],       "layer scale: expected 2 channels, found 3"),
            (GlobalResponseNorm(channels: 2),        [[3, 4, 4]],       "response norm: expected 2 channels, found 3"),
            (Embedding(size: 9, features: 2),        [[3, 4]],          "embedding: expected a row of tokens, found 3×4"),
            (Recurrent(.lstm, inputs: 3, hidden: 2), [[5, 4]],          "lstm: expected steps×3, found 5×4"),
            (SequencePool(.last, isBidirectional: true), [[5, 3]],      "sequence pool: expected two halves of features, found 5×3"),
            (Attention(.dot, values: 4, keys: 3),    [[5, 6], [1, 3]],  "attention: expected steps×(4 + 3), found 5×6"),
            (Attention(.dot, values: 4, keys: 3),    [[5, 7], [1, 4]],  "attention: expected a memory and a query of 3, found 5×7 and 1×4"),
        ]
        for (op, shapes, message) in rows {
            #expect(throws: ShapeError(message)) { try op.outputShape(of: shapes) }
        }
    }

    @Test func `turns a number that is no token into NaN and leaves its neighbours alone`() throws {
        var graph = Graph(inputShape: [6])
        let value = try graph.add(Embedding(size: 4, features: 2), name: "embedding", inputs: [.input])
        graph.setOutput("output", to: value)
        let items = [
            Tensor(shape: [6], values: [0, -1, 4, 0.5, .nan, .infinity]),
            Tensor(shape: [6], values: [3, 2, 1, 0, 1, 2]),
        ]
        let weights = Weights(synthetic: 1, for: graph)
        let results = try outputs(
            of: graph,
            weights: weights,
            items: items,
            pool: WorkerPool(threads: 1),
            names: ["output"]
        )
        let isNaN = (results[0]["output"] ?? []).map(\.isNaN)
        #expect(isNaN == [false, false] + [Bool](repeating: true, count: 10))
        #expect(results[1]["output"]?.contains(where: \.isNaN) == false)
    }
}
