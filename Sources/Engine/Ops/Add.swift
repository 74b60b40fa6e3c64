internal import CKernels

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
