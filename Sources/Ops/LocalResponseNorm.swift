internal import CKernels
package import Graphs
package import Tensors

/// Local response normalisation across channels: b_i = a_i / (k + α·Σ a_j²)^β, j within `size`/2 of i.
///
/// The paper's α multiplies the sum as it is; Caffe and PyTorch divide their α by `size` first. `alpha` here is the
/// paper's: pass α / size for weights of the other kind.
/// - Shape: c × h × w → same.
/// - Source: Krizhevsky et al. 2012, §3.3.
package struct LocalResponseNorm: Op {
    package let size: Int
    package let alpha: Float
    package let beta: Float
    package let k: Float

    package init(size: Int = 5, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 2) {
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k
    }

    package var structure: String { "LRN" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        _ = try requireImage(inputs[0], for: "LRN")
        return inputs[0]
    }
}

extension LocalResponseNorm {
    package func form(at site: OpSite) -> (any PackedOp)? { site.isBlocked ? BlockedNorm(self) : nil }

    package var tableRole: TableRole { .function }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * pixels(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let chunks = pixels(of: call)
        let item = task.index / chunks.count
        let chunk = chunks[task.index % chunks.count]
        unsafe kernel_local_response_norm(
            call.input(item: item),
            call.outputShape[0],
            chunks.total,
            chunk.lowerBound,
            chunk.count,
            size,
            alpha,
            beta,
            k,
            call.output(item: item)
        )
    }

    private func pixels(of call: OpCall) -> Chunks {
        let channels = max(1, call.outputShape[0])
        return Chunks(call.outputCount / channels, of: elementsPerTask / channels)
    }
}

/// Local response normalisation of a blocked image.
struct BlockedNorm: PackedOp {
    let norm: LocalResponseNorm

    /// Nil when there is no kernel for it: a window beyond the neighbouring blocks, or no constant to keep the channels
    /// of zeros from being 0/0.
    init?(_ norm: LocalResponseNorm) {
        guard norm.size <= 32, norm.k > 0 else { return nil }
        self.norm = norm
    }

    var structure: String { norm.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * pixels(of: call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let chunks = pixels(of: call)
        let item = task.index / chunks.count
        let chunk = chunks[task.index % chunks.count]
        let stride = OpCall.blockStride(call.outputShape)
        unsafe kernel_norm_blocks(
            call.input(item: item),
            stride,
            call.outputShape[0],
            chunk.lowerBound,
            chunk.count,
            norm.size,
            norm.alpha,
            norm.beta,
            norm.k,
            call.output(item: item),
            stride
        )
    }

    private func pixels(of call: OpCall) -> Chunks {
        Chunks(Layout.pixels(call.outputShape), of: elementsPerTask / 2 / max(1, call.outputShape[0]))
    }
}
