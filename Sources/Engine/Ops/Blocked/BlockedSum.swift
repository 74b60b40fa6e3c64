internal import CKernels

/// The sum of two blocked images, or one image, and ReLU or ReLU6 of it.
struct BlockedSum: PackedOp {
    var activation: Activation?

    var structure: String { activation?.structure ?? "sum" }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    var placement: Placement { .overInput }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_add_block(
                call.block(block, ofInput: 0, item: item),
                call.inputs > 1 ? call.block(block, ofInput: 1, item: item) : nil,
                OpCall.blockStride(call.outputShape),
                kernel_activation(activation),
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
