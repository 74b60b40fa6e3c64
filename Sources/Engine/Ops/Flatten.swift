/// All values in one row, in row-major order.
///
/// - Shape: any → [element count].
package struct Flatten: Op {
    package init() {}

    package var structure: String { "flatten" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { [inputs[0].elementCount] }
}

extension Flatten {
    package var placement: Placement { .view }

    package func taskCount(phase: Int, of call: OpCall) -> Int { 0 }

    package func run(_ task: OpTask, of call: OpCall) {
        preconditionFailure("a view is not run")
    }
}
