/// Compares Winograd's result with direct convolution on a made-up image, with the layer's own weights.
///
/// The kernels are tested with random filters; trained ones may be less kind, so every choice is tried at load.
struct WinogradCheck {
    private let op: BlockedConv
    private let direct: [Tensor]

    /// - Parameters:
    ///   - op: the layer.
    ///   - weights: its trained arrays.
    init(_ op: BlockedConv, weights: [Tensor]) {
        var plain = op
        plain.algorithm = .direct
        plain.addsResidual = false
        plain.activation = nil
        self.op = plain
        direct = plain.packed(weights)
    }

    /// Whether an algorithm with these packed arrays stays within its bound.
    func accepts(_ algorithm: ConvAlgorithm, _ arrays: [Tensor]) -> Bool {
        let expected = output(.direct, direct)
        let found = output(algorithm, arrays)
        let largest = expected.reduce(0) { max($0, $1.magnitude) }
        return zip(found, expected).allSatisfy { ($0 - $1).magnitude <= algorithm.bound * largest }
    }

    /// More than one tile of the largest kind, and not a multiple of any.
    private static let side = 15

    private func output(_ algorithm: ConvAlgorithm, _ arrays: [Tensor]) -> [Float] {
        let input: Shape = [op.conv.inputChannels, Self.side, Self.side]
        var op = op
        op.algorithm = algorithm
        // The windows are at most 7 wide.
        guard let output = try? op.outputShape(of: [input]) else {
            preconditionFailure("\(op.structure) does not take an image of \(input)")
        }
        let counts = [input, output].map(Layout.blocked.count)
        let node = PlannedGraph.Node(
            name: "check",
            op: op,
            inputs: [.input],
            shape: output,
            layout: .blocked,
            weights: arrays
        )
        func place(_ offset: Int, _ count: Int) -> PlacedBuffers.Place {
            .init(offset: offset, inner: 0, stride: count, isOfThread: false)
        }
        let step = Step(
            node: node,
            inputShapes: [input],
            inputs: [place(0, counts[0])],
            output: place(counts[0], counts[1]),
            scratch: nil
        )
        let scratch = op.scratch(inputs: [input], output: output).perThread
        let memory = OpCall.Memory(
            values: Arena(),
            threads: Arena(),
            floatsPerThread: scratch,
            valuesPerThread: 0,
            batch: 1
        )
        memory.values.reserve(counts[0] + counts[1])
        memory.threads.reserve(scratch)
        memory.values.store(image(of: input).span, at: 0)
        OpCall(step, memory: memory, part: .init(items: 0..<1, thread: 0, threads: 1)).run()
        return memory.values.withSpan(at: counts[0], count: counts[1]) { span in span.indices.map { span[$0] }
        }
    }

    /// Rectified noise, as most layers read, in blocks; zeros in the channels beyond the last.
    private func image(of shape: Shape) -> [Float] {
        let noise = SyntheticWeights.tensor("input", [1, Layout.blocked.count(shape)], seed: 1).values
        let lastBlock = (Layout.blocks(shape[0]) - 1) * 16 * Layout.pixels(shape)
        return noise.enumerated().map { index, value in
            let channel = index / (16 * Layout.pixels(shape)) * 16 + index % 16
            return index >= lastBlock && channel >= shape[0] ? 0 : max(value, 0)
        }
    }
}
