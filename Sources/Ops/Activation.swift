internal import CKernels
package import Graphs
package import Tensors

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

    package var structure: String { clamp?.structure ?? rawValue }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
}

extension Activation {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? clamp.map { BlockedSum(clamp: $0) } : nil
    }

    package var postOp: PostOp? { clamp.map { .clamp($0) } }

    package var tableRole: TableRole { .function }

    /// The bounds within which it keeps a value, if it does no more.
    private var clamp: Clamp? {
        switch self {
        case .relu: .relu
        case .relu6: .relu6
        case .tanh, .sigmoid: nil
        }
    }

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
