internal import Graphs
internal import Platform
internal import Tensors

/// A convolution on a made-up image, outside any plan: to compare what its algorithms give and how long they take.
struct ConvTrial {
    private let step: Step
    private let memory: OpCall.Memory
    private let counts: (input: Int, output: Int)

    /// Lays the convolution out.
    ///
    /// - Parameters:
    ///   - op: the convolution; what it adds and its bounds are left out.
    ///   - arrays: its packed arrays.
    ///   - input: the shape of the image, which the convolution takes.
    ///   - image: as `image(of: input)` makes it.
    /// - Throws: `SystemError` when there is no memory for it.
    init(_ op: BlockedConv, arrays: [Tensor], input: Shape, image: [Float]) throws(SystemError) {
        var op = op
        op.addsResidual = false
        op.clamp = nil
        op.function = nil
        guard let output = try? op.outputShape(of: [input]) else { // checked by the caller
            preconditionFailure("\(op.structure) does not take an image of \(input)")
        }
        counts = (Layout.blocked.count(input), Layout.blocked.count(output))
        let size = ElementType.f32.size
        func place(_ offset: Int, _ count: Int) -> Step.Place {
            .init(offset: offset * size, inner: 0, stride: count * size, isOfThread: false)
        }
        step = Step(
            name: "trial",
            op: op,
            weights: arrays,
            inputShapes: [input],
            outputShapes: [output],
            inputs: [place(0, counts.input)],
            outputs: [place(counts.input, counts.output)],
            scratch: nil,
            stateOffset: 0
        )
        let scratch = op.scratch(inputs: [input], output: output).bytesPerThread
        memory = OpCall.Memory(
            values: Arena(),
            threads: Arena(),
            states: Arena(),
            steps: StepCounts(),
            bytesPerThread: scratch,
            valueBytesPerThread: 0,
            stateBytesPerItem: 0,
            batch: 1
        )
        try memory.values.reserve((counts.input + counts.output) * size)
        try memory.threads.reserve(scratch)
        memory.values.store(image.span, at: 0)
    }

    /// Runs the convolution once, on this thread.
    func run() { OpCall(step, memory: memory, part: .init(items: 0..<1, thread: 0, threads: 1)).run() }

    /// What the last run gave, in blocks.
    var output: [Float] {
        memory.values.withSpan(at: counts.input * ElementType.f32.size, count: counts.output) { span in
            span.indices.map { span[$0] }
        }
    }

    /// Rectified noise, as most layers read, in blocks; zeros in the channels beyond the last.
    static func image(of shape: Shape) -> [Float] {
        let noise = SyntheticWeights.tensor("input", [1, Layout.blocked.count(shape)], seed: 1).values
        let lastBlock = (Layout.blocks(shape[0]) - 1) * 16 * Layout.pixels(shape)
        return noise.enumerated().map { index, value in
            let channel = index / (16 * Layout.pixels(shape)) * 16 + index % 16
            return index >= lastBlock && channel >= shape[0] ? 0 : max(value, 0)
        }
    }
}

/// Compares Winograd's result with direct convolution on a made-up image, with the layer's own weights.
///
/// The kernels are tested with random filters; trained ones may be less kind, so every choice is tried at load.
struct WinogradCheck {
    private let op: BlockedConv
    private let weights: [Tensor]
    private let input: Shape
    private let image: [Float]

    /// - Parameters:
    ///   - op: the layer.
    ///   - weights: its trained arrays.
    init(_ op: BlockedConv, weights: [Tensor]) {
        self.op = op
        self.weights = weights
        input = [op.conv.inputChannels, Self.side, Self.side]
        image = ConvTrial.image(of: input)
    }

    /// Whether the layer's algorithm with these packed arrays stays within its bound.
    ///
    /// - Throws: `SystemError` when there is no memory to compare.
    func accepts(_ arrays: [Tensor]) throws(SystemError) -> Bool {
        var direct = op
        direct.algorithm = .direct
        let expected = try output(direct, direct.packed(weights))
        let largest = expected.reduce(0) { max($0, $1.magnitude) }
        return zip(try output(op, arrays), expected).allSatisfy {
            ($0 - $1).magnitude <= op.algorithm.bound * largest
        }
    }

    /// More than one tile of the largest kind, and not a multiple of any; the windows are at most 7 wide.
    private static let side = 15

    private func output(_ op: BlockedConv, _ arrays: [Tensor]) throws(SystemError) -> [Float] {
        let trial = try ConvTrial(op, arrays: arrays, input: input, image: image)
        trial.run()
        return trial.output
    }
}
