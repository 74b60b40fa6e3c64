internal import CKernels

/// An operation with packed weights, or on blocked images: [⌈c/16⌉][h][w][16] floats, zeros in the channels beyond the
/// last.
///
/// Its inputs and output are blocked, so a shape still says channels × height × width, but an item takes whole blocks.
protocol PackedOp: Op {
    /// Whether input `index` is planar instead.
    func readsPlanar(_ index: Int) -> Bool

    /// Whether the output is planar instead.
    var writesPlanar: Bool { get }

    /// What tells its weights from those of other operations under its name.
    var packingSuffix: String { get }

    /// Whether the trained arrays stay beside the packed ones, because another plan may need another form of them.
    var keepsTrained: Bool { get }

    /// The arrays that `run` finds as its weights, from the trained ones; made once for a model.
    func packed(_ weights: [Tensor]) -> [Tensor]
}

extension PackedOp {
    func readsPlanar(_ index: Int) -> Bool { false }

    var writesPlanar: Bool { false }

    var packingSuffix: String { "" }

    var keepsTrained: Bool { false }

    func packed(_ weights: [Tensor]) -> [Tensor] { [] }
}

/// How an image lies in memory.
enum Layout: Sendable {
    /// Channels × height × width, or any other shape in row-major order.
    case planar
    /// Blocks of 16 channels.
    case blocked

    /// The floats of one item.
    func count(_ shape: Shape) -> Int {
        self == .planar ? shape.elementCount : Self.blocks(shape[0]) * 16 * Self.pixels(shape)
    }

    /// The blocks of some channels.
    static func blocks(_ channels: Int) -> Int { (channels + 15) / 16 }

    /// The pixels of an image; 1 for a vector.
    static func pixels(_ shape: Shape) -> Int { shape.dimensions.dropFirst().reduce(1, *) }
}

extension OpCall {
    /// The floats from one channel block of an image to the next.
    static func blockStride(_ shape: Shape) -> Int { 16 * Layout.pixels(shape) }
}

extension kernel_activation {
    init(_ activation: Activation?) {
        switch activation {
        case .relu: self = kernel_activation_relu
        case .relu6: self = kernel_activation_relu6
        default: self = kernel_activation_none
        }
    }
}
