internal import CKernels
package import Graphs
package import Tensors

/// Pooling over a sliding window.
///
/// - Shape: c × h × w → c × h' × w', with the window's positions h' × w'.
package struct Pool: Op {
    package enum Kind: String, Sendable {
        case max
        /// The mean over the window, with the padding counted as zeros (PyTorch's and Caffe's default).
        case average
        /// The mean over the part of the window that lies inside the image (`count_include_pad=False`).
        case averageInside
    }

    package let kind: Kind
    package let window: Window

    package init(_ kind: Kind, window: Window) {
        self.kind = kind
        self.window = window
    }

    package var structure: String { "\(kind == .max ? "max" : "average") pool \(window.description)" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (channels, height, width) = try requireImage(inputs[0], for: "pool")
        let (pads, extent) = (window.pads, window.extent)
        // Every position has a part of the image then.
        guard max(pads.top, pads.bottom) < extent.height, max(pads.left, pads.right) < extent.width else {
            throw ShapeError("pool: padding is as large as the window (\(window.description))")
        }
        let (rows, columns) = try window.positions(height: height, width: width)
        return [channels, rows, columns]
    }
}

/// Average pooling to a fixed size: output cell i covers rows ⌊i·h/H⌋ ..< ⌈(i+1)·h/H⌉, columns likewise.
///
/// - Shape: c × h × w → c × height × width.
/// - Source: PyTorch's `AdaptiveAvgPool2d`; 1×1 is the global average pooling of Lin et al. 2014, §3.2.
package struct AdaptiveAveragePool: Op {
    package let height: Int
    package let width: Int

    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    package var structure: String {
        height == 1 && width == 1 ? "global average pool" : "average pool to \(height)×\(width)"
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        [try requireImage(inputs[0], for: "average pool").channels, height, width]
    }
}

extension Pool {
    package func form(at site: OpSite) -> (any PackedOp)? { site.isBlocked ? BlockedPool(pool: self) : nil }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        call.batch * ChannelChunks(call).count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let part = unsafe ChannelChunks(call).part(task.index, of: call)
        switch kind {
        case .max: unsafe kernel_max_pool(part.input, part.image, window.kernelWindow, part.output)
        case .average:
            unsafe kernel_average_pool(part.input, part.image, window.kernelWindow, true, part.output)
        case .averageInside:
            unsafe kernel_average_pool(part.input, part.image, window.kernelWindow, false, part.output)
        }
    }
}

extension AdaptiveAveragePool {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedAverage(pool: self) : nil
    }

    /// To more than one pixel it serves to give a classifier its size.
    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        height * width > 1 ? .sizesMap : .same
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        call.batch * ChannelChunks(call).count
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let part = unsafe ChannelChunks(call).part(task.index, of: call)
        unsafe kernel_adaptive_average_pool(part.input, part.image, part.output)
    }
}

/// The channels of an image in chunks that are worth a task each.
private struct ChannelChunks {
    private let channels: Chunks

    init(_ call: OpCall) {
        let total = call.inputShape()[0]
        channels = Chunks(total, of: elementsPerTask * max(1, total) / max(1, call.inputCount()))
    }

    var count: Int { channels.count }

    /// The chunk of a task: where it is read, its shape, and where it goes.
    func part(
        _ task: Int,
        of call: OpCall
    ) -> (input: UnsafePointer<Float>, image: kernel_image, output: UnsafeMutablePointer<Float>) {
        let item = task / count
        let chunk = channels[task % count]
        var image = kernel_image(call.inputShape(), output: call.outputShape)
        image.channels = chunk.count
        let input = unsafe call.input(item: item) + chunk.lowerBound * image.height * image.width
        let output =
            unsafe call.output(item: item) + chunk.lowerBound * image.output_height * image.output_width
        return unsafe (input, image, output)
    }
}

/// Pooling over a sliding window of a blocked image.
struct BlockedPool: PackedOp {
    let pool: Pool

    var structure: String { pool.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try pool.outputShape(of: inputs) }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let image = kernel_image(call.inputShape(), output: call.outputShape)
        let kind =
            switch pool.kind {
            case .max: kernel_pool_max
            case .average: kernel_pool_average
            case .averageInside: kernel_pool_average_inside
            }
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_pool_block(
                call.block(block, ofInput: 0, item: item),
                image,
                pool.window.kernelWindow,
                kind,
                0,
                image.output_height,
                call.block(block, ofOutputItem: item)
            )
        }
    }
}

/// Average pooling of a blocked image to a fixed size.
struct BlockedAverage: PackedOp {
    let pool: AdaptiveAveragePool

    var structure: String { pool.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try pool.outputShape(of: inputs) }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        let image = kernel_image(call.inputShape(), output: call.outputShape)
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_average_block(
                call.block(block, ofInput: 0, item: item),
                image,
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
