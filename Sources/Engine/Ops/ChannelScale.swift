internal import CKernels

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
