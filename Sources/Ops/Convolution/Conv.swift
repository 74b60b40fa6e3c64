internal import CKernels
package import Graphs
package import Tensors

/// A two-dimensional convolution (in the field's sense: cross-correlation), optionally grouped and dilated; over images of
/// height 1, a one-dimensional one.
///
/// - Shape: c × h × w → outputChannels × h' × w', with the window's positions h' × w'.
/// - Source: `weight` is outputChannels × c/groups × kh × kw and `bias` outputChannels, as in PyTorch's `Conv2d`; of one that
///   is a fully connected layer at each pixel, `weight` is outputChannels × c, as in `Linear`.
package struct Conv: Op {
    package let inputChannels: Int
    package let outputChannels: Int
    package private(set) var window: Window
    package let groups: Int
    package let hasBias: Bool
    /// Whether the pads follow from the image: as many as give ⌈h/stride⌉ × ⌈w/stride⌉ positions, the odd one behind.
    ///
    /// - Source: TensorFlow's `SAME`, ONNX's `SAME_UPPER`.
    package let isSame: Bool
    /// Whether its tensors are those of a fully connected layer.
    package let isLinear: Bool

    package init(
        inputChannels: Int,
        outputChannels: Int,
        window: Window,
        groups: Int = 1,
        hasBias: Bool = true,
        isSame: Bool = false
    ) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.window = window
        self.groups = groups
        self.hasBias = hasBias
        self.isSame = isSame
        isLinear = false
    }

    /// A fully connected layer at each pixel.
    package init(pointwise inputChannels: Int, outputChannels: Int) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        window = Window(1)
        groups = 1
        hasBias = true
        isSame = false
        isLinear = true
    }

    package func fitted(to inputs: [Shape]) -> any Op {
        guard isSame, inputs[0].rank == 3 else { return self }
        var conv = self
        conv.window = window.same(height: inputs[0][1], width: inputs[0][2])
        return conv
    }

    package var structure: String {
        "\(outputChannels) filters \(window.description)" + (groups > 1 ? ", \(groups) groups" : "")
    }

    package var parameters: [Parameter] {
        let filter =
            isLinear
            ? [inputChannels] : [inputChannels / groups, window.kernel.height, window.kernel.width]
        let weight = Parameter("weight", Shape([outputChannels] + filter))
        return hasBias ? [weight, Parameter("bias", [outputChannels])] : [weight]
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (channels, height, width) = try requireImage(inputs[0], for: "conv")
        guard channels == inputChannels else {
            throw ShapeError("conv: expected \(inputChannels) channels, found \(channels)")
        }
        guard channels % groups == 0, outputChannels % groups == 0 else {
            throw ShapeError(
                "conv: \(channels) → \(outputChannels) channels do not split into \(groups) groups"
            )
        }
        let (rows, columns) = try window.positions(height: height, width: width)
        return [outputChannels, rows, columns]
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        output.elementCount * (inputChannels / groups) * window.taps
    }
}

extension Conv {
    package var fusible: any Op { BlockedConv(self) ?? self }

    package func form(at site: OpSite) -> (any PackedOp)? { BlockedConv(self)?.form(at: site) }

    package func choice(output: Shape) -> AlgorithmChoice? { BlockedConv(self)?.choice(output: output) }

    package var tableRole: TableRole { .filters }

    package func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(perThread: isPointwise ? 0 : depth * ConvSplit(self, output: output).columns.size)
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        call.batch * ConvSplit(self, output: call.outputShape).tasksPerItem
    }

    package func run(_ task: OpTask, of call: OpCall) {
        let split = ConvSplit(self, output: call.outputShape)
        let item = task.index / split.tasksPerItem
        let part = split.part(task.index % split.tasksPerItem)
        let image = kernel_image(call.inputShape(), output: call.outputShape)
        let groupChannels = inputChannels / groups
        let input = unsafe call.input(item: item) + part.group * groupChannels * image.height * image.width
        let row = part.group * (outputChannels / groups) + part.rows.lowerBound
        let (matrix, stride) = unsafe columns(
            part.columns,
            of: input,
            image,
            scratch: call.scratch(of: task.thread)
        )
        unsafe kernel_gemm(
            part.rows.count,
            part.columns.count,
            depth,
            call.weight(0) + row * depth,
            matrix,
            stride,
            hasBias ? call.weight(1) + row : nil,
            call.output(item: item) + row * split.columns.total + part.columns.lowerBound,
            split.columns.total
        )
    }

    /// The length of the sums: the trained numbers of one filter.
    var depth: Int { inputChannels / groups * window.taps }

    /// Whether the image itself is the matrix that is multiplied.
    private var isPointwise: Bool { window == Window(1) }

    /// The pixels under some window positions as a matrix of `depth` rows, and the distance from row to row.
    private func columns(
        _ positions: Range<Int>,
        of input: UnsafePointer<Float>,
        _ image: kernel_image,
        scratch: UnsafeMutablePointer<Float>
    ) -> (UnsafePointer<Float>, Int) {
        guard !isPointwise else { return unsafe (input + positions.lowerBound, image.height * image.width) }
        var group = image
        group.channels = inputChannels / groups
        unsafe kernel_im2col(
            input,
            group,
            window.kernelWindow,
            positions.lowerBound,
            positions.count,
            scratch
        )
        return unsafe (UnsafePointer(scratch), positions.count)
    }
}

/// How a convolution of one item is cut into matrix products: by group, by output channel, by window position.
///
/// The cut follows from the shapes alone, so an item's sums are the same in every batch and on every machine.
struct ConvSplit {
    /// One task.
    struct Part {
        let group: Int
        /// Output channels of the group.
        let rows: Range<Int>
        /// Window positions.
        let columns: Range<Int>
    }

    /// Floats of unfolded image that stay in a core's cache.
    private static let cacheFloats = 1 << 18
    /// Multiplications that make a task worth its start.
    private static let taskWork = 1 << 21
    /// The most tasks that one item is cut into for the sake of the threads.
    private static let mostTasks = 8

    let columns: Chunks
    private let rows: Chunks
    private let groups: Int

    init(_ conv: Conv, output: Shape) {
        let positions = output[1] * output[2]
        let channels = conv.outputChannels / conv.groups
        let depth = max(1, conv.depth)
        let work = positions * channels * depth * conv.groups
        let wanted = max(1, min(Self.mostTasks, work / Self.taskWork) / conv.groups)
        let fitting = max(64, Self.cacheFloats / depth)
        let columnParts = max((positions + fitting - 1) / fitting, min(wanted, positions / 64), 1)
        // Every part unfolds its positions again, so a part has enough channels to make up for that.
        let rowParts = max(1, min(wanted / columnParts, channels / 128))
        columns = Chunks(positions, of: Self.chunk(positions, columnParts))
        rows = Chunks(channels, of: Self.chunk(channels, rowParts))
        groups = conv.groups
    }

    var tasksPerItem: Int { groups * rows.count * columns.count }

    /// The part that a task computes.
    func part(_ task: Int) -> Part {
        Part(
            group: task / (rows.count * columns.count),
            rows: rows[task / columns.count % rows.count],
            columns: columns[task % columns.count]
        )
    }

    /// A chunk size, a multiple of a vector, that gives about so many parts.
    private static func chunk(_ total: Int, _ parts: Int) -> Int {
        ((total + parts - 1) / parts + 15) / 16 * 16
    }
}
