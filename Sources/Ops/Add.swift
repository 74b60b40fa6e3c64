internal import CKernels
package import Graphs
package import Tensors

/// The elementwise sum of two values of one shape.
///
/// - Source: He et al. 2015, §3.2: y = F(x) + x.
package struct Add: Op {
    package init() {}

    package var structure: String { "sum" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("sum: expected 2 values, found \(inputs.count)") }
        guard inputs[0] == inputs[1] else {
            throw ShapeError("sum: \(inputs[0]) and \(inputs[1]) differ")
        }
        return inputs[0]
    }
}

extension Add {
    package func form(at site: OpSite) -> (any PackedOp)? { site.isBlocked ? BlockedSum() : nil }

    package var postOp: PostOp? { .sum }

    package var tableRole: TableRole { .join }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        Chunks(call.batch * call.outputCount, of: elementsPerTask).count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunk = Chunks(call.batch * call.outputCount, of: elementsPerTask)[task.index]
        unsafe kernel_add(
            call.input(0, item: 0) + chunk.lowerBound,
            call.input(1, item: 0) + chunk.lowerBound,
            call.output(item: 0) + chunk.lowerBound,
            chunk.count
        )
    }
}

/// The sum of two blocked images, or one image, and ReLU or ReLU6 of it.
struct BlockedSum: PackedOp {
    var clamp: Clamp?

    var structure: String { clamp?.structure ?? "sum" }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    var placement: Placement { .overInput }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_add_block(
                call.block(block, ofInput: 0, item: item),
                call.inputs > 1 ? call.block(block, ofInput: 1, item: item) : nil,
                OpCall.blockStride(call.outputShape),
                kernel_activation(clamp),
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
