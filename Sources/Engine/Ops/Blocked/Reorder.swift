internal import CKernels

/// A planar image as a blocked one.
struct ToBlocked: PackedOp {
    var structure: String { "to blocks" }

    func readsPlanar(_ index: Int) -> Bool { true }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    func run(_ task: OpTask, of call: OpCall) {
        unsafe kernel_to_blocked(
            call.input(item: task.index),
            call.outputShape[0],
            Layout.pixels(call.outputShape),
            call.output(item: task.index),
            OpCall.blockStride(call.outputShape)
        )
    }
}

/// A blocked image as a planar one.
struct ToPlanar: PackedOp {
    var structure: String { "from blocks" }

    var writesPlanar: Bool { true }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    func run(_ task: OpTask, of call: OpCall) {
        unsafe kernel_to_planar(
            call.input(item: task.index),
            OpCall.blockStride(call.outputShape),
            call.outputShape[0],
            Layout.pixels(call.outputShape),
            call.output(item: task.index)
        )
    }
}
