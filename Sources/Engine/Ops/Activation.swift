internal import CKernels

/// An elementwise function.
///
/// - Shape: any → same.
package enum Activation: String, Op {
    /// max(x, 0).
    case relu
    /// min(max(x, 0), 6).
    case relu6
    case tanh
    /// 1 / (1 + e⁻ˣ).
    case sigmoid

    package var structure: String {
        switch self {
        case .relu: "ReLU"
        case .relu6: "ReLU6"
        case .tanh, .sigmoid: rawValue
        }
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
}

extension Activation {
    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        Chunks(call.batch * call.outputCount, of: elementsPerTask).count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunk = Chunks(call.batch * call.outputCount, of: elementsPerTask)[task.index]
        let input = unsafe call.input(item: 0) + chunk.lowerBound
        let output = unsafe call.output(item: 0) + chunk.lowerBound
        switch self {
        case .relu: unsafe kernel_relu(input, output, chunk.count)
        case .relu6: unsafe kernel_relu6(input, output, chunk.count)
        case .tanh: unsafe kernel_tanh(input, output, chunk.count)
        case .sigmoid: unsafe kernel_sigmoid(input, output, chunk.count)
        }
    }
}
