import Engine
import Platform
import Testing

/// Operations with several outputs, as graphs have them: each output is a value of its own.
@Suite struct SeveralOutputsTests {
    /// A way to cut an image of 48 × 5 × 6.
    struct Cut: Sendable, CustomTestStringConvertible {
        let axis: Int
        let sizes: [Int]
        /// Whether the image comes from a convolution, in blocks.
        let isBlocked: Bool

        var testDescription: String {
            "\(sizes) along \(axis)\(isBlocked ? ", blocked" : "")"
        }

        /// The elements of each part of an image.
        func parts(of image: [Float]) -> [[Float]] {
            let shape = [48, 5, 6]
            let inner = shape[(axis + 1)...].reduce(1, *)
            return sizes.indices.map { part in
                let first = sizes[..<part].reduce(0, +)
                return image.indices.filter {
                    (first..<first + sizes[part]).contains($0 / inner % shape[axis])
                }
                .map { image[$0] }
            }
        }
    }

    // swift-format-ignore
    static let cuts: [Cut] = [false, true].flatMap { isBlocked in
        [(0, [16, 32]), (0, [32, 16]), (0, [16, 16, 16]), (0, [20, 28]), (0, [16, 30, 2]), (0, [48]),
         (1, [2, 3]), (2, [1, 4, 1])].map { Cut(axis: $0, sizes: $1, isBlocked: isBlocked) }
    }

    private func graph(_ cut: Cut) throws -> (graph: Graph, whole: Graph.Value, parts: [Graph.Value]) {
        var graph = Graph(inputShape: [48, 5, 6])
        var whole = Graph.Value.input
        if cut.isBlocked {
            let conv = Conv(inputChannels: 48, outputChannels: 48, window: Window(1))
            whole = try graph.add(conv, name: "before", inputs: [.input])
        }
        let split = Split(axis: cut.axis, sizes: cut.sizes)
        let parts = try graph.addAll(split, name: "split", inputs: [whole])
        return (graph, whole, parts)
    }

    private func items(_ count: Int, _ shape: Shape) -> [Tensor] {
        (0..<count).map { index in
            let values = SyntheticWeights.tensor("input", [1, shape.elementCount], seed: UInt64(index)).values
            return Tensor(shape: shape, values: values)
        }
    }

    @Test(arguments: cuts)
    func `a split gives each part, whoever reads it`(_ cut: Cut) throws {
        var (graph, whole, parts) = try graph(cut)
        graph.setOutput("whole", to: whole)
        for (index, part) in parts.enumerated() {
            graph.setOutput("part\(index)", to: part)
            let rectified = try graph.add(Activation.relu, name: "relu\(index)", inputs: [part])
            graph.setOutput("relu\(index)", to: rectified)
        }
        let results = try outputs(
            of: graph,
            weights: Weights(synthetic: 3, for: graph),
            items: items(3, [48, 5, 6]),
            pool: WorkerPool(threads: 2),
            names: graph.outputs.map(\.name)
        )
        for result in results {
            for (index, expected) in cut.parts(of: result["whole"] ?? []).enumerated() {
                #expect(result["part\(index)"] == expected)
                #expect(result["relu\(index)"] == expected.map { max($0, 0) })
            }
        }
    }

    @Test func `parts of a blocked image are where they were, written over when nobody needs them`() throws {
        let cut = Cut(axis: 0, sizes: [16, 32], isBlocked: true)
        var (graph, _, parts) = try graph(cut)
        let first = try graph.add(Activation.relu, name: "relu", inputs: [parts[0]])
        let convolved = try [first, parts[1]].enumerated().map { index, value in
            let channels = cut.sizes[index]
            let conv = Conv(inputChannels: channels, outputChannels: 16, window: Window(3, pad: 1))
            return try graph.add(conv, name: "conv\(index)", inputs: [value])
        }
        graph.setOutput("sum", to: try graph.add(Add(), name: "sum", inputs: convolved))
        let weights = Weights(synthetic: 3, for: graph)
        #expect(
            try Plan(graph, weights: weights).operations.map(\.name)
                == ["reorder", "before", "relu", "conv0", "conv1", "reorder"]
        )

        // The same with the parts as results of their own, which are planar and copied.
        var copied = graph
        for (index, part) in parts.enumerated() { copied.setOutput("part\(index)", to: part) }
        let pool = WorkerPool(threads: 2)
        let images = items(4, [48, 5, 6])
        let sums = try [graph, copied].map { graph in
            try outputs(
                of: graph,
                weights: Weights(synthetic: 3, for: graph),
                items: images,
                pool: pool,
                names: ["sum"]
            )
        }
        #expect(sums[0] == sums[1])
        for (index, image) in images.enumerated() {
            let alone = try outputs(of: graph, weights: weights, items: [image], pool: pool, names: ["sum"])
            #expect(alone[0] == sums[0][index])
        }
    }

    @Test func `a graph for other items keeps all outputs`() throws {
        var (graph, _, parts) = try graph(Cut(axis: 0, sizes: [20, 28], isBlocked: false))
        graph.setOutput("second", to: parts[1])
        let larger = try graph.reshaped(to: [48, 7, 2])
        #expect(larger.shape(of: parts[0]) == [20, 7, 2] && larger.shape(of: parts[1]) == [28, 7, 2])
        #expect(larger.outputs.map(\.value) == [parts[1]])
        #expect(Set(parts).count == 2 && parts[0] == .node(0))
    }

    @Test(arguments: Recurrent.Cell.allCases, [false, true])
    func `a recurrent layer gives the states in which it ends`(_ cell: Recurrent.Cell, isBidirectional: Bool)
        throws
    {
        let projection = cell == .lstm ? 7 : nil
        let layer = Recurrent(
            cell,
            inputs: 5,
            hidden: 19,
            projection: projection,
            isBidirectional: isBidirectional,
            givesState: true
        )
        let (directions, size) = (layer.directions, projection ?? 19)
        var graph = Graph(inputShape: [6, 5])
        let values = try graph.addAll(layer, name: "rnn", inputs: [.input])
        #expect(values.count == (cell == .lstm ? 3 : 2))
        for (name, value) in zip(["y", "h", "c"], values) { graph.setOutput(name, to: value) }
        #expect(graph.hasSteps(values[0]) && !values.dropFirst().contains(where: graph.hasSteps))
        let session = Session(
            graph: graph,
            weights: Weights(synthetic: 8, for: graph),
            pool: WorkerPool(threads: 2)
        )
        // Sequences of different lengths in one batch.
        let lengths = [6, 1, 4]
        try session.prepare(inputShape: [6, 5], batch: lengths.count)
        for (item, steps) in lengths.enumerated() {
            let values = SyntheticWeights.tensor("input", [1, steps * 5], seed: UInt64(item)).values
            session.setInput(item, to: values.span)
        }
        #expect(session.run())
        for (item, steps) in lengths.enumerated() {
            let (y, h) = (read("y", item, session), read("h", item, session))
            #expect(y.count == steps * directions * size && h.count == directions * size)
            #expect(h.prefix(size) == y.suffix(directions * size).prefix(size))
            if isBidirectional { #expect(h.suffix(size) == y.prefix(directions * size).suffix(size)) }
            guard !isBidirectional else { continue }
            let state = session.withState(item) { state in state.indices.map { state[$0] } }
            #expect(state == h + (cell == .lstm ? read("c", item, session) : []))
        }
    }

    private func read(_ name: String, _ item: Int, _ session: Session) -> [Float] {
        session.withOutput(name, item: item) { span in span.indices.map { span[$0] } }
    }
}

/// What tensors say of their numbers.
@Suite struct TensorTests {
    @Test func `a tensor that does not fit the memory is an error`() {
        #expect(throws: SystemError.self) { try Tensor(count: 1 << 50) { _ in } }
    }

    @Test func `numbers of another type are bytes`() throws {
        let tensor = try Tensor(shape: [3], .i64, outOfMemory: { $0 }) {
            (bytes: UnsafeMutableRawBufferPointer) throws(SystemError) in
            for index in 0..<3 {
                bytes.storeBytes(of: Int64(index) - 1, toByteOffset: 8 * index, as: Int64.self)
            }
        }
        #expect(tensor.elementType == .i64 && tensor.byteCount == 24)
        let array = TrainedArray(tensor.reshaped(to: [1, 3]))
        #expect(array.elementType == .i64 && array.shape == [1, 3])
        let values = array.tensor.withUnsafeBytes { bytes in
            (0..<3).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self) }
        }
        #expect(values == [-1, 0, 1])
    }
}
