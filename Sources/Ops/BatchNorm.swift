internal import CKernels
package import Graphs
package import Tensors

/// Batch normalisation at inference: y = (x − running_mean) / √(running_var + ε) · weight + bias, per channel.
///
/// - Shape: c × h × w → same, or c → same.
/// - Source: Ioffe & Szegedy 2015, Algorithm 2.
package struct BatchNorm: Op {
    package let channels: Int
    package let epsilon: Float

    package init(channels: Int, epsilon: Float = 1e-5) {
        self.channels = channels
        self.epsilon = epsilon
    }

    package var structure: String { "batch norm" }

    package var parameters: [Parameter] {
        ["weight", "bias", "running_mean", "running_var"].map { Parameter($0, [channels]) }
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let isVector = inputs[0].rank == 1
        let found = isVector ? inputs[0][0] : try requireImage(inputs[0], for: "batch norm").channels
        guard found == channels else {
            throw ShapeError("batch norm: expected \(channels) channels, found \(found)")
        }
        return inputs[0]
    }
}

extension BatchNorm {
    package func form(at site: OpSite) -> (any PackedOp)? { BlockedLines(self, at: site) }

    package func lines(channels: Int, weights: [TrainedArray]) -> ChannelLines? {
        let values = weights.map { $0.tensor.values.map(Double.init) }
        let scales = zip(values[0], values[3]).map { $0 / ($1 + Double(epsilon)).squareRoot() }
        let shifts = zip(values[1], zip(values[2], scales)).map { $0 - $1.0 * $1.1 }
        return ChannelLines(scales: scales, shifts: shifts)
    }

    package var tableRole: TableRole { .norm }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int { planes(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let pixels = call.outputCount / channels
        for plane in planes(of: call)[task.index] {
            let (scale, shift) = line(channel: plane % channels, of: call)
            unsafe kernel_scale_shift(
                call.input(item: 0) + plane * pixels,
                call.output(item: 0) + plane * pixels,
                pixels,
                scale,
                shift
            )
        }
    }

    /// The channels of all items, in chunks.
    private func planes(of call: OpCall) -> Chunks {
        Chunks(call.batch * channels, of: elementsPerTask / max(1, call.outputCount / channels))
    }

    /// The scale and shift that the four trained numbers of a channel amount to, rounded once.
    private func line(channel: Int, of call: OpCall) -> (scale: Float, shift: Float) {
        let weight = unsafe Double(call.weight(0)[channel])
        let bias = unsafe Double(call.weight(1)[channel])
        let mean = unsafe Double(call.weight(2)[channel])
        let variance = unsafe Double(call.weight(3)[channel])
        let scale = weight / (variance + Double(epsilon)).squareRoot()
        return (Float(scale), Float(bias - mean * scale))
    }
}
