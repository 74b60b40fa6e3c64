package import Graphs
package import Tensors

/// A convolution over the channels of a single pixel, with zeros beyond the first and the last.
///
/// - Shape: c × 1 × 1 → same.
/// - Source: Wang et al., "ECA-Net", CVPR 2020, equation 7; `weight` is 1 × 1 × kernel, as in PyTorch's `Conv1d`.
package struct ChannelConv: Op {
    package let kernel: Int

    /// - Precondition: `kernel` is odd.
    package init(kernel: Int) {
        precondition(kernel % 2 == 1 && kernel > 0, "channel conv: a kernel of \(kernel)")
        self.kernel = kernel
    }

    package var structure: String { "\(kernel) channels wide" }

    package var parameters: [Parameter] { [Parameter("weight", [1, 1, kernel])] }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (_, height, width) = try requireImage(inputs[0], for: "channel conv")
        guard height == 1, width == 1 else {
            throw ShapeError("channel conv: expected a single pixel, found \(inputs[0])")
        }
        return inputs[0]
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { output.elementCount * kernel }
}

extension ChannelConv {
    /// A single pixel's channels follow each other in blocks too.
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedChannelConv(conv: self) : nil
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let channels = call.outputShape[0]
        let input = unsafe call.input(item: task.index)
        let output = unsafe call.output(item: task.index)
        let weight = unsafe call.weight(0)
        for channel in 0..<channels {
            let first = channel - kernel / 2
            var sum: Float = 0
            for other in max(0, first)..<min(channels, first + kernel) {
                sum += unsafe input[other] * weight[other - first]
            }
            unsafe output[channel] = sum
        }
    }
}

/// The convolution where the pixel is a blocked image.
private struct BlockedChannelConv: PackedOp {
    let conv: ChannelConv

    var structure: String { conv.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        conv.multiplyAdds(inputs: inputs, output: output)
    }

    func packed(_ weights: [Tensor]) -> [Tensor] { weights }

    var keepsTrained: Bool { true }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    func run(_ task: OpTask, of call: OpCall) {
        conv.run(task, of: call)
        let channels = call.outputShape[0]
        let rest = Layout.blocked.count(call.outputShape) - channels
        unsafe (call.output(item: task.index) + channels).update(repeating: 0, count: rest)
    }
}
