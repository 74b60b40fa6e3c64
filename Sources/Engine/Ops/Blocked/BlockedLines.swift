internal import CKernels

/// A line for each channel of a blocked image: batch norm and constant scales that no convolution took.
struct BlockedLines: PackedOp {
    let lines: ChannelLines

    var structure: String { "rescale" }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func packed(_ weights: [Tensor]) -> [Tensor] { lines.packed }

    /// Every plan makes the lines anew.
    var keepsTrained: Bool { true }

    var placement: Placement { .overInput }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_affine_block(
                call.block(block, ofInput: 0, item: item),
                Layout.pixels(call.outputShape),
                call.weight(0) + block * 16,
                call.weight(1) + block * 16,
                kernel_activation_none,
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
