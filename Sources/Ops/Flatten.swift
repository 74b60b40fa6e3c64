package import Graphs
package import Tensors

/// All values in one row, in row-major order.
///
/// - Shape: any → [element count].
package struct Flatten: Op {
    package init() {}

    package var structure: String { "flatten" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { [inputs[0].elementCount] }
}

extension Flatten {
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package var tableRole: TableRole { .view }

    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        inputs[0].rank == 3 ? .flattensMap : .same
    }

    package var placement: Placement { .view }

    package func taskCount(phase: Int, of call: OpCall) -> Int { 0 }

    package func run(_ task: OpTask, of call: OpCall) {
        preconditionFailure("a view is not run")
    }
}
