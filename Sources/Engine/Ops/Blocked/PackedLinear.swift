internal import CKernels

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

    func packed(_ weights: [Tensor]) -> [Tensor] {
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
        let packed = unsafe Tensor(count: count) { unsafe kernel_pack_conv(&filters, 1, $0) }
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
