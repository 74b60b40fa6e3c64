/// e^x / Σ e^x over the last dimension, the largest value subtracted first.
///
/// - Shape: classes or steps × classes → same.
package struct Softmax: Op {
    package init() {}

    package var structure: String { "softmax" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
}
