internal import CKernels

/// Pooling over a sliding window of a blocked image.
struct BlockedPool: PackedOp {
    let pool: Pool

    var structure: String { pool.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try pool.outputShape(of: inputs) }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let image = kernel_image(call.inputShape(), output: call.outputShape)
        let kind =
            switch pool.kind {
            case .max: kernel_pool_max
            case .average: kernel_pool_average
            case .averageInside: kernel_pool_average_inside
            }
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_pool_block(
                call.block(block, ofInput: 0, item: item),
                image,
                pool.window.kernelWindow,
                kind,
                0,
                image.output_height,
                call.block(block, ofOutputItem: item)
            )
        }
    }
}

/// Average pooling of a blocked image to a fixed size.
struct BlockedAverage: PackedOp {
    let pool: AdaptiveAveragePool

    var structure: String { pool.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try pool.outputShape(of: inputs) }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let image = kernel_image(call.inputShape(), output: call.outputShape)
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_average_block(
                call.block(block, ofInput: 0, item: item),
                image,
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
