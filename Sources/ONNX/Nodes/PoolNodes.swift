internal import Engine

/// Pools with windows, and over everything.
enum PoolNodes {
    static let lowerings: [String: Node.Lowering] = [
        "MaxPool": { (node) throws(NodeFault) in try pool(.max, node) },
        "AveragePool": { (node) throws(NodeFault) in
            try pool(.average(countsPadding: node.flag("count_include_pad")), node)
        },
        "LpPool": { (node) throws(NodeFault) in try pool(.norm(Float(node.integer("p") ?? 2)), node) },
        "GlobalAveragePool": { (node) throws(NodeFault) in try global(.mean, node) },
        "GlobalMaxPool": { (node) throws(NodeFault) in try global(.max, node) },
        "GlobalLpPool": globalNorm,
    ]

    private static func pool(_ kind: PlainPool.Kind, _ node: Node) throws(NodeFault) -> [Known] {
        let x = try node.input(0)
        guard x.dimensions.count >= 3, let kernel = try node.integers("kernel_shape") else {
            throw .invalid("a pool of \(x.dimensions)")
        }
        let roundsUp = try node.flag("ceil_mode")
        let window = try SlidingWindow(node, extents: Array(x.dimensions[2...]), kernel: kernel)
        let axes = try window.axes(roundsUp: roundsUp)
        let dimensions = Array(x.dimensions[..<2]) + axes.map(\.output)
        try node.builder.check(dimensions)
        let places: PlainPool.Places? =
            node.wants(1) ? (try node.flag("storage_order") ? .byColumns : .byRows) : nil
        if places == nil, let quick = try unpaddedPool(kind, x, window, dimensions, roundsUp, node.builder) {
            return [quick]
        }
        if places == nil, let quick = try enginePool(kind, x, axes, dimensions, roundsUp, node.builder) {
            return [quick]
        }
        guard axes.count <= Slide.mostAxes else { throw .unsupported("windows along \(axes.count) axes") }
        let all = places == nil ? [dimensions] : [dimensions, dimensions]
        return try node.builder.general([x], dimensions: all, types: [x.type, .int64]) {
            PlainPool(
                kind,
                $0.sources[0],
                planes: x.dimensions[0] * x.dimensions[1],
                slide: Slide(axes),
                places: places,
                shape: $1[0]
            )
        }
    }

    /// A pool of an image that was padded as one that pads it itself; nil where the padding does not count as its own.
    private static func unpaddedPool(
        _ kind: PlainPool.Kind,
        _ x: Known,
        _ window: SlidingWindow,
        _ dimensions: [Int],
        _ roundsUp: Bool,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known? {
        let countsPadding = PlainPool.Kind.average(countsPadding: true)
        switch kind {
        case .max:
            guard let (source, wider) = builder.unpadded(x, window, fill: -.infinity) else { return nil }
            return try enginePool(.max, source, wider.axes(roundsUp: roundsUp), dimensions, roundsUp, builder)
        case .average:
            guard kind == countsPadding || window.pads.allSatisfy({ $0 == 0 }), !roundsUp,
                let (source, wider) = builder.unpadded(x, window, fill: 0)
            else { return nil }
            return try enginePool(
                countsPadding,
                source,
                wider.axes(roundsUp: false),
                dimensions,
                false,
                builder
            )
        case .norm: return nil
        }
    }

    /// A pool of one image along one or two axes as the engine's own.
    private static func enginePool(
        _ kind: PlainPool.Kind,
        _ x: Known,
        _ axes: [Slide.Axis],
        _ dimensions: [Int],
        _ roundsUp: Bool,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known? {
        guard case .value(let value) = x, x.dimensions[0] == 1,
            let window = Window(axes, roundsUp: roundsUp)
        else { return nil }
        let pool: Pool.Kind
        switch kind {
        case .max: pool = .max
        case .average(let countsPadding): pool = countsPadding ? .average : .averageInside
        case .norm: return nil
        }
        // A position that is all padding is not the engine's, nor is a count of its own.
        guard axes.allSatisfy({ max($0.pad, $0.padEnd) < $0.dilation * ($0.window - 1) + 1 }) else {
            return nil
        }
        let op = Pool(pool, window: window)
        let shape = Window.image(x.dimensions)
        guard let result = try? op.outputShape(of: [shape]), // else it is for the plain one
            result == Window.image(dimensions)
        else { return nil }
        let image = try builder.view(value, as: shape)
        let pooled = try builder.append(op, [image], [])[0]
        return .value(RunValue(value: pooled, dimensions: dimensions, type: x.type))
    }

    private static func global(_ kind: Along.Reduction, _ node: Node) throws(NodeFault) -> [Known] {
        let x = try node.input(0)
        guard x.dimensions.count >= 3 else { throw .invalid("a pool of \(x.dimensions)") }
        let axes = Array(2..<x.dimensions.count)
        return [try ReductionNodes.reduced(kind, x, axes, keeps: true, node.builder)]
    }

    private static let globalNorm: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard x.dimensions.count >= 3 else { throw .invalid("a pool of \(x.dimensions)") }
        let axes = Array(2..<x.dimensions.count)
        let power = try node.integer("p") ?? 2
        guard power != 2 else { return [try ReductionNodes.reduced(.l2, x, axes, keeps: true, node.builder)] }
        guard power != 1 else { return [try ReductionNodes.reduced(.l1, x, axes, keeps: true, node.builder)] }
        let builder = node.builder
        let powers = try builder.elementwise(
            .power,
            [
                builder.elementwise(.abs, [x], type: x.type),
                .constant(Constant(Float(power), .float)),
            ],
            type: x.type
        )
        let sum = try ReductionNodes.reduced(.sum, powers, axes, keeps: true, builder)
        let root = Known.constant(Constant(1 / Float(power), .float))
        return [try builder.elementwise(.power, [sum, root], type: x.type)]
    }
}
