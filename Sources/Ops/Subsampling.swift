internal import CKernels
package import Graphs
package import Tensors

/// The trainable subsampling of LeNet-5: the sum of each 2×2 square times a coefficient, plus a bias, per channel.
///
/// - Shape: c × h × w → c × ⌊h/2⌋ × ⌊w/2⌋.
/// - Source: LeCun et al. 1998, §II.B, layers S2 and S4 (the squashing function follows as a layer of its own).
package struct Subsampling: Op {
    package let channels: Int

    package init(channels: Int) {
        self.channels = channels
    }

    package var structure: String { "subsample 2×2, stride 2" }

    package var parameters: [Parameter] { ["weight", "bias"].map { Parameter($0, [channels]) } }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (found, height, width) = try requireImage(inputs[0], for: "subsample")
        guard found == channels else {
            throw ShapeError("subsample: expected \(channels) channels, found \(found)")
        }
        let (rows, columns) = try Self.window.positions(height: height, width: width)
        return [channels, rows, columns]
    }

    /// One product for each unit.
    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { output.elementCount }

    private static let window = Window(2, stride: 2)
}

extension Subsampling {
    /// On planar images only.
    package func form(at site: OpSite) -> (any PackedOp)? { nil }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * channels }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, channel) = task.index.quotientAndRemainder(dividingBy: channels)
        var image = kernel_image(call.inputShape(), output: call.outputShape)
        image.channels = 1
        let input = unsafe call.input(item: item) + channel * image.height * image.width
        let pixels = image.output_height * image.output_width
        let output = unsafe call.output(item: item) + channel * pixels
        unsafe kernel_average_pool(input, image, Self.window.kernelWindow, true, output)
        let (weight, bias) = unsafe (call.weight(0)[channel], call.weight(1)[channel])
        unsafe kernel_scale_shift(output, output, pixels, 4 * weight, bias)
    }
}
