internal import Graphs
internal import Tensors

/// x where it is positive, a small part of it elsewhere.
///
/// - Shape: any → same.
/// - Source: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013, equation 3.
package struct LeakyReLU: PointwiseFunction {
    /// The part of negative numbers that is kept.
    package let slope: Float

    package init(slope: Float = 0.01) { self.slope = slope }

    package var structure: String { "leaky ReLU \(slope)" }

    package var keepsZero: Bool { true }

    package func apply(to x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count {
            let value = unsafe x[index]
            unsafe y[index] = max(value, 0) + slope * min(value, 0)
        }
    }
}
