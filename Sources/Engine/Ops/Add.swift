/// The elementwise sum of two values of one shape.
///
/// - Source: He et al. 2015, §3.2: y = F(x) + x.
package struct Add: Op {
    package init() {}

    package var structure: String { "sum" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs[0] == inputs[1] else {
            throw ShapeError("sum: \(inputs[0]) and \(inputs[1]) differ")
        }
        return inputs[0]
    }
}
