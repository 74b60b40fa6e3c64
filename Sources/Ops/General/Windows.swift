internal import CKernels
package import Graphs
package import Tensors

/// A window that slides along up to three axes.
package struct Slide: Hashable, Sendable {
    /// One axis.
    package struct Axis: Hashable, Sendable {
        package let input: Int
        package let output: Int
        package let window: Int
        package let stride: Int
        package let dilation: Int
        package let pad: Int
        package let padEnd: Int

        package init(
            input: Int,
            output: Int,
            window: Int,
            stride: Int,
            dilation: Int,
            pad: Int,
            padEnd: Int
        ) {
            self.input = input
            self.output = output
            self.window = window
            self.stride = stride
            self.dilation = dilation
            self.pad = pad
            self.padEnd = padEnd
        }

        static let none = Axis(input: 1, output: 1, window: 1, stride: 1, dilation: 1, pad: 0, padEnd: 0)
    }

    package let axes: [Axis]

    /// The most axes there can be.
    package static let mostAxes = Int(kernel_most_axes)

    /// - Precondition: there are at most three axes.
    package init(_ axes: [Axis]) {
        precondition(axes.count <= Self.mostAxes, "a window along \(axes.count) axes")
        self.axes = axes
    }

    /// The positions.
    var outputs: Int { axes.reduce(1) { $0 * $1.output } }
    var inputs: Int { axes.reduce(1) { $0 * $1.input } }
    var taps: Int { axes.reduce(1) { $0 * $1.window } }

    /// As `3×3`.
    var description: String { axes.map { String($0.window) }.joined(separator: "×") }

    var kernel: kernel_slide {
        let all = [Axis](repeating: .none, count: Self.mostAxes - axes.count) + axes
        func three(_ value: (Axis) -> Int) -> (Int, Int, Int) {
            (value(all[0]), value(all[1]), value(all[2]))
        }
        return kernel_slide(
            input: three(\.input),
            output: three(\.output),
            window: three(\.window),
            stride: three(\.stride),
            dilation: three(\.dilation),
            pad: three(\.pad),
            pad_end: three(\.padEnd)
        )
    }
}

/// A convolution along up to three axes, or its transpose, whose filters may be values.
///
/// - Shape: images × inputs × … → images × outputs × …; filters are outputs × inputs/groups × …, those of the transpose
///   inputs × outputs/groups × ….
/// - Source: ONNX's `Conv` and `ConvTranspose`.
package struct PlainConvolution: GeneralOp {
    package let operands: Operands
    private let isTransposed: Bool
    private let images: Int
    private let inputs: Int
    private let outputs: Int
    private let groups: Int
    private let slide: Slide
    private let shape: Shape

    /// - Parameters:
    ///   - operands: the image, the filters and, if there is a third, biases.
    ///   - isTransposed: whether each input is spread by the window instead.
    ///   - images: how many.
    ///   - inputs: channels.
    ///   - outputs: channels.
    ///   - groups: which divide both.
    ///   - slide: from the input to the output, also of the transpose.
    ///   - shape: of the result.
    package init(
        _ operands: Operands,
        isTransposed: Bool,
        images: Int,
        inputs: Int,
        outputs: Int,
        groups: Int,
        slide: Slide,
        shape: Shape
    ) {
        self.operands = operands
        self.isTransposed = isTransposed
        self.images = images
        self.inputs = inputs
        self.outputs = outputs
        self.groups = groups
        self.slide = slide
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String {
        "\(outputs) \(isTransposed ? "transposed filters" : "filters") \(slide.description)"
            + (groups > 1 ? ", \(groups) groups" : "")
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        (isTransposed ? images * self.inputs * slide.inputs * outputs : output.elementCount * self.inputs)
            / groups * slide.taps
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * images * outputs }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, rest) = task.index.quotientAndRemainder(dividingBy: images * outputs)
        let (image, output) = rest.quotientAndRemainder(dividingBy: outputs)
        let (groupInputs, groupOutputs) = (inputs / groups, outputs / groups)
        let group = output / groupOutputs
        let first = image * inputs + group * groupInputs
        let source = unsafe operands.operand(0, item: item, of: call) + first * slide.inputs
        let filters = unsafe operands.operand(1, item: item, of: call)
        let bias = operands.count > 2 ? unsafe operands.operand(2, item: item, of: call)[output] : 0
        let target = unsafe call.output(item: item) + (image * outputs + output) * slide.outputs
        if isTransposed {
            let within = output % groupOutputs
            let step = groupOutputs * slide.taps
            let filter = unsafe filters + group * groupInputs * step + within * slide.taps
            unsafe kernel_deconvolve_plain(source, groupInputs, slide.kernel, filter, step, bias, target)
        } else {
            let filter = unsafe filters + output * groupInputs * slide.taps
            unsafe kernel_convolve_plain(source, groupInputs, slide.kernel, filter, bias, target)
        }
    }
}

/// Pooling along up to three axes, of planes, with the places of the largest as a second output where these are wanted.
///
/// - Shape: planes × … → planes × ….
/// - Source: ONNX's `MaxPool`, `AveragePool` and `LpPool`.
package struct PlainPool: GeneralOp {
    package enum Kind: Hashable, Sendable {
        case max
        /// Zeros of the padding counted, or not.
        case average(countsPadding: Bool)
        /// The p-norm.
        case norm(Float)

        var kernel: kernel_window_kind {
            switch self {
            case .max: kernel_window_max
            case .average(let countsPadding):
                countsPadding ? kernel_window_average : kernel_window_average_inside
            case .norm: kernel_window_lp
            }
        }
    }

    package let operands: Operands
    private let kind: Kind
    private let planes: Int
    private let slide: Slide
    private let places: Places?
    private let shape: Shape

    /// How places are counted in a plane.
    package enum Places: Hashable, Sendable {
        case byRows, byColumns
    }

    package init(
        _ kind: Kind,
        _ operand: Operands.Source,
        planes: Int,
        slide: Slide,
        places: Places? = nil,
        shape: Shape
    ) {
        self.kind = kind
        operands = Operands([operand])
        self.planes = planes
        self.slide = slide
        self.places = places
        self.shape = shape
    }

    package var results: [Shape] { places == nil ? [shape] : [shape, shape] }

    package var structure: String {
        switch kind {
        case .max: "max pool \(slide.description)"
        case .average: "average pool \(slide.description)"
        case .norm(let power): "\(power)-norm pool \(slide.description)"
        }
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * planes }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, plane) = task.index.quotientAndRemainder(dividingBy: planes)
        var power: Float = 1
        if case .norm(let p) = kind { power = p }
        let count = slide.outputs
        let indices = places == nil ? nil : unsafe call.output(1, item: item) + plane * count
        unsafe kernel_pool_plain(
            kind.kernel,
            power,
            operands.operand(0, item: item, of: call) + plane * slide.inputs,
            slide.kernel,
            call.output(item: item) + plane * count,
            indices,
            places == .byColumns
        )
        guard let indices = unsafe indices else { return }
        for index in 0..<count { unsafe indices[index] += Float(plane * slide.inputs) }
    }
}
