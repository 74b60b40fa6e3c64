internal import CKernels
package import Graphs
package import Tensors

/// An elementwise function.
///
/// - Shape: any → same.
package enum Activation: String, PointwiseFunction, CaseIterable {
    /// max(x, 0).
    case relu
    /// min(max(x, 0), 6).
    case relu6
    case tanh
    /// 1 / (1 + e⁻ˣ).
    case sigmoid
    /// min(max(x + 3, 0), 6) / 6. Howard et al. 2019, §5.2.
    case hardSigmoid = "hard sigmoid"
    /// x · hardSigmoid(x). Howard et al. 2019, §5.2.
    case hardSwish = "hard swish"
    /// x · sigmoid(x). Ramachandran et al. 2017, §4.
    case silu
    /// x · (1 + erf(x/√2)) / 2. Hendrycks & Gimpel 2016, §2.
    case gelu
    /// x · (1 + tanh(√(2/π)·(x + 0.044715x³))) / 2. Hendrycks & Gimpel 2016, §2.
    case geluTanh = "gelu by tanh"
    /// x · tanh(ln(1 + eˣ)). Misra 2019, §3.
    case mish

    package var structure: String {
        if case .clamp(let clamp) = postOp { clamp.structure } else { rawValue }
    }
}

extension Activation {
    package func form(at site: OpSite) -> (any PackedOp)? {
        guard site.isBlocked else { return nil }
        if case .clamp(let clamp) = postOp { return BlockedSum(clamp: clamp) }
        return BlockedFunction(function: self)
    }

    package var postOp: PostOp? {
        switch self {
        case .relu: .clamp(.relu)
        case .relu6: .clamp(.relu6)
        case .hardSwish: .function(.hardSwish)
        case .silu: .function(.silu)
        case .gelu: .function(.gelu)
        case .geluTanh: .function(.geluTanh)
        case .mish: .function(.mish)
        case .tanh: .function(.tanh)
        case .sigmoid: .function(.sigmoid)
        case .hardSigmoid: .function(.hardSigmoid)
        }
    }

    package func apply(to x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int) {
        switch self {
        case .relu: unsafe kernel_relu(x, y, count)
        case .relu6: unsafe kernel_relu6(x, y, count)
        case .tanh: unsafe kernel_tanh(x, y, count)
        case .sigmoid: unsafe kernel_sigmoid(x, y, count)
        case .hardSigmoid: unsafe kernel_hard_sigmoid(x, y, count)
        case .hardSwish: unsafe kernel_hard_swish(x, y, count)
        case .silu: unsafe kernel_silu(x, y, count)
        case .gelu: unsafe kernel_gelu(x, y, count)
        case .geluTanh: unsafe kernel_gelu_tanh(x, y, count)
        case .mish: unsafe kernel_mish(x, y, count)
        }
    }

    package var keepsZero: Bool {
        if case .function(let function) = postOp { function.keepsZero } else { true }
    }
}

/// An operation that is a function of each number.
///
/// - Shape: any → same.
package protocol PointwiseFunction: Op {
    /// y = f(x) for `count` numbers; `y` may be `x`.
    func apply(to x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int)

    /// Whether 0 stays 0.
    var keepsZero: Bool { get }
}

extension PointwiseFunction {
    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedFunction(function: self) : nil
    }

    package var tableRole: TableRole { .function }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        Chunks(call.batch * call.outputCount, of: elementsPerTask).count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunk = Chunks(call.batch * call.outputCount, of: elementsPerTask)[task.index]
        unsafe apply(
            to: call.input(item: 0) + chunk.lowerBound,
            call.output(item: 0) + chunk.lowerBound,
            count: chunk.count
        )
    }
}

/// The function of a blocked image; the channels beyond the last stay zero.
struct BlockedFunction<Function: PointwiseFunction>: PackedOp {
    let function: Function

    var structure: String { function.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    var placement: Placement { .overInput }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let count = OpCall.blockStride(call.outputShape)
        let channels = call.outputShape[0]
        for (item, block) in BlockTasks(call)[task.index] {
            let output = unsafe call.block(block, ofOutputItem: item)
            unsafe function.apply(to: call.block(block, ofInput: 0, item: item), output, count: count)
            let used = channels - block * 16
            guard used < 16, !function.keepsZero else { continue }
            for start in stride(from: 0, to: count, by: 16) {
                unsafe (output + start + used).update(repeating: 0, count: 16 - used)
            }
        }
    }
}
