/// All values in one row, in row-major order.
///
/// - Shape: any → [element count].
package struct Flatten: Op {
    package init() {}

    package var structure: String { "flatten" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { [inputs[0].elementCount] }
}
