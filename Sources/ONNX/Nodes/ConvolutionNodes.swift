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
        if let (source, wider) = node.builder.unpadded(x, slide, fill: 0),
            let quick = try engineConv(node, source, wider.axes(roundsUp: false), groups, dimensions)
        {
            return [quick]
        }
        if let quick = try engineConv(node, x, axes, groups, dimensions) { return [quick] }
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
        _ x: Known,
        _ axes: [Slide.Axis],
        _ groups: Int,
        _ dimensions: [Int]
    ) throws(NodeFault) -> Known? {
        guard case .value(let value) = x, x.dimensions[0] == 1, axes.count <= 2,
            let filters = try node.input(1).constant, let window = Window(axes)
        else { return nil }
        var weights = [try filters.tensor()]
        if let bias = node.optional(2) {
            guard let constant = bias.constant else { return nil }
            weights.append(try constant.tensor())
        }
        if groups == 1, let stem = try node.builder.stem(value, window, weights, dimensions) { return stem }
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
        try node.builder.check(dimensions)
        if groups == 1,
            let quick = try TransposedWindow(axes).map({ window throws(NodeFault) in
                try node.builder.transposed(node, window, dimensions)
            }), let quick
        {
            return [quick]
        }
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
