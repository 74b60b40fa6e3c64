/// A convolution on a made-up image, outside any plan: to compare what its algorithms give and how long they take.
struct ConvTrial {
    private let step: Step
    private let memory: OpCall.Memory
    private let image: [Float]
    private let outputCount: Int

    /// Lays the convolution out.
    ///
    /// - Parameters:
    ///   - op: the convolution; what it adds and its activation are left out.
    ///   - arrays: its packed arrays.
    ///   - input: the shape of the image, which the convolution takes.
    init(_ op: BlockedConv, arrays: [Tensor], input: Shape) {
        var op = op
        op.addsResidual = false
        op.activation = nil
        guard let output = try? op.outputShape(of: [input]) else { // checked by the caller
            preconditionFailure("\(op.structure) does not take an image of \(input)")
        }
        let counts = [input, output].map(Layout.blocked.count)
        let node = PlannedGraph.Node(
            name: "trial",
            op: op,
            inputs: [.input],
            shape: output,
            layout: .blocked,
            weights: arrays
        )
        func place(_ offset: Int, _ count: Int) -> PlacedBuffers.Place {
            .init(offset: offset, inner: 0, stride: count, isOfThread: false)
        }
        step = Step(
            node: node,
            inputShapes: [input],
            inputs: [place(0, counts[0])],
            output: place(counts[0], counts[1]),
            scratch: nil,
            stateOffset: 0
        )
        let scratch = op.scratch(inputs: [input], output: output).perThread
        memory = OpCall.Memory(
            values: Arena(),
            threads: Arena(),
            states: Arena(),
            steps: StepCounts(),
            floatsPerThread: scratch,
            valuesPerThread: 0,
            statePerItem: 0,
            batch: 1
        )
        memory.values.reserve(counts[0] + counts[1])
        memory.threads.reserve(scratch)
        image = Self.image(of: input)
        outputCount = counts[1]
        memory.values.store(image.span, at: 0)
    }

    /// Runs the convolution once, on this thread.
    func run() { OpCall(step, memory: memory, part: .init(items: 0..<1, thread: 0, threads: 1)).run() }

    /// What the last run gave, in blocks.
    var output: [Float] {
        memory.values.withSpan(at: image.count, count: outputCount) { span in span.indices.map { span[$0] } }
    }

    /// Rectified noise, as most layers read, in blocks; zeros in the channels beyond the last.
    private static func image(of shape: Shape) -> [Float] {
        let noise = SyntheticWeights.tensor("input", [1, Layout.blocked.count(shape)], seed: 1).values
        let lastBlock = (Layout.blocks(shape[0]) - 1) * 16 * Layout.pixels(shape)
        return noise.enumerated().map { index, value in
            let channel = index / (16 * Layout.pixels(shape)) * 16 + index % 16
            return index >= lastBlock && channel >= shape[0] ? 0 : max(value, 0)
        }
    }
}
