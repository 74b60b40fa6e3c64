internal import CKernels
package import Graphs
package import Tensors

/// An image whose channels are each multiplied by a number of their own that the network has made.
///
/// - Shape: c × h × w and c × 1 × 1 → c × h × w.
/// - Source: Hu, Shen, Sun, "Squeeze-and-excitation networks", CVPR 2018, equation 4.
package struct ChannelGate: Op {
    package init() {}

    package var structure: String { "gate" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("gate: expected 2 values, found \(inputs.count)") }
        let (channels, _, _) = try requireImage(inputs[0], for: "gate")
        guard inputs[1] == [channels, 1, 1] else {
            throw ShapeError("gate: expected \(channels)×1×1 beside \(inputs[0]), found \(inputs[1])")
        }
        return inputs[0]
    }
}

extension ChannelGate {
    package func form(at site: OpSite) -> (any PackedOp)? { site.isBlocked ? BlockedGate() : nil }

    package var tableRole: TableRole { .function }

    package var placement: Placement { .over(input: 0) }

    package func taskCount(phase: Int, of call: OpCall) -> Int { planes(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let channels = call.outputShape[0]
        let pixels = Layout.pixels(call.outputShape)
        for plane in planes(of: call)[task.index] {
            let (item, channel) = plane.quotientAndRemainder(dividingBy: channels)
            unsafe kernel_scale_shift(
                call.input(0, item: item) + channel * pixels,
                call.output(item: item) + channel * pixels,
                pixels,
                call.input(1, item: item)[channel],
                0
            )
        }
    }

    /// The channels of all items, in chunks.
    private func planes(of call: OpCall) -> Chunks {
        Chunks(
            call.batch * call.outputShape[0],
            of: elementsPerTask / max(1, Layout.pixels(call.outputShape))
        )
    }
}

/// The gate of a blocked image.
struct BlockedGate: PackedOp {
    var structure: String { "gate" }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    var placement: Placement { .over(input: 0) }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_gate_block(
                call.block(block, ofInput: 0, item: item),
                Layout.pixels(call.outputShape),
                call.block(block, ofInput: 1, item: item),
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
