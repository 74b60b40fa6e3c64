internal import CKernels

/// A convolution on blocked images with all that is fused into it:
/// y = activation(norm'(W · max(norm(x), 0)) + residual).
struct BlockedConv: PackedOp, TakesActivation {
    let conv: Conv
    let grouping: ChannelGrouping
    /// What follows the convolution, channel by channel.
    var outputLines: ChannelLines?
    /// What comes before it, with a ReLU behind.
    var inputLines: ChannelLines?
    /// Whether a second input is added.
    var addsResidual = false
    var activation: Activation?
    var algorithm = ConvAlgorithm.direct
    /// Whether the image comes planar: the first convolution of a network.
    var isFirst = false

    /// The most taps that the kernels take.
    static let mostTaps = 256

    /// Nil when there is no kernel for it.
    init?(_ conv: Conv) {
        guard conv.window.kernelHeight * conv.window.kernelWidth <= Self.mostTaps,
            let grouping = ChannelGrouping(conv)
        else { return nil }
        self.conv = conv
        self.grouping = grouping
    }

    /// Whether nothing follows the convolution yet that is not a line for each channel.
    var isLinear: Bool { !addsResidual && activation == nil }

    /// Whether every channel has a filter of its own.
    var isDepthwise: Bool { grouping == .inLanes(1) }

    /// Whether it can read a planar image.
    var canBeFirst: Bool {
        conv.inputChannels <= 4 && conv.groups == 1 && [1, 2, 4].contains(conv.window.stride)
            && conv.window.dilation == 1 && inputLines == nil
    }

    var structure: String { conv.structure }

    /// What its algorithms cost on an image of the model's own size; nil when there is only one.
    func cost(output: Shape) -> ConvCost? {
        guard inputLines == nil, !isFirst, output.rank == 3 else { return nil }
        let cost = ConvCost(conv, output: output)
        return cost.choices.count > 1 ? cost : nil
    }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try conv.outputShape(of: [inputs[0]]) }

    func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        conv.multiplyAdds(inputs: inputs, output: output)
    }

    func readsPlanar(_ index: Int) -> Bool { isFirst && index == 0 }

    var packingSuffix: String {
        Self.packingSuffix(taps: conv.window.kernelHeight * conv.window.kernelWidth)
    }

    static func packingSuffix(taps: Int) -> String { "/\(taps)" }

    /// Over what is added: each number is read just before it is written.
    var placement: Placement { addsResidual ? .over(input: 1) : .separate }
}
