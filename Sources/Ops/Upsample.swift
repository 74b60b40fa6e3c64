package import Graphs
package import Tensors

/// An image so many times as high and as wide, whose pixels are squares of the same value.
///
/// - Shape: c × h × w → c × factor·h × factor·w.
/// - Source: PyTorch's `Upsample(mode="nearest")`.
package struct Upsample: Op {
    package let factor: Int

    /// - Precondition: `factor` is at least 1.
    package init(_ factor: Int) {
        precondition(1...1 << 16 ~= factor, "upsample: \(factor) times")
        self.factor = factor
    }

    package var structure: String { "upsample \(factor)×" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (channels, height, width) = try requireImage(inputs[0], for: "upsample")
        return [channels, height * factor, width * factor]
    }
}

extension Upsample {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedUpsample(upsample: self) : nil
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        for channel in 0..<call.outputShape[0] {
            unsafe enlarge(
                call.input(item: task.index) + channel * Layout.pixels(call.inputShape()),
                call.output(item: task.index) + channel * Layout.pixels(call.outputShape),
                call.inputShape(),
                lanes: 1
            )
        }
    }

    /// Repeats the pixels of one channel, or block of channels, along the rows, and then the rows.
    fileprivate func enlarge(
        _ x: UnsafePointer<Float>,
        _ y: UnsafeMutablePointer<Float>,
        _ shape: Shape,
        lanes: Int
    ) {
        let (height, width) = (shape[1], shape[2])
        let row = width * factor * lanes
        for line in 0..<height {
            let first = unsafe y + line * factor * row
            for column in 0..<width {
                let pixel = unsafe x + (line * width + column) * lanes
                for copy in 0..<factor {
                    unsafe (first + (column * factor + copy) * lanes).update(from: pixel, count: lanes)
                }
            }
            for copy in 1..<max(1, factor) { unsafe (first + copy * row).update(from: first, count: row) }
        }
    }
}

/// The same of a blocked image.
private struct BlockedUpsample: PackedOp {
    let upsample: Upsample

    var structure: String { upsample.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { try upsample.outputShape(of: inputs) }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe upsample.enlarge(
                call.block(block, ofInput: 0, item: item),
                call.block(block, ofOutputItem: item),
                call.inputShape(),
                lanes: 16
            )
        }
    }
}
