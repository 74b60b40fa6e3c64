internal import CKernels
package import Graphs
package import Tensors

/// e^x / Σ e^x over the last dimension, the largest value subtracted first.
///
/// - Shape: classes or steps × classes → same.
package struct Softmax: Op {
    package init() {}

    package var structure: String { "softmax" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
}

extension Softmax {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int { rows(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let width = rowWidth(call.outputShape)
        for row in rows(of: call)[task.index] {
            unsafe kernel_softmax(
                call.input(item: 0) + row * width,
                call.output(item: 0) + row * width,
                width
            )
        }
    }

    private func rowWidth(_ shape: Shape) -> Int { shape.dimensions.last ?? 1 }

    private func rows(of call: OpCall) -> Chunks {
        let width = max(1, rowWidth(call.outputShape))
        return Chunks(call.batch * (call.outputCount / width), of: elementsPerTask / 8 / width)
    }
}
