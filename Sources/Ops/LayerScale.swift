package import Graphs
package import Tensors

/// A trained factor for each channel.
///
/// - Shape: c × h × w → same.
/// - Source: Touvron et al., "Going deeper with image transformers", ICCV 2021, §2; ConvNeXt's γ.
package struct LayerScale: Op {
    /// The tensor's own name.
    package let name: String
    package let channels: Int
    /// Whether the tensor is c × 1 × 1, as torchvision's is, and not of one dimension.
    package let isImage: Bool

    package init(_ name: String, channels: Int, isImage: Bool = false) {
        self.name = name
        self.channels = channels
        self.isImage = isImage
    }

    package var structure: String { "layer scale" }

    package var parameters: [Parameter] { [Parameter(name, isImage ? [channels, 1, 1] : [channels])] }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let found = try requireImage(inputs[0], for: "layer scale").channels
        guard found == channels else {
            throw ShapeError("layer scale: expected \(channels) channels, found \(found)")
        }
        return inputs[0]
    }
}

extension LayerScale {
    package func form(at site: OpSite) -> (any PackedOp)? { BlockedLines(self, at: site) }

    package func lines(channels: Int, weights: [TrainedArray]) -> ChannelLines? {
        ChannelLines(
            scales: weights[0].tensor.values.map(Double.init),
            shifts: [Double](repeating: 0, count: channels)
        )
    }

    package var tableRole: TableRole { .function }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let pixels = Layout.pixels(call.outputShape)
        let input = unsafe call.input(item: task.index)
        let output = unsafe call.output(item: task.index)
        for channel in 0..<channels {
            let factor = unsafe call.weight(0)[channel]
            for place in channel * pixels..<(channel + 1) * pixels {
                unsafe output[place] = input[place] * factor
            }
        }
    }
}
