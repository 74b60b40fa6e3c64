internal import CKernels
package import Graphs
package import Tensors

/// A fixed line for each channel, y = x · scale + shift, or one for all: constants of the network, not trained.
///
/// - Shape: c × … → same.
package struct ChannelScale: Op {
    /// The constants of a channel.
    package struct Line: Hashable, Sendable {
        package let scale: Float
        package let shift: Float

        package init(scale: Float, shift: Float = 0) {
            self.scale = scale
            self.shift = shift
        }
    }

    package let lines: [Line]

    package init(_ lines: [Line]) {
        precondition(!lines.isEmpty, "a channel scale without constants")
        self.lines = lines
    }

    package var structure: String {
        lines.count == 1 && lines[0].shift == 0 ? "× \(lines[0].scale)" : "rescale"
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard lines.count == 1 || inputs[0].dimensions.first == lines.count else {
            throw ShapeError("channel scale: expected \(lines.count) channels, found \(inputs[0])")
        }
        return inputs[0]
    }
}

extension ChannelScale {
    package func form(at site: OpSite) -> (any PackedOp)? { BlockedLines(self, at: site) }

    package func lines(channels: Int, weights: [TrainedArray]) -> ChannelLines? {
        let lines = (0..<channels).map { self.lines[$0 % self.lines.count] }
        return ChannelLines(
            scales: lines.map { Double($0.scale) },
            shifts: lines.map { Double($0.shift) }
        )
    }

    package var tableRole: TableRole { .function }

    package var placement: Placement { .overInput }

    package func taskCount(phase: Int, of call: OpCall) -> Int { planes(of: call).count }

    package func run(_ task: OpTask, of call: OpCall) {
        let count = call.outputCount / lines.count
        for plane in planes(of: call)[task.index] {
            let line = lines[plane % lines.count]
            unsafe kernel_scale_shift(
                call.input(item: 0) + plane * count,
                call.output(item: 0) + plane * count,
                count,
                line.scale,
                line.shift
            )
        }
    }

    /// The parts of all items that have one line, in chunks.
    private func planes(of call: OpCall) -> Chunks {
        Chunks(call.batch * lines.count, of: elementsPerTask / max(1, call.outputCount / lines.count))
    }
}

/// A line for each channel of a blocked image: batch norm and constant scales that no convolution took.
struct BlockedLines: PackedOp {
    private let lines: ChannelLines

    /// Nil unless an operation is such lines, on a blocked image.
    init?(_ op: any Op, at site: OpSite) {
        guard site.isBlocked,
            let lines = op.lines(channels: site.inputs[0].shape[0], weights: site.weights)
        else { return nil }
        self.lines = lines
    }

    var structure: String { "rescale" }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }

    func packed(_ weights: [Tensor]) -> [Tensor] { lines.packed }

    /// Every plan makes the lines anew.
    var keepsTrained: Bool { true }

    var placement: Placement { .overInput }

    func taskCount(phase: Int, of call: OpCall) -> Int { BlockTasks(call).count }

    func run(_ task: OpTask, of call: OpCall) {
        for (item, block) in BlockTasks(call)[task.index] {
            unsafe kernel_affine_block(
                call.block(block, ofInput: 0, item: item),
                Layout.pixels(call.outputShape),
                call.weight(0) + block * 16,
                call.weight(1) + block * 16,
                kernel_activation_none,
                call.block(block, ofOutputItem: item)
            )
        }
    }
}
