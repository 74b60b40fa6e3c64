internal import CKernels
internal import Graphs
internal import Platform
internal import Tensors

/// A convolution on blocked images with all that is fused into it:
/// y = activation(norm'(W · max(norm(x), 0)) + residual).
struct BlockedConv: PackedOp {
    let conv: Conv
    let grouping: ChannelGrouping
    /// What follows the convolution, channel by channel.
    var outputLines: ChannelLines?
    /// What comes before it, with a ReLU behind.
    var inputLines: ChannelLines?
    /// Whether a second input is added.
    var addsResidual = false
    var clamp: Clamp?
    /// The activation, where it is not a clamp.
    var function: PostFunction?
    var algorithm = ConvAlgorithm.direct
    /// Whether the image comes planar: the first convolution of a network.
    var isFirst = false

    /// The most taps that the kernels take.
    static let mostTaps = 256

    /// Nil when there is no kernel for it.
    init?(_ conv: Conv) {
        guard conv.window.taps <= Self.mostTaps,
            let grouping = ChannelGrouping(conv)
        else { return nil }
        self.conv = conv
        self.grouping = grouping
    }

    /// Whether nothing follows the convolution yet that is not a line for each channel.
    private var isLinear: Bool { !addsResidual && clamp == nil && function == nil }

    /// Whether every channel has a filter of its own.
    var isDepthwise: Bool { grouping == .inLanes(1) }

    /// Whether it can read a planar image.
    private var canBeFirst: Bool {
        conv.inputChannels <= 4 && conv.groups == 1 && [1, 2, 4].contains(conv.window.strides.width)
            && conv.window.dilations == 1 && inputLines == nil
    }

    var structure: String { conv.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try conv.outputShape(of: [inputs[0]]) }

    func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        conv.multiplyAdds(inputs: inputs, output: output)
    }

    func readsPlanar(_ index: Int) -> Bool { isFirst && index == 0 }

    var packingSuffix: String { Self.packingSuffix(taps: conv.window.taps) }

    static func packingSuffix(taps: Int) -> String { "/\(taps)" }

    func form(at site: OpSite) -> (any PackedOp)? {
        var form = self
        form.isFirst = site.inputs[0].layout == .planar && canBeFirst
        return form
    }

    func followed(by lines: ChannelLines) -> (any Op)? {
        guard isLinear else { return nil }
        var both = self
        both.outputLines = outputLines.map { $0.followed(by: lines) } ?? lines
        return both
    }

    func followed(by postOp: PostOp) -> (any Op)? {
        var both = self
        switch postOp {
        case .sum where isLinear: both.addsResidual = true
        case .clamp(let bounds) where clamp == nil && function == nil: both.clamp = bounds
        case .function(let next)
        where clamp == nil && function == nil && (next.keepsZero || conv.outputChannels % 16 == 0):
            both.function = next
        case .sum, .clamp, .function: return nil
        }
        return both
    }

    func preceded(by lines: ChannelLines) -> (any Op)? {
        guard inputLines == nil, !isDepthwise else { return nil }
        var both = self
        both.inputLines = lines
        return both
    }

    /// Over what is added: each number is read just before it is written.
    var placement: Placement { addsResidual ? .over(input: 1) : .separate }
}

extension BlockedConv {
    /// The filters in the order in which the kernels read them, the bias, and the lines of the input if there are any.
    func packed(_ weights: [Tensor]) throws(SystemError) -> [Tensor] {
        let zeros = [Double](repeating: 0, count: conv.outputChannels)
        let bias = conv.hasBias ? weights[1].values.map(Double.init) : zeros
        let shifted = outputLines.map { lines in
            zip(bias, zip(lines.scales, lines.shifts)).map { $0 * $1.0 + $1.1 }
        }
        return [try packedFilters(weights[0]), ChannelLines.padded(shifted ?? bias)]
            + (inputLines?.packed ?? [])
    }

    /// Arrays as long as the packed ones and full of ones, to measure with.
    ///
    /// - Precondition: the convolution has one group and is not the first, and nothing is fused before it.
    /// - Throws: `SystemError` when there is no memory for them.
    func placeholders() throws(SystemError) -> [Tensor] {
        let (inputs, outputs) = (Layout.blocks(conv.inputChannels), Layout.blocks(conv.outputChannels))
        let taps = conv.window.taps
        let filters = algorithm.kernel.map {
            kernel_winograd_weights($0, conv.inputChannels, conv.outputChannels)
        }
        let counts = [filters ?? inputs * 16 * taps * outputs * 16, outputs * 16]
        return try counts.map { (count) throws(SystemError) in
            try unsafe Tensor(shape: [count]) { unsafe $0.update(repeating: 1) }
        }
    }

    private func packedFilters(_ weight: Tensor) throws(SystemError) -> Tensor {
        let scales = outputLines?.scales ?? []
        if let winograd = algorithm.kernel {
            return try WinogradConv.packed(weight, scales: scales, winograd, conv)
        }
        return try unsafe scales.withUnsafeBufferPointer { (scales) throws(SystemError) in
            var filters = unsafe kernel_filters(
                weight: weight.address,
                scale: scales.isEmpty ? nil : scales.baseAddress,
                outputs: conv.outputChannels,
                inputs: conv.inputChannels,
                groups: conv.groups,
                height: conv.window.kernel.height,
                width: conv.window.kernel.width
            )
            return try unsafe packed(&filters)
        }
    }

    private func packed(_ filters: inout kernel_filters) throws(SystemError) -> Tensor {
        if isFirst {
            let count = unsafe kernel_packed_planar_conv_count(&filters)
            return try unsafe Tensor(count: count) { unsafe kernel_pack_planar_conv(&filters, $0) }
        }
        switch grouping {
        case .inLanes:
            let count = unsafe kernel_packed_lanes_count(&filters)
            return try unsafe Tensor(count: count) { unsafe kernel_pack_lanes(&filters, $0) }
        case .merged(let groups):
            let count = unsafe kernel_packed_conv_count(&filters, groups)
            return try unsafe Tensor(count: count) { unsafe kernel_pack_conv(&filters, groups, $0) }
        }
    }
}

/// How the groups of a convolution lie in blocks of 16 channels.
enum ChannelGrouping: Equatable {
    /// Whole groups of 1 (depthwise), 2, 4 or 8 channels share a block; what goes in and comes out of a group lies in
    /// the same lanes.
    case inLanes(Int)
    /// So many neighbouring groups are computed as one that fills blocks, with zeros between them.
    case merged(Int)

    /// The most that merged groups may multiply the work by.
    private static let mostWaste = 8

    /// Nil when there is no kernel for it.
    init?(_ conv: Conv) {
        let inputs = conv.inputChannels / conv.groups
        let outputs = conv.outputChannels / conv.groups
        if conv.groups > 1, inputs == outputs, [1, 2, 4, 8].contains(inputs) {
            self = .inLanes(inputs)
            return
        }
        let choices = (1...conv.groups).filter { conv.groups % $0 == 0 }
        let merged = choices.first { $0 * inputs % 16 == 0 && $0 * outputs % 16 == 0 } ?? conv.groups
        guard merged <= Self.mostWaste else { return nil }
        self = .merged(merged)
    }
}
