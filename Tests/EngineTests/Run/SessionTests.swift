import AllocationCounter
import Engine
import Testing

@Suite struct SessionTests {
    /// A network with every kind of operation on images: a residual branch, a shortcut, groups, a concatenation.
    static func imageGraph() throws -> Graph {
        var graph = Graph(inputShape: [3, 33, 33])
        func add(_ op: any Op, _ name: String, _ inputs: Graph.Value...) throws -> Graph.Value {
            try graph.add(op, name: name, inputs: inputs)
        }
        let conv1 = Conv(inputChannels: 3, outputChannels: 16, window: Window(5, stride: 2, pad: 2))
        let stem = try add(Activation.relu, "relu1", add(conv1, "conv1", .input))
        let norm = try add(LocalResponseNorm(), "norm1", stem)
        let pool = try add(Pool(.max, window: Window(3, stride: 2, pad: 1)), "pool1", norm)
        let conv2 = Conv(
            inputChannels: 16,
            outputChannels: 16,
            window: Window(3, pad: 1),
            groups: 2,
            hasBias: false
        )
        let branch = try add(BatchNorm(channels: 16), "bn2", add(conv2, "conv2", pool))
        let sum = try add(Activation.relu, "relu2", add(Add(), "add2", branch, pool))
        let shortcut = try add(PadShortcut(channels: 40, stride: 2), "shortcut", sum)
        let conv3 = Conv(inputChannels: 16, outputChannels: 24, window: Window(3, stride: 2, pad: 1))
        let joined = try add(Concat(), "concat", add(conv3, "conv3", sum), shortcut)
        let average = try add(AdaptiveAveragePool(height: 2, width: 2), "pool2", joined)
        let logits = try add(Linear(inputs: 256, outputs: 11), "fc", add(Flatten(), "flatten", average))
        graph.setOutput("logits", to: logits)
        graph.setOutput("probabilities", to: try add(Softmax(), "softmax", logits))
        return graph
    }

    /// An embedding, two recurrent layers and a head.
    static func textGraph(steps: Int = 9) throws -> Graph {
        var graph = Graph(inputShape: [steps])
        var value = try graph.add(Embedding(size: 30, features: 12), name: "embedding", inputs: [.input])
        for (layer, inputs) in [12, 40].enumerated() {
            let op = Recurrent(.lstm, inputs: inputs, hidden: 20, layer: layer, isBidirectional: true)
            value = try graph.add(op, name: "rnn", inputs: [value])
        }
        value = try graph.add(SequencePool(.last, isBidirectional: true), name: "pool", inputs: [value])
        graph.setOutput(
            "logits",
            to: try graph.add(Linear(inputs: 40, outputs: 5), name: "head", inputs: [value])
        )
        return graph
    }

    static func images(_ count: Int, _ shape: Shape = [3, 33, 33]) -> [Tensor] {
        (0..<count).map { SyntheticWeights.tensor("input", shape, seed: UInt64($0)) }
    }

    static func texts(_ count: Int, steps: Int = 9) -> [Tensor] {
        (0..<count).map { item in
            let stride = 11 + item / 30
            let tokens = (0..<steps).map { step in Float((item * 7 + step * stride) % 30) }
            return Tensor(shape: [steps], values: tokens)
        }
    }

    private func bits(_ graph: Graph, _ items: [Tensor], threads: Int) throws -> [[UInt32]] {
        let weights = Weights(synthetic: 9, for: graph)
        let pool = WorkerPool(threads: threads)
        return try outputs(of: graph, weights: weights, items: items, pool: pool, names: ["logits"])
            .map { ($0["logits"] ?? []).map(\.bitPattern) }
    }

    @Test func `gives the same bits at every batch size, position and thread count`() throws {
        for (graph, items) in [
            (try Self.imageGraph(), Self.images(32)), (try Self.textGraph(), Self.texts(32)),
        ] {
            let alone = try items.map { try bits(graph, [$0], threads: 1)[0] }
            #expect(Set(alone).count == items.count, "the items must differ for the test to mean anything")
            for threads in 1...3 {
                for count in [1, 2, 3, 5, 31, 32] {
                    #expect(
                        try bits(graph, Array(items.prefix(count)), threads: threads)
                            == Array(alone.prefix(count))
                    )
                }
                #expect(try bits(graph, items.reversed(), threads: threads) == alone.reversed())
            }
        }
    }

    @Test func `allocates nothing while it runs`() throws {
        // Large enough for OpenBLAS; the other networks have small products only.
        var large = Graph(inputShape: [32, 40, 40])
        let conv = Conv(inputChannels: 32, outputChannels: 128, window: Window(3, pad: 1))
        large.setOutput("logits", to: try large.add(conv, name: "conv", inputs: [.input]))
        let networks = [
            (try Self.imageGraph(), Self.images(3)), (try Self.textGraph(), Self.texts(3)),
            (large, Self.images(3, [32, 40, 40])),
            (try DecoderSessionTests.graph(steps: 6), Self.images(3, [6, 22])),
        ]
        for (graph, items) in networks {
            for threads in 1...2 {
                let pool = WorkerPool(threads: threads)
                let session = Session(graph: graph, weights: Weights(synthetic: 1, for: graph), pool: pool)
                try session.prepare(inputShape: graph.inputShape, batch: 3)
                var counts: [Int] = []
                counts.reserveCapacity(4)
                for _ in 0..<4 {
                    for (index, item) in items.enumerated() {
                        item.withSpan { session.setInput(index, to: $0) }
                    }
                    let before = allocation_count()
                    let isDone = session.run()
                    let after = allocation_count()
                    #expect(isDone)
                    counts.append(Int(after - before))
                }
                #expect(counts.suffix(3) == [0, 0, 0], "\(threads) threads: \(counts)")
            }
        }
    }

    @Test func `counts allocations where there are some`() {
        let before = allocation_count()
        let array = [Int](repeating: Int(before), count: 1000)
        #expect(allocation_count() > before)
        #expect(array.count == 1000)
    }

    @Test func `stops between operations`() throws {
        let graph = try Self.imageGraph()
        let session = Session(
            graph: graph,
            weights: Weights(synthetic: 1, for: graph),
            pool: WorkerPool(threads: 2)
        )
        try session.prepare(inputShape: graph.inputShape, batch: 1)
        let item = Self.images(1)[0]
        for limit in [0, 1, 5] {
            item.withSpan { session.setInput(0, to: $0) }
            var asked = 0
            let isDone = session.run {
                asked += 1
                return asked <= limit
            }
            #expect(!isDone)
            #expect(asked == limit + 1)
        }
        item.withSpan { session.setInput(0, to: $0) }
        #expect(session.run())
        let logits = session.withOutput("logits", item: 0) { span in span.indices.map { span[$0].bitPattern }
        }
        let fresh = try outputs(
            of: graph,
            weights: Weights(synthetic: 1, for: graph),
            items: [item],
            pool: WorkerPool(threads: 1),
            names: ["logits"]
        )
        #expect(logits == fresh[0]["logits"]?.map(\.bitPattern))
    }

    @Test func `runs items of other shapes in turn, with the results of a session of their own`() throws {
        let graph = try Self.imageGraph()
        let weights = Weights(synthetic: 4, for: graph)
        let pool = WorkerPool(threads: 2)
        let session = Session(graph: graph, weights: weights, pool: pool)
        for size in [33, 47, 33, 64, 47] {
            let items = Self.images(2, [3, size, size])
            try session.prepare(inputShape: [3, size, size], batch: 2)
            for (index, item) in items.enumerated() { item.withSpan { session.setInput(index, to: $0) } }
            #expect(session.run())
            let own = try outputs(
                of: try graph.reshaped(to: [3, size, size]),
                weights: weights,
                items: items,
                pool: WorkerPool(threads: 1),
                names: ["probabilities"]
            )
            for item in 0..<2 {
                let found = session.withOutput("probabilities", item: item) { span in
                    span.indices.map { span[$0] }
                }
                #expect(found == own[item]["probabilities"], "size \(size), item \(item)")
            }
        }
    }

    @Test func `forgets old shapes and keeps its memory bounded by the largest`() throws {
        let graph = try Self.textGraph()
        let session = Session(
            graph: graph,
            weights: Weights(synthetic: 4, for: graph),
            pool: WorkerPool(threads: 1)
        )
        try session.prepare(inputShape: [200], batch: 2)
        let bytes = session.bytes
        #expect(bytes > 0)
        for steps in 1...200 {
            try session.prepare(inputShape: [steps], batch: 2)
            for (index, item) in Self.texts(2, steps: steps).enumerated() {
                item.withSpan { session.setInput(index, to: $0) }
            }
            #expect(session.run())
        }
        #expect(session.bytes == bytes)
    }

    @Test func `refuses items that the network cannot take`() throws {
        let graph = try Self.imageGraph()
        let session = Session(
            graph: graph,
            weights: Weights(synthetic: 4, for: graph),
            pool: WorkerPool(threads: 1)
        )
        #expect(throws: ShapeError("conv1: conv: expected 3 channels, found 4")) {
            try session.prepare(inputShape: [4, 33, 33], batch: 1)
        }
        #expect(throws: ShapeError("input: expected an item with elements, found 3×0×33")) {
            try session.prepare(inputShape: [3, 0, 33], batch: 1)
        }
    }

    @Test func `refuses a name that another node has`() throws {
        var graph = Graph(inputShape: [16])
        let linear = Linear(inputs: 16, outputs: 16)
        let first = try graph.add(linear, name: "fc", inputs: [.input])
        #expect(throws: ShapeError("fc: another node has an array 'fc.weight'")) {
            try graph.add(linear, name: "fc", inputs: [first])
        }
        let second = try graph.add(ChannelScale([.init(scale: 2)]), name: "scale", inputs: [first])
        #expect(throws: ShapeError("scale: another node has this name")) {
            try graph.add(ChannelScale([.init(scale: 3)]), name: "scale", inputs: [second])
        }
        #expect(graph.nodes.count == 2, "what was refused is not there")
        #expect(try graph.reshaped(to: [16]).nodes.count == 2)
    }

    @Test func `writes over values that nobody reads and keeps those that somebody does`() throws {
        var graph = Graph(inputShape: [4096])
        var value = Graph.Value.input
        for index in 0..<20 { value = try graph.add(Activation.tanh, name: "tanh\(index)", inputs: [value]) }
        graph.setOutput("output", to: value)
        let chain = try Plan(graph, weights: Weights(synthetic: 0, for: graph))
        #expect(chain.bytesPerItem == 4 * 4096)
        graph.setOutput("first", to: .node(0))
        let kept = try Plan(graph, weights: Weights(synthetic: 0, for: graph))
        #expect(kept.bytesPerItem == 4 * 8192)
    }
}
