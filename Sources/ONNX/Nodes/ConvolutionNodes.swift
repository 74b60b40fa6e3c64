internal import Engine

/// Convolutions and their transposes.
enum ConvolutionNodes {
    static let lowerings: [String: Node.Lowering] = ["Conv": conv, "ConvTranspose": convTranspose]

    private static let conv: Node.Lowering = { (node) throws(NodeFault) in
        let (x, w) = (try node.input(0), try node.input(1))
        let rank = x.dimensions.count
        guard rank >= 3, w.dimensions.count == rank else {
            throw .invalid("filters of \(w.dimensions) over \(x.dimensions)")
        }
        let groups = try node.integer("group") ?? 1
        let (inputs, outputs) = (x.dimensions[1], w.dimensions[0])
        guard groups > 0, inputs % groups == 0, outputs % groups == 0, w.dimensions[1] == inputs / groups
        else {
            throw .invalid("filters of \(w.dimensions) in \(groups) groups over \(x.dimensions)")
        }
        let bias = node.optional(2)
        if let bias, bias.count != outputs { throw .invalid("\(bias.count) biases for \(outputs) outputs") }
        let slide = try SlidingWindow(
            node,
            extents: Array(x.dimensions[2...]),
            kernel: Array(w.dimensions[2...])
        )
        let axes = try slide.axes(roundsUp: false)
        let dimensions = [x.dimensions[0], outputs] + axes.map(\.output)
        try node.builder.check(dimensions)
        if let quick = try engineConv(node, axes, groups, dimensions) { return [quick] }
        guard axes.count <= Slide.mostAxes else { throw .unsupported("windows along \(axes.count) axes") }
        return try node.builder.general(
            [x, w] + [bias].compactMap(\.self),
            dimensions: [dimensions],
            types: [x.type]
        ) {
            PlainConvolution(
                $0,
                isTransposed: false,
                images: x.dimensions[0],
                inputs: inputs,
                outputs: outputs,
                groups: groups,
                slide: Slide(axes),
                shape: $1[0]
            )
        }
    }

    /// A convolution of one image with constant filters along one or two axes as the engine's own.
    private static func engineConv(
        _ node: Node,
        _ axes: [Slide.Axis],
        _ groups: Int,
        _ dimensions: [Int]
    ) throws(NodeFault) -> Known? {
        let x = try node.input(0)
        guard case .value(let value) = x, x.dimensions[0] == 1, axes.count <= 2,
            let filters = try node.input(1).constant, let window = Window(axes)
        else { return nil }
        var weights = [try filters.tensor()]
        if let bias = node.optional(2) {
            guard let constant = bias.constant else { return nil }
            weights.append(try constant.tensor())
        }
        let op = Conv(
            inputChannels: x.dimensions[1],
            outputChannels: dimensions[1],
            window: window,
            groups: groups,
            hasBias: weights.count > 1
        )
        let image = try node.builder.view(value, as: Window.image(x.dimensions))
        let result = try node.builder.append(op, [image], weights)[0]
        return .value(RunValue(value: result, dimensions: dimensions, type: x.type))
    }

    private static let convTranspose: Node.Lowering = { (node) throws(NodeFault) in
        let (x, w) = (try node.input(0), try node.input(1))
        let rank = x.dimensions.count
        guard rank >= 3, w.dimensions.count == rank, rank - 2 <= Slide.mostAxes else {
            throw .unsupported("filters of \(w.dimensions) over \(x.dimensions)")
        }
        let groups = try node.integer("group") ?? 1
        let inputs = x.dimensions[1]
        guard groups > 0, inputs % groups == 0, w.dimensions[0] == inputs,
            let outputs = [w.dimensions[1], groups].count(upTo: 1 << 24)
        else { throw .invalid("filters of \(w.dimensions) over \(x.dimensions)") }
        let bias = node.optional(2)
        if let bias, bias.count != outputs { throw .invalid("\(bias.count) biases for \(outputs) outputs") }
        let slide = try SlidingWindow(
            node,
            extents: Array(x.dimensions[2...]),
            kernel: Array(w.dimensions[2...])
        )
        let axes = try slide.transposed(
            node.integers("output_padding"),
            shape: node.integers("output_shape"),
            mode: node.string("auto_pad", "NOTSET")
        )
        let dimensions = [x.dimensions[0], outputs] + axes.map(\.output)
        return try node.builder.general(
            [x, w] + [bias].compactMap(\.self),
            dimensions: [dimensions],
            types: [x.type]
        ) {
            PlainConvolution(
                $0,
                isTransposed: true,
                images: x.dimensions[0],
                inputs: inputs,
                outputs: outputs,
                groups: groups,
                slide: Slide(axes),
                shape: $1[0]
            )
        }
    }
}

/// The attributes of windows, and what they make of an image's extents.
struct SlidingWindow {
    let extents: [Int]
    let kernel: [Int]
    let strides: [Int]
    let dilations: [Int]
    let pads: [Int]
    let mode: String

    /// The most that a size, step or pad may be.
    private static let limit = 1 << 20

    init(_ node: Node, extents: [Int], kernel: [Int]) throws(NodeFault) {
        let ones = extents.map { _ in 1 }
        self.extents = extents
        self.kernel = kernel
        strides = try node.integers("strides") ?? ones
        dilations = try node.integers("dilations") ?? ones
        pads = try node.integers("pads") ?? extents.flatMap { _ in [0, 0] }
        mode = try node.string("auto_pad", "NOTSET")
        if let declared = try node.integers("kernel_shape"), declared != kernel {
            throw .invalid("kernel_shape \(declared) of filters of \(kernel)")
        }
        let steps = [kernel, strides, dilations]
        guard steps.allSatisfy({ $0.count == extents.count }), pads.count == 2 * extents.count,
            steps.joined().allSatisfy({ (1...Self.limit).contains($0) }),
            pads.allSatisfy({ (0...Self.limit).contains($0) })
        else {
            throw .unsupported("a window \(kernel), strides \(strides), dilations \(dilations), pads \(pads)")
        }
    }

    /// The taps of an axis with what lies between them.
    private func extent(_ axis: Int) -> Int { dilations[axis] * (kernel[axis] - 1) + 1 }

    /// Pads that give a result of ⌈size / stride⌉.
    private func samePads(_ axis: Int) -> (before: Int, behind: Int) {
        let output = (extents[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (output - 1) * strides[axis] + extent(axis) - extents[axis])
        return mode == "SAME_UPPER" ? (total / 2, total - total / 2) : (total - total / 2, total / 2)
    }

    /// Each axis with the positions of the window; `roundsUp` counts a last, incomplete one that starts inside.
    func axes(roundsUp: Bool) throws(NodeFault) -> [Slide.Axis] {
        try extents.indices.map { axis throws(NodeFault) in
            var (before, behind) = (pads[axis], pads[axis + extents.count])
            switch mode {
            case "NOTSET", "": break
            case "VALID": (before, behind) = (0, 0)
            case "SAME_UPPER", "SAME_LOWER": (before, behind) = samePads(axis)
            default: throw .unsupported("auto_pad '\(mode)'")
            }
            let isSame = mode.hasPrefix("SAME")
            let slack = extents[axis] + before + behind - extent(axis)
            guard slack >= 0 else { throw .invalid("a window of \(extent(axis)) over \(extents[axis])") }
            let stride = strides[axis]
            var output = (slack + (roundsUp && !isSame ? stride - 1 : 0)) / stride + 1
            if roundsUp, !isSame, (output - 1) * stride >= extents[axis] + before { output -= 1 }
            return Slide.Axis(
                input: extents[axis],
                output: output,
                window: kernel[axis],
                stride: stride,
                dilation: dilations[axis],
                pad: before,
                padEnd: behind
            )
        }
    }

    /// Each axis of a transposed convolution.
    func transposed(_ extra: [Int]?, shape: [Int]?, mode: String) throws(NodeFault) -> [Slide.Axis] {
        let extra = extra ?? extents.map { _ in 0 }
        let shape = shape.map { Array($0.suffix(extents.count)) }
        guard extra.count == extents.count, shape.map({ $0.count == extents.count }) ?? true,
            (extra + (shape ?? [])).allSatisfy({ (0...Self.limit).contains($0) })
        else { throw .invalid("output_padding \(extra), output_shape \(shape ?? [])") }
        return try extents.indices.map { axis throws(NodeFault) in
            let full = strides[axis] * (extents[axis] - 1) + extra[axis] + extent(axis)
            let isSame = mode.hasPrefix("SAME")
            var before = pads[axis]
            var output = full - before - pads[axis + extents.count]
            if let wanted = shape?[axis] ?? (isSame ? extents[axis] * strides[axis] : nil) {
                let total = max(0, full - wanted)
                before = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                output = wanted
            }
            guard output > 0 else { throw .invalid("pads \(pads) leave nothing of \(full)") }
            return Slide.Axis(
                input: extents[axis],
                output: output,
                window: kernel[axis],
                stride: strides[axis],
                dilation: dilations[axis],
                pad: before,
                padEnd: 0
            )
        }
    }
}

extension Window {
    /// A window along one or two axes; nil where there are more.
    init?(_ axes: [Slide.Axis], roundsUp: Bool = false) {
        guard (1...2).contains(axes.count) else { return nil }
        let none = Slide.Axis(input: 1, output: 1, window: 1, stride: 1, dilation: 1, pad: 0, padEnd: 0)
        let (rows, columns) = axes.count == 2 ? (axes[0], axes[1]) : (none, axes[0])
        self.init(
            kernel: Extent(height: rows.window, width: columns.window),
            strides: Extent(height: rows.stride, width: columns.stride),
            pads: Pads(top: rows.pad, left: columns.pad, bottom: rows.padEnd, right: columns.padEnd),
            dilations: Extent(height: rows.dilation, width: columns.dilation),
            roundsUp: roundsUp
        )
    }

    /// Images of one axis have a height of 1.
    static func image(_ dimensions: [Int]) -> Shape {
        dimensions.count == 3 ? [dimensions[1], 1, dimensions[2]] : Shape(Array(dimensions.dropFirst()))
    }
}
