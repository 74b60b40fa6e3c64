internal import CKernels
package import Graphs
package import Tensors

/// Groups of numbers brought to a mean of 0 and a variance of 1, or to a mean square of 1.
///
/// - Shape: groups × count → same.
/// - Source: Ba et al. 2016 (layers), Ulyanov et al. 2016 (instances), Wu & He 2018 (groups), Zhang & Sennrich 2019 (RMS).
package struct Standardize: GeneralOp {
    package let operands: Operands
    private let groups: Int
    private let count: Int
    private let epsilon: Float
    private let isRMS: Bool
    private let shape: Shape

    package init(
        _ operand: Operands.Source,
        groups: Int,
        count: Int,
        epsilon: Float,
        isRMS: Bool,
        shape: Shape
    ) {
        operands = Operands([operand])
        self.groups = groups
        self.count = count
        self.epsilon = epsilon
        self.isRMS = isRMS
        self.shape = shape
    }

    /// The numbers, and each group's mean and inverse deviation.
    package var results: [Shape] { [shape, [groups], [groups]] }

    package var structure: String { "\(isRMS ? "RMS" : "standard") norm of \(count)" }

    private var chunks: Chunks { Chunks(groups, of: elementsPerTask / count) }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * chunks.count }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, part) = task.index.quotientAndRemainder(dividingBy: chunks.count)
        for group in chunks[part] {
            let source = unsafe operands.operand(0, item: item, of: call) + group * count
            let target = unsafe call.output(item: item) + group * count
            let mean = unsafe call.output(1, item: item) + group
            let inverse = unsafe call.output(2, item: item) + group
            unsafe kernel_moments(source, count, epsilon, isRMS, mean, inverse)
            for index in 0..<count {
                unsafe target[index] = (source[index] - mean[0]) * inverse[0]
            }
        }
    }
}

/// Local response normalisation of several images.
///
/// - Shape: images × channels × pixels → same.
/// - Source: ONNX's `LRN`, whose α is divided by the size.
package struct ResponseNorm: GeneralOp {
    package let operands: Operands
    private let extents: Extents
    private let norm: LocalResponseNorm
    private let shape: Shape

    package init(_ operand: Operands.Source, _ extents: Extents, _ norm: LocalResponseNorm, shape: Shape) {
        operands = Operands([operand])
        self.extents = extents
        self.norm = norm
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String { "LRN" }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * extents.outer }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, image) = task.index.quotientAndRemainder(dividingBy: extents.outer)
        let offset = image * extents.count * extents.inner
        unsafe kernel_response_norm(
            operands.operand(0, item: item, of: call) + offset,
            extents.count,
            extents.inner,
            norm.size,
            norm.alpha,
            norm.beta,
            norm.k,
            call.output(item: item) + offset
        )
    }
}
