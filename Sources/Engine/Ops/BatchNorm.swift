/// Batch normalisation at inference: y = (x − running_mean) / √(running_var + ε) · weight + bias, per channel.
///
/// - Shape: c × h × w → same.
/// - Source: Ioffe & Szegedy 2015, Algorithm 2.
package struct BatchNorm: Op {
    package let channels: Int
    package let epsilon: Float

    package init(channels: Int, epsilon: Float = 1e-5) {
        self.channels = channels
        self.epsilon = epsilon
    }

    package var structure: String { "batch norm" }

    package var parameters: [Parameter] {
        ["weight", "bias", "running_mean", "running_var"].map { Parameter($0, [channels]) }
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let found = try requireImage(inputs[0], for: "batch norm").channels
        guard found == channels else {
            throw ShapeError("batch norm: expected \(channels) channels, found \(found)")
        }
        return inputs[0]
    }
}
