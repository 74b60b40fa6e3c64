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
    func accepts(_ arrays: [Tensor]) -> Bool {
        var direct = op
        direct.algorithm = .direct
        let expected = output(direct, direct.packed(weights))
        let largest = expected.reduce(0) { max($0, $1.magnitude) }
        return zip(output(op, arrays), expected).allSatisfy {
            ($0 - $1).magnitude <= op.algorithm.bound * largest
        }
    }

    /// More than one tile of the largest kind, and not a multiple of any; the windows are at most 7 wide.
    private static let side = 15

    private func output(_ op: BlockedConv, _ arrays: [Tensor]) -> [Float] {
        let trial = ConvTrial(op, arrays: arrays, input: input, image: image)
        trial.run()
        return trial.output
    }
}
