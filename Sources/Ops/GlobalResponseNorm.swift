package import Graphs
package import Tensors

/// Global response normalisation: y = x + weight · x · g / (mean of all g + ε) + bias, where g is the length of the channel,
/// √Σx² over its pixels.
///
/// - Shape: c × h × w → same.
/// - Source: Woo et al., "ConvNeXt V2", CVPR 2023, §3.2 and Algorithm 1.
package struct GlobalResponseNorm: Op {
    package let channels: Int
    package let epsilon: Float

    package init(channels: Int, epsilon: Float = 1e-6) {
        self.channels = channels
        self.epsilon = epsilon
    }

    package var structure: String { "response norm" }

    package var parameters: [Parameter] { ["weight", "bias"].map { Parameter($0, [channels]) } }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let found = try requireImage(inputs[0], for: "response norm").channels
        guard found == channels else {
            throw ShapeError("response norm: expected \(channels) channels, found \(found)")
        }
        return inputs[0]
    }
}

extension GlobalResponseNorm {
    package func form(at site: OpSite) -> (any PackedOp)? {
        site.isBlocked ? BlockedGlobalNorm(norm: self) : nil
    }

    package var tableRole: TableRole { .norm }

    /// The lengths of an item's channels lie between the phases.
    package func scratch(inputs: [Shape], output: Shape) -> Scratch { Scratch(perItem: channels) }

    package var phases: Int { 2 }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let pixels = Layout.pixels(call.outputShape)
        let lengths = unsafe call.scratch + task.index * channels
        let mean = task.phase == 0 ? 0 : unsafe self.mean(lengths)
        for channel in 0..<channels {
            let x = unsafe call.input(item: task.index) + channel * pixels
            let y = unsafe call.output(item: task.index) + channel * pixels
            guard task.phase == 0 else {
                let (scale, shift) = unsafe line(channel, lengths, mean, of: call)
                for pixel in 0..<pixels { unsafe y[pixel] = x[pixel] * scale + shift }
                continue
            }
            var sum: Float = 0
            for pixel in 0..<pixels { sum += unsafe x[pixel] * x[pixel] }
            unsafe lengths[channel] = sum.squareRoot()
        }
    }

    /// Of the channels' lengths.
    fileprivate func mean(_ lengths: UnsafePointer<Float>) -> Float {
        var sum: Float = 0
        for channel in 0..<channels { sum += unsafe lengths[channel] }
        return sum / Float(channels)
    }

    /// What becomes of a channel's values, as the lengths and their mean say.
    fileprivate func line(
        _ channel: Int,
        _ lengths: UnsafePointer<Float>,
        _ mean: Float,
        of call: OpCall
    ) -> (scale: Float, shift: Float) {
        let share = unsafe lengths[channel] / (mean + epsilon)
        return unsafe (1 + call.weight(0)[channel] * share, call.weight(1)[channel])
    }
}

/// The same of a blocked image.
private struct BlockedGlobalNorm: PackedOp {
    let norm: GlobalResponseNorm

    var structure: String { norm.structure }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func packed(_ weights: [Tensor]) -> [Tensor] {
        weights.map { ChannelLines.padded($0.values.map(Double.init)) }
    }

    /// A plan of another layout has them as they are.
    var keepsTrained: Bool { true }

    func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(perItem: Layout.blocks(norm.channels) * 16)
    }

    var phases: Int { 2 }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        var (measured, mean) = (-1, Float(0))
        for (item, block) in BlockTasks(call)[task.index] {
            let lengths = unsafe call.scratch + item * Layout.blocks(norm.channels) * 16
            if task.phase == 0 {
                unsafe measure(call.block(block, ofInput: 0, item: item), lengths + block * 16, of: call)
            } else {
                if item != measured { unsafe (measured, mean) = (item, norm.mean(lengths)) }
                unsafe apply(block, item, lengths, mean, of: call)
            }
        }
    }

    private func measure(
        _ x: UnsafePointer<Float>,
        _ lengths: UnsafeMutablePointer<Float>,
        of call: OpCall
    ) {
        var sums = SIMD16<Float>(repeating: 0)
        for pixel in 0..<Layout.pixels(call.outputShape) {
            let values = unsafe UnsafeRawPointer(x + pixel * 16).load(as: SIMD16<Float>.self)
            sums += values * values
        }
        unsafe UnsafeMutableRawPointer(lengths).storeBytes(of: sums.squareRoot(), as: SIMD16<Float>.self)
    }

    private func apply(
        _ block: Int,
        _ item: Int,
        _ lengths: UnsafePointer<Float>,
        _ mean: Float,
        of call: OpCall
    ) {
        var (scales, shifts) = (SIMD16<Float>(repeating: 0), SIMD16<Float>(repeating: 0))
        for lane in 0..<min(16, norm.channels - block * 16) {
            (scales[lane], shifts[lane]) = unsafe norm.line(block * 16 + lane, lengths, mean, of: call)
        }
        let x = unsafe UnsafeRawPointer(call.block(block, ofInput: 0, item: item))
        let y = unsafe UnsafeMutableRawPointer(call.block(block, ofOutputItem: item))
        for offset in stride(from: 0, to: Layout.pixels(call.outputShape) * 64, by: 64) {
            let values = unsafe x.load(fromByteOffset: offset, as: SIMD16<Float>.self)
            unsafe y.storeBytes(of: values * scales + shifts, toByteOffset: offset, as: SIMD16<Float>.self)
        }
    }
}
