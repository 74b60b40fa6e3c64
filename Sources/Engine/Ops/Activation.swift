/// An elementwise function.
///
/// - Shape: any → same.
package enum Activation: String, Op {
    /// max(x, 0).
    case relu
    case tanh
    /// 1 / (1 + e⁻ˣ).
    case sigmoid

    package var structure: String { self == .relu ? "ReLU" : rawValue }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
}
