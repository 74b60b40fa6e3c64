internal import CKernels

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
