internal import CKernels
package import Graphs
internal import Platform
package import Tensors

/// A fully connected layer: y = W·x + b, applied to the last dimension.
///
/// - Shape: inputs → outputs, or steps × inputs → steps × outputs.
/// - Source: `weight` is outputs × inputs and `bias` outputs, as in PyTorch's `Linear`.
package struct Linear: Op {
    package let inputs: Int
    package let outputs: Int
    package let hasBias: Bool

    package init(inputs: Int, outputs: Int, hasBias: Bool = true) {
        self.inputs = inputs
        self.outputs = outputs
        self.hasBias = hasBias
    }

    package var structure: String { "\(inputs) → \(outputs)" }

    package var parameters: [Parameter] {
        let weight = Parameter("weight", [outputs, inputs])
        return hasBias ? [weight, Parameter("bias", [outputs])] : [weight]
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        guard let last = inputs[0].dimensions.last, last == self.inputs, inputs[0].rank <= 2 else {
            throw ShapeError("linear: expected \(self.inputs) values, found \(inputs[0])")
        }
        return Shape(inputs[0].dimensions.dropLast() + [outputs])
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { output.elementCount * self.inputs }
}

extension Linear {
    /// Steps of a sequence are multiplied as they are.
    package func form(at site: OpSite) -> (any PackedOp)? {
        guard site.output.rank == 1 else { return nil }
        let input = site.inputs[0]
        guard input.layout == .planar else { return PackedLinear(self, image: input.shape) }
        return PackedLinear(self, keepsTrained: input.viewed.map { Layout.pixels($0) > 1 } ?? false)
    }

    package var readsThroughViews: Bool { true }

    package var tableRole: TableRole { .filters }

    package var takesFeatures: Bool { true }

    /// A convolution over the whole of the map.
    package func sliding(_ inputs: [Shape], channels: Int, map: (height: Int, width: Int)?) -> SlidingForm {
        guard let map else { return .same }
        let window = Window(height: map.height, width: map.width)
        return .over(
            Conv(inputChannels: channels, outputChannels: outputs, window: window, hasBias: hasBias)
        )
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        product(of: call).taskCount
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let product = product(of: call)
        let rows = product.rows(of: task.index)
        call.forEachStretch(of: rows, rowsPerItem: call.inputCount() / inputs) { stretch in
            unsafe product.run(
                task.index,
                rows: stretch,
                x: call.input(item: 0),
                weight: call.weight(0),
                bias: hasBias ? call.weight(1) : nil,
                y: call.output(item: 0)
            )
        }
    }

    private func product(of call: OpCall) -> LinearProduct {
        LinearProduct(rows: call.batch * (call.inputCount() / inputs), inputs: inputs, outputs: outputs)
    }
}

/// A fully connected layer with packed weights, on a vector or on a blocked image that would have been flattened.
struct PackedLinear: PackedOp {
    let linear: Linear
    /// The image whose numbers are the inputs; pixels is 1 and `isVector` true for a vector.
    let channels: Int
    let pixels: Int
    let isVector: Bool
    /// A vector that was an image is packed in another order than the convolution that slides over it, and the largest
    /// windows are not packed when they slide.
    let keepsTrained: Bool

    /// On a vector; nil unless it is whole blocks.
    init?(_ linear: Linear, keepsTrained: Bool) {
        guard linear.inputs % 16 == 0 else { return nil }
        self.linear = linear
        channels = linear.inputs
        pixels = 1
        isVector = true
        self.keepsTrained = keepsTrained
    }

    /// On a blocked image.
    init(_ linear: Linear, image: Shape) {
        self.linear = linear
        channels = image[0]
        pixels = Layout.pixels(image)
        isVector = false
        keepsTrained = pixels > BlockedConv.mostTaps
    }

    var structure: String { linear.structure }

    func readsPlanar(_ index: Int) -> Bool { isVector }

    var writesPlanar: Bool { true }

    /// A convolution over as many pixels has the same packed form.
    var packingSuffix: String { BlockedConv.packingSuffix(taps: pixels) }

    func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape { [linear.outputs] }

    func multiplyAdds(inputs: [Shape], output: Shape) -> Int { linear.outputs * linear.inputs }

    func packed(_ weights: [Tensor]) throws(SystemError) -> [Tensor] {
        // The filters of the convolution whose window is the image.
        var filters = unsafe kernel_filters(
            weight: weights[0].address,
            scale: nil,
            outputs: linear.outputs,
            inputs: channels,
            groups: 1,
            height: pixels,
            width: 1
        )
        let count = unsafe kernel_packed_conv_count(&filters, 1)
        let packed = try unsafe Tensor(count: count) { unsafe kernel_pack_conv(&filters, 1, $0) }
        let zeros = [Double](repeating: 0, count: linear.outputs)
        return [packed, ChannelLines.padded(linear.hasBias ? weights[1].values.map(Double.init) : zeros)]
    }

    func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(perThread: kernel_fc_scratch(Self.mostRows, panelsPerTask))
    }

    func taskCount(phase: Int, of call: OpCall) -> Int {
        panelTasks.count * Chunks(call.batch, of: Self.mostRows).count
    }

    func run(_ task: OpTask, of call: OpCall) {
        let rows = Chunks(call.batch, of: Self.mostRows)[task.index / panelTasks.count]
        let panels = panelTasks[task.index % panelTasks.count]
        var form = unsafe kernel_fc(
            x: call.input(item: rows.lowerBound),
            x_stride: inputs,
            rows: rows.count,
            blocks: Layout.blocks(channels),
            pixels: pixels,
            weight: call.weight(0),
            bias: call.weight(1),
            y: call.output(item: rows.lowerBound),
            y_stride: linear.outputs,
            outputs: linear.outputs,
            activation: kernel_activation_none
        )
        unsafe kernel_fc_run(&form, panels.lowerBound, panels.count, call.scratch(of: task.thread))
    }

    /// Items that are multiplied while the weights pass by once.
    private static let mostRows = 28

    /// The inputs with those that fill up the last block.
    private var inputs: Int { Layout.blocks(channels) * 16 * pixels }

    private var panelsPerTask: Int { max(1, 65_536 / (inputs * 32)) }

    private var panelTasks: Chunks { Chunks((Layout.blocks(linear.outputs) + 1) / 2, of: panelsPerTask) }
}

/// The product of a matrix with many rows, y = x·Wᵀ + b, cut into tasks.
///
/// Each number is one sum in one order, so the cut may follow the number of rows without changing a result.
struct LinearProduct {
    let rows: Int
    let inputs: Int
    let outputs: Int

    var taskCount: Int { rowChunks.count * outputChunks.count }

    /// The rows that a task is for.
    func rows(of task: Int) -> Range<Int> { rowChunks[task / outputChunks.count] }

    /// Computes some of the rows of a task, for its outputs.
    func run(
        _ task: Int,
        rows: Range<Int>,
        x: UnsafePointer<Float>,
        weight: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?,
        y: UnsafeMutablePointer<Float>
    ) {
        let outputs = outputChunks[task % outputChunks.count]
        unsafe kernel_linear(
            rows.count,
            inputs,
            outputs.count,
            x + rows.lowerBound * inputs,
            inputs,
            weight + outputs.lowerBound * inputs,
            bias.map { unsafe $0 + outputs.lowerBound },
            y + rows.lowerBound * self.outputs + outputs.lowerBound,
            self.outputs
        )
    }

    private var rowChunks: Chunks { Chunks(rows, of: 64) }

    /// Outputs whose weights stay in a core's cache while the rows pass by.
    private var outputChunks: Chunks { Chunks(outputs, of: max(8, 65_536 / max(1, inputs) / 8 * 8)) }
}
