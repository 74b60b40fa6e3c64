internal import Engine

/// One number of many, along axes.
enum ReductionNodes {
    static let lowerings: [String: Node.Lowering] = {
        var table: [String: Node.Lowering] = [
            "LogSoftmax": { (node) throws(NodeFault) in try softmax(.log, node) },
            "Softmax": { (node) throws(NodeFault) in try softmax(.plain, node) },
            "Hardmax": { (node) throws(NodeFault) in try softmax(.hard, node) },
            "ArgMax": { (node) throws(NodeFault) in try argument(.argMax, .argMaxLast, node) },
            "ArgMin": { (node) throws(NodeFault) in try argument(.argMin, .argMinLast, node) },
            "CumSum": { (node) throws(NodeFault) in try cumulate(isProduct: false, node) },
            "CumProd": { (node) throws(NodeFault) in try cumulate(isProduct: true, node) },
            "TopK": top,
        ]
        for (name, kind) in kinds {
            table["Reduce\(name)"] = { (node) throws(NodeFault) in try reduce(kind, node) }
        }
        return table
    }()

    private static let kinds: [(String, Along.Reduction)] = [
        ("Sum", .sum), ("Mean", .mean), ("Prod", .product), ("Max", .max), ("Min", .min), ("L1", .l1),
        ("L2", .l2),
        ("SumSquare", .sumSquare), ("LogSum", .logSum), ("LogSumExp", .logSumExp),
    ]

    private static func reduce(_ kind: Along.Reduction, _ node: Node) throws(NodeFault) -> [Known] {
        let x = try node.input(0)
        let rank = x.dimensions.count
        let given = try node.integers("axes", orInput: 1) ?? []
        let keeps = try node.flag("keepdims", true)
        if given.isEmpty, try node.flag("noop_with_empty_axes") {
            switch kind {
            case .l1, .l2: return [try node.builder.elementwise(.abs, [x], type: x.type)]
            case .sumSquare: return [try node.builder.elementwise(.multiply, [x, x], type: x.type)]
            case .logSum: return [try node.builder.elementwise(.log, [x], type: x.type)]
            default: return [x]
            }
        }
        let axes = given.isEmpty ? Array(0..<rank) : try node.axes(given, rank: rank).sorted()
        return [try reduced(kind, x, axes, keeps: keeps, node.builder)]
    }

    /// An array with one number in place of those along some axes.
    static func reduced(
        _ kind: Along.Reduction,
        _ x: Known,
        _ axes: [Int],
        keeps: Bool,
        type: DataType? = nil,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        let dimensions = x.dimensions
        let left = dimensions.indices.filter { !axes.contains($0) }
        let result =
            keeps
            ? dimensions.indices.map { axes.contains($0) ? 1 : dimensions[$0] } : left.map { dimensions[$0] }
        let type = type ?? x.type
        if axes.isEmpty, kind == .sum || kind == .max || kind == .min || kind == .mean || kind == .product {
            return x
        }
        if let whole = wholeNumbers(kind, x, axes, left) { return .constant(whole.reshaped(to: result)) }
        if x.count == 0 { return try empty(kind, result, type, builder) }
        if kind == .mean, let pooled = try pooled(x, axes, result, builder) { return pooled }
        var source = try builder.plain(x)
        let x = source
        var range = (axes.first ?? 0)..<((axes.last ?? -1) + 1)
        if range.count != axes.count {
            source = try LayoutNodes.transposed(x, left + axes, builder)
            range = left.count..<dimensions.count
        }
        let extents = Extents(source.dimensions, axes: range)
        let reduced = try builder.general([source], dimensions: [result], types: [type]) {
            Along(.reduce(kind), $0.sources[0], extents, shape: $1[0])
        }[0]
        if kind == .mean, keeps { builder.remember(.mean(x, axes: axes), of: reduced) }
        return reduced
    }

    /// The mean of an image as the engine's own, which runs on blocked images.
    private static func pooled(
        _ x: Known,
        _ axes: [Int],
        _ result: [Int],
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known? {
        guard case .value(let value) = x, x.dimensions[0] == 1 else { return nil }
        let pool = AdaptiveAveragePool(height: 1, width: 1)
        if value.isChannelsLast {
            guard axes == Array(1..<x.dimensions.count - 1) else { return nil }
            let mean = try builder.append(pool, [value.value], [])[0]
            return .value(RunValue(value: mean, dimensions: result, type: x.type))
        }
        guard x.dimensions.count == 4, axes == [2, 3] else { return nil }
        let image = try builder.view(value, as: Shape(Array(x.dimensions.dropFirst())))
        let mean = try builder.append(pool, [image], [])[0]
        return .value(RunValue(value: mean, dimensions: result, type: x.type))
    }

    /// What is known of whole numbers, exactly.
    private static func wholeNumbers(
        _ kind: Along.Reduction,
        _ x: Known,
        _ axes: [Int],
        _ left: [Int]
    ) -> Constant? {
        guard let constant = x.constant, case .integers(let numbers) = constant.storage, !numbers.isEmpty
        else {
            return nil
        }
        let merge: (Int64, Int64) -> Int64
        switch kind {
        case .sum: merge = { $0 &+ $1 }
        case .product: merge = { $0 &* $1 }
        case .max: merge = { max($0, $1) }
        case .min: merge = { min($0, $1) }
        default: return nil
        }
        let steps = constant.dimensions.steps
        var result: [Int: Int64] = [:]
        for (place, number) in numbers.enumerated() {
            var target = 0
            for axis in left {
                target = target * constant.dimensions[axis] + place / steps[axis] % constant.dimensions[axis]
            }
            result[target] = result[target].map { merge($0, number) } ?? number
        }
        let all = (0..<result.count).map { IntegerArithmetic.wrapped(result[$0] ?? 0, constant.type) }
        return Constant([all.count], constant.type, integers: all)
    }

    /// What nothing amounts to.
    private static func empty(
        _ kind: Along.Reduction,
        _ dimensions: [Int],
        _ type: DataType,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        let number: Float
        switch kind {
        case .max where type == .bool: number = 0
        case .min where type == .bool: number = 1
        case .sum, .l1, .l2, .sumSquare: number = 0
        case .product: number = 1
        case .logSum, .logSumExp, .max: number = -.infinity
        case .min: number = .infinity
        case .mean, .argMax, .argMin, .argMaxLast, .argMinLast: throw .invalid("a mean of nothing")
        }
        guard !type.isInteger || number.isFinite, let count = builder.budget.take(dimensions) else {
            throw .unsupported("an extreme of nothing")
        }
        let all = [Float](repeating: number, count: count)
        return .constant(Constant(dimensions, type, rounding: all))
    }

    private static func argument(
        _ first: Along.Reduction,
        _ last: Along.Reduction,
        _ node: Node
    ) throws(NodeFault) -> [Known] {
        let x = try node.input(0)
        let axis = try node.axis(node.integer("axis") ?? 0, rank: x.dimensions.count)
        let kind = try node.flag("select_last_index") ? last : first
        let keeps = try node.flag("keepdims", true)
        return [try reduced(kind, x, [axis], keeps: keeps, type: .int64, node.builder)]
    }

    /// Softmax along an axis; before version 13 over all axes from one on.
    private static func softmax(_ kind: Along.SoftmaxKind, _ node: Node) throws(NodeFault) -> [Known] {
        let x = try node.input(0)
        let rank = x.dimensions.count
        let isOld = node.opset < 13
        let axis = try node.axis(node.integer("axis") ?? (isOld ? 1 : -1), rank: rank)
        let extents = Extents(x.dimensions, axes: axis..<(isOld ? rank : axis + 1))
        if kind == .plain, extents.inner == 1, case .value(let value) = x {
            let shape: Shape = extents.outer == 1 ? [extents.count] : [extents.outer, extents.count]
            let rows = try node.builder.view(value, as: shape)
            let result = try node.builder.append(Softmax(), [rows], [])[0]
            return [.value(RunValue(value: result, dimensions: x.dimensions, type: x.type))]
        }
        return try node.builder.general([x], dimensions: [x.dimensions], types: [x.type]) {
            Along(.softmax(kind), $0.sources[0], extents, shape: $1[0])
        }
    }

    private static func cumulate(isProduct: Bool, _ node: Node) throws(NodeFault) -> [Known] {
        let x = try node.input(0)
        let given = Int(try node.constant(1, "axis").integers.first ?? 0)
        let axis = try node.axis(given, rank: x.dimensions.count)
        let kind = Along.Kind.cumulate(
            exclusive: try node.flag("exclusive"),
            reverse: try node.flag("reverse"),
            isProduct: isProduct
        )
        let extents = Extents(x.dimensions, axes: axis..<axis + 1)
        return try node.builder.general([x], dimensions: [x.dimensions], types: [x.type]) {
            Along(kind, $0.sources[0], extents, shape: $1[0])
        }
    }

    private static let top: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let axis = try node.axis(node.integer("axis") ?? -1, rank: x.dimensions.count)
        let given = try node.integer("k")
        let k = if let given { given } else { Int(try node.constant(1, "k").integers.first ?? 0) }
        guard (1...x.dimensions[axis]).contains(k) else {
            throw .invalid("the first \(k) of \(x.dimensions[axis])")
        }
        var dimensions = x.dimensions
        dimensions[axis] = k
        let extents = Extents(x.dimensions, axes: axis..<axis + 1)
        let largest = try node.flag("largest", true)
        return try node.builder.general([x], dimensions: [dimensions, dimensions], types: [x.type, .int64]) {
            Top($0.sources[0], extents, k: k, largest: largest, shape: $1[0])
        }
    }
}
