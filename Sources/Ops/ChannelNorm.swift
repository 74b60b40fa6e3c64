internal import CKernels
package import Graphs
package import Tensors

/// Layer normalisation over the channels of each pixel: y = (x − mean) / √(variance + ε) · weight + bias, the mean and the
/// (biased) variance being those of the pixel's own channels.
///
/// - Shape: c × h × w → same.
/// - Source: Ba, Kiros, Hinton, "Layer normalization", 2016, equation 4; as `LayerNorm2d` of Liu et al. 2022 (ConvNeXt)
///   has it.
package struct ChannelNorm: Op {
    package let channels: Int
    package let epsilon: Float

    package init(channels: Int, epsilon: Float = 1e-6) {
        self.channels = channels
        self.epsilon = epsilon
    }

    package var structure: String { "layer norm" }

    package var parameters: [Parameter] { ["weight", "bias"].map { Parameter($0, [channels]) } }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let found = try requireImage(inputs[0], for: "layer norm").channels
        guard found == channels else {
            throw ShapeError("layer norm: expected \(channels) channels, found \(found)")
        }
        return inputs[0]
    }
}

extension ChannelNorm {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedChannelNorm(norm: self) : nil
    }

    package var tableRole: TableRole { .norm }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * pixelChunks(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunks = pixelChunks(of: call)
        let (item, part) = task.index.quotientAndRemainder(dividingBy: chunks.count)
        unsafe kernel_channel_norm(
            call.input(item: item),
            channels,
            chunks.total,
            chunks[part].lowerBound,
            chunks[part].count,
            call.weight(0),
            call.weight(1),
            epsilon,
            call.output(item: item)
        )
    }

    /// The pixels of an item, in chunks that are worth a task each.
    fileprivate func pixelChunks(of call: OpCall) -> Chunks {
        Chunks(Layout.pixels(call.outputShape), of: elementsPerTask / max(1, channels))
    }
}

/// The layer normalisation of a blocked image.
struct BlockedChannelNorm: PackedOp {
    let norm: ChannelNorm

    var structure: String { norm.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func packed(_ weights: [Tensor]) -> [Tensor] {
        weights.map { ChannelLines.padded($0.values.map(Double.init)) }
    }

    var placement: Placement { .overInput }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * norm.pixelChunks(of: call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let chunks = norm.pixelChunks(of: call)
        let (item, part) = task.index.quotientAndRemainder(dividingBy: chunks.count)
        let stride = OpCall.blockStride(call.outputShape)
        unsafe kernel_channel_norm_blocks(
            call.input(item: item),
            stride,
            norm.channels,
            chunks[part].lowerBound,
            chunks[part].count,
            call.weight(0),
            call.weight(1),
            norm.epsilon,
            call.output(item: item),
            stride
        )
    }
}
