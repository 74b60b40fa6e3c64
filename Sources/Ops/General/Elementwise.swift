internal import CKernels
package import Graphs
package import Tensors

/// A function of one to three numbers.
package enum Function: String, CaseIterable, Sendable {
    case abs, acos, acosh, asin, asinh, atan, atanh, ceil, celu, cos, cosh, elu, erf, exp, floor, gelu,
        geluTanh
    case hardSigmoid, hardSwish, identity, isInf, isNaN, leakyRelu, log, mish, negate, not, reciprocal, relu,
        round
    case selu, shrink, sigmoid, sign, silu, sin, sinh, softplus, softsign, sqrt, swish, tan, tanh,
        thresholdedRelu
    case toBool, toHalf, toBFloat, toSmall, truncate
    case add, and, divide, divideIntegers, equal, greater, greaterOrEqual, less, lessOrEqual, max, mean, min,
        modulo
    case fmod, multiply, or, power, prelu, subtract, xor
    case clip, `where`, quantize

    var kernel: kernel_function {
        switch self {
        case .abs: kernel_function_abs
        case .acos: kernel_function_acos
        case .acosh: kernel_function_acosh
        case .asin: kernel_function_asin
        case .asinh: kernel_function_asinh
        case .atan: kernel_function_atan
        case .atanh: kernel_function_atanh
        case .ceil: kernel_function_ceil
        case .celu: kernel_function_celu
        case .cos: kernel_function_cos
        case .cosh: kernel_function_cosh
        case .elu: kernel_function_elu
        case .erf: kernel_function_erf
        case .exp: kernel_function_exp
        case .floor: kernel_function_floor
        case .gelu: kernel_function_gelu
        case .geluTanh: kernel_function_gelu_tanh
        case .hardSigmoid: kernel_function_hard_sigmoid
        case .hardSwish: kernel_function_hard_swish
        case .identity: kernel_function_identity
        case .isInf: kernel_function_is_inf
        case .isNaN: kernel_function_is_nan
        case .leakyRelu: kernel_function_leaky_relu
        case .log: kernel_function_log
        case .mish: kernel_function_mish
        case .negate: kernel_function_negate
        case .not: kernel_function_not
        case .reciprocal: kernel_function_reciprocal
        case .relu: kernel_function_relu
        case .round: kernel_function_round
        case .selu: kernel_function_selu
        case .shrink: kernel_function_shrink
        case .sigmoid: kernel_function_sigmoid
        case .sign: kernel_function_sign
        case .silu: kernel_function_silu
        case .sin: kernel_function_sin
        case .sinh: kernel_function_sinh
        case .softplus: kernel_function_softplus
        case .softsign: kernel_function_softsign
        case .sqrt: kernel_function_sqrt
        case .swish: kernel_function_swish
        case .tan: kernel_function_tan
        case .tanh: kernel_function_tanh
        case .thresholdedRelu: kernel_function_thresholded_relu
        case .toBool: kernel_function_to_bool
        case .toHalf: kernel_function_to_half
        case .toBFloat: kernel_function_to_bfloat
        case .toSmall: kernel_function_to_small
        case .truncate: kernel_function_truncate
        case .add: kernel_function_add
        case .and: kernel_function_and
        case .divide: kernel_function_divide
        case .divideIntegers: kernel_function_divide_integers
        case .equal: kernel_function_equal
        case .greater: kernel_function_greater
        case .greaterOrEqual: kernel_function_greater_or_equal
        case .less: kernel_function_less
        case .lessOrEqual: kernel_function_less_or_equal
        case .max: kernel_function_max
        case .mean: kernel_function_mean
        case .min: kernel_function_min
        case .modulo: kernel_function_modulo
        case .fmod: kernel_function_fmod
        case .multiply: kernel_function_multiply
        case .or: kernel_function_or
        case .power: kernel_function_power
        case .prelu: kernel_function_prelu
        case .subtract: kernel_function_subtract
        case .xor: kernel_function_xor
        case .clip: kernel_function_clip
        case .where: kernel_function_where
        case .quantize: kernel_function_quantize
        }
    }
}

/// A function of the numbers of one to three operands, which are repeated along the axes where they have one number.
///
/// - Shape: any that broadcast together → the shape that they broadcast to.
/// - Source: ONNX, "Broadcasting in ONNX" (that of NumPy).
package struct Elementwise: GeneralOp {
    package let function: Function
    package let operands: Operands
    private let alpha: Float
    private let beta: Float
    private let shape: Shape
    /// The axes of the loop, neighbours joined where all operands allow it, and each operand's step along them.
    private let extents: [Int]
    private let steps: [[Int]]

    /// - Parameters:
    ///   - function: of as many numbers as there are operands.
    ///   - operands: one to three.
    ///   - dimensions: of each, as they broadcast to `broadcast`.
    ///   - broadcast: the extents of the loop.
    ///   - alpha: the function's first constant.
    ///   - beta: the function's second constant.
    ///   - shape: of the result.
    package init(
        _ function: Function,
        _ operands: Operands,
        dimensions: [[Int]],
        broadcast: [Int],
        alpha: Float = 0,
        beta: Float = 0,
        shape: Shape
    ) {
        self.function = function
        self.operands = operands
        self.alpha = alpha
        self.beta = beta
        self.shape = shape
        (extents, steps) = Self.loop(dimensions, broadcast)
    }

    package var results: [Shape] { [shape] }

    package var structure: String { function.rawValue }

    package var placement: Placement {
        // Where an operand is repeated it is read after a part of the result is written.
        operands.valueCounts.allSatisfy { $0 == shape.elementCount } ? .overInput : .separate
    }

    private static func loop(_ dimensions: [[Int]], _ broadcast: [Int]) -> (extents: [Int], steps: [[Int]]) {
        let full = dimensions.map { own -> [Int] in
            let padded = [Int](repeating: 1, count: broadcast.count - own.count) + own
            var steps = [Int](repeating: 0, count: padded.count)
            var step = 1
            for axis in padded.indices.reversed() {
                steps[axis] = padded[axis] == 1 ? 0 : step
                step *= padded[axis]
            }
            return steps
        }
        var extents: [Int] = []
        var steps = dimensions.map { _ in [Int]() }
        for axis in broadcast.indices where broadcast[axis] != 1 {
            let joins =
                !extents.isEmpty
                && full.indices.allSatisfy { steps[$0].last == full[$0][axis] * broadcast[axis] }
            if joins, let last = extents.popLast() {
                extents.append(last * broadcast[axis])
                for index in full.indices { steps[index][steps[index].count - 1] = full[index][axis] }
            } else {
                extents.append(broadcast[axis])
                for index in full.indices { steps[index].append(full[index][axis]) }
            }
        }
        return extents.isEmpty ? ([1], dimensions.map { _ in [0] }) : (extents, steps)
    }
}

extension Elementwise {
    /// On blocked images where all that it reads are such images, and single numbers.
    package func form(at site: OpSite) -> (any PackedOp)? {
        guard site.isBlocked, shape.rank == 3, site.inputs.allSatisfy({ $0.shape == shape }),
            operands.parameters.allSatisfy({ $0.shape.elementCount == 1 })
        else { return nil }
        return BlockedElementwise(op: self)
    }

    /// The pieces of the innermost axis, each a call of the kernel.
    private var pieces: Chunks { Chunks(extents[extents.count - 1], of: elementsPerTask) }

    private var rowChunks: Chunks {
        Chunks(extents.dropLast().reduce(1, *), of: elementsPerTask / extents[extents.count - 1])
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        call.batch * rowChunks.count * pieces.count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let (rows, pieces) = (rowChunks, pieces)
        let piece = pieces[task.index % pieces.count]
        let rest = task.index / pieces.count
        let item = rest / rows.count
        let last = extents.count - 1
        let first = unsafe operands.operand(0, item: item, of: call)
        let second = operands.count > 1 ? unsafe operands.operand(1, item: item, of: call) : unsafe first
        let third = operands.count > 2 ? unsafe operands.operand(2, item: item, of: call) : unsafe first
        func step(_ operand: Int) -> Int { operand < operands.count ? steps[operand][last] : 0 }
        for row in rows[rest % rows.count] {
            var (left, places) = (row, (0, 0, 0))
            for axis in (0..<last).reversed() {
                let index = left % extents[axis]
                left /= extents[axis]
                places.0 += index * steps[0][axis]
                if operands.count > 1 { places.1 += index * steps[1][axis] }
                if operands.count > 2 { places.2 += index * steps[2][axis] }
            }
            unsafe kernel_elementwise(
                function.kernel,
                first + places.0 + piece.lowerBound * step(0),
                step(0),
                second + places.1 + piece.lowerBound * step(1),
                step(1),
                third + places.2 + piece.lowerBound * step(2),
                step(2),
                alpha,
                beta,
                call.output(item: item) + row * extents[last] + piece.lowerBound,
                piece.count
            )
        }
    }
}

/// The function of blocked images; the channels beyond the last stay zero.
private struct BlockedElementwise: PackedOp {
    let op: Elementwise

    var structure: String { op.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    var placement: Placement { .overInput }

    func packed(_ weights: [Tensor]) -> [Tensor] { weights }

    var keepsTrained: Bool { true }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let stride = OpCall.blockStride(call.outputShape)
        for (item, block) in BlockTasks(call)[task.index] {
            let output = unsafe call.block(block, ofOutputItem: item)
            unsafe op.apply(of: call, item: item, from: block * stride, output, count: stride)
            let used = call.outputShape[0] - block * 16
            guard used < 16 else { continue }
            for start in Swift.stride(from: used, to: stride, by: 16) {
                unsafe (output + start).update(repeating: 0, count: 16 - used)
            }
        }
    }
}

extension Elementwise {
    /// The function of `count` numbers of operands that are whole arrays or single numbers.
    fileprivate func apply(
        of call: OpCall,
        item: Int,
        from first: Int,
        _ output: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        func source(_ index: Int) -> (UnsafePointer<Float>, step: Int) {
            let index = index < operands.count ? index : 0
            let start = unsafe operands.operand(index, item: item, of: call)
            if case .trained = operands.sources[index] { return unsafe (start, 0) }
            return unsafe (start + first, 1)
        }
        let (a, b, c) = unsafe (source(0), source(1), source(2))
        unsafe kernel_elementwise(
            function.kernel,
            a.0,
            a.step,
            b.0,
            b.step,
            c.0,
            c.step,
            alpha,
            beta,
            output,
            count
        )
    }
}
