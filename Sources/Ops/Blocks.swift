internal import CKernels
package import Graphs
internal import Tensors

/// The channel blocks of all items' outputs, in chunks that are worth a task each.
struct BlockTasks {
    /// Some blocks of the list, each with its item.
    struct Blocks: Sequence, IteratorProtocol {
        private var range: Range<Int>
        private let blocks: Int

        init(_ range: Range<Int>, blocks: Int) {
            self.range = range
            self.blocks = blocks
        }

        mutating func next() -> (item: Int, block: Int)? {
            guard let first = range.first else { return nil }
            range = (first + 1)..<range.upperBound
            return (first / blocks, first % blocks)
        }
    }

    private let blocks: Int
    private let chunks: Chunks

    init(_ call: OpCall) {
        blocks = Layout.blocks(call.outputShape[0])
        let floats = 16 * max(Layout.pixels(call.inputShape()), Layout.pixels(call.outputShape))
        chunks = Chunks(call.batch * blocks, of: elementsPerTask / 2 / floats)
    }

    var count: Int { chunks.count }

    subscript(task: Int) -> Blocks { Blocks(chunks[task], blocks: blocks) }
}

extension OpCall {
    /// A channel block of an item of an input.
    func block(_ block: Int, ofInput index: Int, item: Int) -> UnsafePointer<Float> {
        unsafe input(index, item: item) + block * Self.blockStride(inputShape(index))
    }

    /// A channel block of an item of the output.
    func block(_ block: Int, ofOutputItem item: Int) -> UnsafeMutablePointer<Float> {
        unsafe output(item: item) + block * Self.blockStride(outputShape)
    }
}

extension OpCall {
    /// The floats from one channel block of an image to the next.
    static func blockStride(_ shape: Shape) -> Int { 16 * Layout.pixels(shape) }
}

extension kernel_activation {
    init(_ clamp: Clamp?) {
        switch clamp {
        case .relu: self = kernel_activation_relu
        case .relu6: self = kernel_activation_relu6
        case nil: self = kernel_activation_none
        }
    }
}

extension PostFunction {
    /// The kernel that computes it.
    var kernel: kernel_vector_function {
        switch self {
        case .hardSwish: unsafe kernel_hard_swish
        case .silu: unsafe kernel_silu
        case .gelu: unsafe kernel_gelu
        case .geluTanh: unsafe kernel_gelu_tanh
        case .mish: unsafe kernel_mish
        case .tanh: unsafe kernel_tanh
        case .sigmoid: unsafe kernel_sigmoid
        case .hardSigmoid: unsafe kernel_hard_sigmoid
        }
    }
}

extension Layout {
    /// The operation that brings an image from the other layout into this one.
    package var reorder: any PackedOp { self == .blocked ? ToBlocked() : ToPlanar() }
}

/// A planar image as a blocked one.
struct ToBlocked: PackedOp {
    var structure: String { "to blocks" }

    func readsPlanar(_ index: Int) -> Bool { true }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    func run(_ task: OpTask, of call: OpCall) {
        unsafe kernel_to_blocked(
            call.input(item: task.index),
            call.outputShape[0],
            Layout.pixels(call.outputShape),
            call.output(item: task.index),
            OpCall.blockStride(call.outputShape)
        )
    }
}

/// A blocked image as a planar one.
struct ToPlanar: PackedOp {
    var structure: String { "from blocks" }

    var writesPlanar: Bool { true }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    func run(_ task: OpTask, of call: OpCall) {
        unsafe kernel_to_planar(
            call.input(item: task.index),
            OpCall.blockStride(call.outputShape),
            call.outputShape[0],
            Layout.pixels(call.outputShape),
            call.output(item: task.index)
        )
    }
}
