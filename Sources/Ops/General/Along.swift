internal import CKernels
package import Graphs
package import Tensors

/// Outer × count × inner: an array as an operation sees it that works along one axis, or along neighbouring ones.
package struct Extents: Hashable, Sendable {
    package let outer: Int
    package let count: Int
    package let inner: Int

    package init(outer: Int, count: Int, inner: Int) {
        self.outer = outer
        self.count = count
        self.inner = inner
    }

    /// An array's, along some neighbouring axes.
    package init(_ dimensions: [Int], axes: Range<Int>) {
        outer = dimensions[..<axes.lowerBound].reduce(1, *)
        count = dimensions[axes].reduce(1, *)
        inner = dimensions[axes.upperBound...].reduce(1, *)
    }

    /// The outer pieces, in chunks that are worth a task each.
    var chunks: Chunks { Chunks(outer, of: elementsPerTask / max(1, count * inner)) }
}

/// What a piece of an array along an axis becomes: operations that differ in the kernel alone.
package struct Along: GeneralOp {
    package enum Kind: Hashable, Sendable {
        case reduce(Reduction)
        case softmax(SoftmaxKind)
        case cumulate(exclusive: Bool, reverse: Bool, isProduct: Bool)
    }

    /// One number of many.
    package enum Reduction: String, CaseIterable, Sendable {
        case sum, mean, product, max, min, l1, l2, sumSquare, logSum, logSumExp
        case argMax, argMin, argMaxLast, argMinLast

        var kernel: kernel_reduction {
            switch self {
            case .sum: kernel_reduce_sum
            case .mean: kernel_reduce_mean
            case .product: kernel_reduce_product
            case .max: kernel_reduce_max
            case .min: kernel_reduce_min
            case .l1: kernel_reduce_l1
            case .l2: kernel_reduce_l2
            case .sumSquare: kernel_reduce_sum_square
            case .logSum: kernel_reduce_log_sum
            case .logSumExp: kernel_reduce_log_sum_exp
            case .argMax: kernel_reduce_arg_max
            case .argMin: kernel_reduce_arg_min
            case .argMaxLast: kernel_reduce_arg_max_last
            case .argMinLast: kernel_reduce_arg_min_last
            }
        }
    }

    /// Softmax and its kin.
    package enum SoftmaxKind: String, Sendable {
        case plain, log, hard

        var kernel: kernel_softmax_kind {
            switch self {
            case .plain: kernel_softmax_plain
            case .log: kernel_softmax_log
            case .hard: kernel_softmax_hard
            }
        }
    }

    package let kind: Kind
    package let operands: Operands
    private let extents: Extents
    private let shape: Shape

    /// - Parameters:
    ///   - kind: what is done.
    ///   - operand: what it reads, outer × count × inner.
    ///   - extents: the operand's.
    ///   - shape: of the result.
    package init(_ kind: Kind, _ operand: Operands.Source, _ extents: Extents, shape: Shape) {
        self.kind = kind
        operands = Operands([operand])
        self.extents = extents
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String {
        switch kind {
        case .reduce(let reduction): "\(reduction.rawValue) of \(extents.count)"
        case .softmax(let kind): "\(kind == .plain ? "" : kind.rawValue + " ")softmax of \(extents.count)"
        case .cumulate: "running sums of \(extents.count)"
        }
    }

    private var countPerOuter: Int {
        if case .reduce = kind { extents.inner } else { extents.count * extents.inner }
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * extents.chunks.count }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunks = extents.chunks
        let (item, part) = task.index.quotientAndRemainder(dividingBy: chunks.count)
        let chunk = chunks[part]
        let (count, inner) = (extents.count, extents.inner)
        let source = unsafe operands.operand(0, item: item, of: call) + chunk.lowerBound * count * inner
        let target = unsafe call.output(item: item) + chunk.lowerBound * countPerOuter
        switch kind {
        case .reduce(let reduction):
            unsafe kernel_reduce(reduction.kernel, source, chunk.count, count, inner, target)
        case .softmax(let kind):
            unsafe kernel_softmax_along(kind.kernel, source, chunk.count, count, inner, target)
        case .cumulate(let exclusive, let reverse, let isProduct):
            unsafe kernel_cumulate(source, chunk.count, count, inner, exclusive, reverse, isProduct, target)
        }
    }
}

/// The `k` largest or smallest numbers along an axis, in order, and their places.
///
/// - Shape: outer × count × inner → outer × k × inner, twice.
/// - Source: ONNX's `TopK`; of equal numbers the one with the lower place comes first.
package struct Top: GeneralOp {
    package let operands: Operands
    private let extents: Extents
    private let k: Int
    private let largest: Bool
    private let shape: Shape

    package init(_ operand: Operands.Source, _ extents: Extents, k: Int, largest: Bool, shape: Shape) {
        operands = Operands([operand])
        self.extents = extents
        self.k = k
        self.largest = largest
        self.shape = shape
    }

    package var results: [Shape] { [shape, shape] }

    package var structure: String { "\(largest ? "largest" : "smallest") \(k) of \(extents.count)" }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch { Scratch(perThread: extents.count) }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * extents.outer }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, outer) = task.index.quotientAndRemainder(dividingBy: extents.outer)
        for inner in 0..<extents.inner {
            unsafe kernel_top(
                operands.operand(0, item: item, of: call) + outer * extents.count * extents.inner + inner,
                extents.count,
                extents.inner,
                k,
                largest,
                call.output(0, item: item) + outer * k * extents.inner + inner,
                call.output(1, item: item) + outer * k * extents.inner + inner,
                call.scratch(of: task.thread)
            )
        }
    }
}

/// Each place along an axis as a weighted sum of places: linear and cubic interpolation.
///
/// - Shape: outer × count × inner → outer × results × inner.
package struct Resample: GeneralOp {
    package let operands: Operands
    private let extents: Extents
    /// For each result `width` taps and weights.
    private let taps: [Int32]
    private let weights: [Float]
    private let width: Int
    private let shape: Shape

    /// - Precondition: the taps are within the axis, and there are as many weights.
    package init(
        _ operand: Operands.Source,
        _ extents: Extents,
        taps: [Int32],
        weights: [Float],
        width: Int,
        shape: Shape
    ) {
        precondition(taps.allSatisfy { 0 <= $0 && Int($0) < extents.count }, "taps outside \(extents.count)")
        precondition(taps.count == weights.count && taps.count % width == 0, "\(taps.count) taps")
        operands = Operands([operand])
        self.extents = extents
        self.taps = taps
        self.weights = weights
        self.width = width
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String { "resample \(extents.count) to \(taps.count / width)" }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * extents.chunks.count }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunks = extents.chunks
        let (item, part) = task.index.quotientAndRemainder(dividingBy: chunks.count)
        let chunk = chunks[part]
        let count = taps.count / width
        unsafe kernel_resample_along(
            operands.operand(0, item: item, of: call) + chunk.lowerBound * extents.count * extents.inner,
            chunk.count,
            extents.count,
            extents.inner,
            taps,
            weights,
            width,
            count,
            call.output(item: item) + chunk.lowerBound * count * extents.inner
        )
    }
}
