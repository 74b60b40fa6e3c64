internal import CKernels
internal import Graphs
internal import Platform
internal import Tensors

/// How a convolution is computed.
///
/// A layer has one algorithm for every batch size and image size, because its numbers must not depend on them.
enum ConvAlgorithm: Hashable, Sendable {
    case direct
    /// Winograd's minimal filtering; the raw value of the kernels' enumeration.
    case winograd(UInt32)

    var kernel: kernel_winograd_algorithm? {
        guard case .winograd(let raw) = self else { return nil }
        return kernel_winograd_algorithm(raw)
    }

    /// As in a table: `direct`, `F(4×4, 3×3)`.
    var name: String {
        guard let kernel else { return "direct" }
        let form = kernel_winograd_form_of(kernel)
        return "F(\(form.tile_height)×\(form.tile_width), \(form.taps_height)×\(form.taps_width))"
    }

    /// The algorithm with a name; nil when there is none.
    init?(named name: String) {
        let all = [Self.direct] + Self.winograds
        guard let algorithm = all.first(where: { $0.name == name }) else { return nil }
        self = algorithm
    }

    /// The error that is allowed against direct convolution, relative to the largest number.
    var bound: Float {
        switch kernel {
        case kernel_winograd_6x6_3x3, kernel_winograd_4x4_5x5: 2e-5
        case kernel_winograd_1x4_1x7, kernel_winograd_4x1_7x1: 1e-5
        default: 3e-6
        }
    }

    /// All of Winograd's.
    static let winograds = (0..<kernel_winograd_algorithms.rawValue).map { ConvAlgorithm.winograd($0) }
}

/// A convolution of one shape by one of Winograd's algorithms.
struct WinogradConv {
    private let shape: kernel_winograd_shape

    init(_ algorithm: kernel_winograd_algorithm, _ conv: Conv, input: Shape, output: Shape) {
        shape = kernel_winograd_shape(
            algorithm: algorithm,
            in_channels: conv.inputChannels,
            out_channels: conv.outputChannels,
            height: input[1],
            width: input[2],
            out_height: output[1],
            out_width: output[2],
            pad_top: conv.window.pads.top,
            pad_left: conv.window.pads.left
        )
    }

    /// The most tiles that a task transforms at once.
    private static let mostTiles = 32

    /// The scratch that a thread needs whatever the batch.
    var scratch: Int {
        var cut = kernel_winograd_cut(
            tiles: Self.mostTiles,
            blocks: Layout.blocks(shape.out_channels),
            tasks: 0,
            scratch: 0
        )
        var shape = shape
        unsafe kernel_winograd_count(&shape, 1, &cut)
        return cut.scratch
    }

    func taskCount(items: Int, threads: Int) -> Int { cut(items, threads).tasks }

    /// Runs one task of a call.
    func run(
        _ task: OpTask,
        _ form: kernel_winograd_call,
        items: Int,
        threads: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        var shape = shape
        var cut = cut(items, threads)
        var form = unsafe form
        unsafe kernel_winograd_run(&shape, items, &cut, &form, task.index, scratch)
    }

    private func cut(_ items: Int, _ threads: Int) -> kernel_winograd_cut {
        var shape = shape
        return unsafe kernel_winograd_cut_for(&shape, items, threads)
    }

    /// Transforms the filters, each output's times its scale.
    ///
    /// - Throws: `SystemError` when there is no memory for them.
    static func packed(
        _ weight: Tensor,
        scales: [Double],
        _ algorithm: kernel_winograd_algorithm,
        _ conv: Conv
    ) throws(SystemError) -> Tensor {
        let perOutput = weight.shape.elementCount / conv.outputChannels
        let scaled = try unsafe Tensor(shape: weight.shape) { target in
            unsafe weight.withUnsafeBufferPointer { source in
                for index in source.indices {
                    let scale = scales.isEmpty ? 1 : scales[index / perOutput]
                    unsafe target[index] = Float(Double(source[index]) * scale)
                }
            }
        }
        let count = kernel_winograd_weights(algorithm, conv.inputChannels, conv.outputChannels)
        return try unsafe Tensor(count: count) { target in
            for block in 0..<Layout.blocks(conv.outputChannels) {
                unsafe kernel_winograd_pack(
                    algorithm,
                    conv.inputChannels,
                    conv.outputChannels,
                    block,
                    scaled.address,
                    target
                )
            }
        }
    }
}
