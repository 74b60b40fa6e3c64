internal import CKernels
package import Graphs
package import Tensors

/// The parameter-free shortcut: every `stride`-th row and column, and channels of zeros, half on each side.
///
/// - Shape: c × h × w → channels × ⌈h/stride⌉ × ⌈w/stride⌉; the first ⌊(channels − c)/2⌋ channels are zero.
/// - Source: He et al. 2015, §3.3, option A.
package struct PadShortcut: Op {
    package let channels: Int
    package let stride: Int

    package init(channels: Int, stride: Int) {
        self.channels = channels
        self.stride = stride
    }

    package var structure: String { "shortcut A" }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (found, height, width) = try requireImage(inputs[0], for: "shortcut")
        guard found <= channels else {
            throw ShapeError("shortcut: expected at most \(channels) channels, found \(found)")
        }
        return [channels, (height + stride - 1) / stride, (width + stride - 1) / stride]
    }
}

extension PadShortcut {
    /// On planar images only.
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let image = kernel_image(call.inputShape(), output: call.outputShape)
        let plane = image.output_height * image.output_width
        let before = (channels - image.channels) / 2
        let output = unsafe call.output(item: task.index)
        unsafe output.update(repeating: 0, count: call.outputCount)
        unsafe kernel_subsample(call.input(item: task.index), image, stride, output + before * plane)
    }
}
