internal import Engine

/// Normalisations, but for that of batches.
enum NormNodes {
    static let lowerings: [String: Node.Lowering] = [
        "InstanceNormalization": instance, "GroupNormalization": group, "LayerNormalization": layer,
        "RMSNormalization": rms, "LRN": response, "LpNormalization": lp,
        "MeanVarianceNormalization": meanVariance,
    ]

    /// x · scale + shift.
    static func line(
        _ x: Known,
        _ scale: Known?,
        _ shift: Known?,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        var result = x
        if let scale { result = try builder.elementwise(.multiply, [result, scale], type: x.type) }
        if let shift { result = try builder.elementwise(.add, [result, shift], type: x.type) }
        return result
    }

    /// Groups of numbers with a mean of 0 and a variance of 1, with their means and inverse deviations.
    private static func standardized(
        _ x: Known,
        groups: Int,
        epsilon: Float,
        isRMS: Bool = false,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> [Known] {
        guard groups > 0, x.count > 0 else { throw .invalid("\(groups) groups of \(x.dimensions)") }
        let all = [x.dimensions, [groups], [groups]]
        return try builder.general([x], dimensions: all, types: [x.type, .float, .float]) {
            Standardize(
                $0.sources[0],
                groups: groups,
                count: x.count / groups,
                epsilon: epsilon,
                isRMS: isRMS,
                shape: $1[0]
            )
        }
    }

    private static let instance: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard x.dimensions.count >= 2 else { throw .invalid("instances in \(x.dimensions)") }
        let groups = x.dimensions[0] * x.dimensions[1]
        let epsilon = try node.float("epsilon", 1e-5)
        let plain = try standardized(x, groups: groups, epsilon: epsilon, node.builder)[0]
        let shape = [x.dimensions[1]] + [Int](repeating: 1, count: x.dimensions.count - 2)
        let scale = try node.builder.reshaped(node.input(1), to: shape)
        return [try line(plain, scale, node.builder.reshaped(node.input(2), to: shape), node.builder)]
    }

    private static let group: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard x.dimensions.count >= 2, let groups = try node.integer("num_groups"), groups > 0,
            x.dimensions[1] % groups == 0
        else { throw .invalid("groups in \(x.dimensions)") }
        let channels = x.dimensions[1]
        let epsilon = try node.float("epsilon", 1e-5)
        let plain = try standardized(x, groups: x.dimensions[0] * groups, epsilon: epsilon, node.builder)[0]
        let behind = [Int](repeating: 1, count: x.dimensions.count - 2)
        // Before version 21 there is a number for each group.
        func wide(_ known: Known) throws(NodeFault) -> Known {
            if known.count == channels { return try node.builder.reshaped(known, to: [channels] + behind) }
            guard known.count == groups else {
                throw .invalid("\(known.count) numbers for \(channels) channels")
            }
            let column = try node.builder.reshaped(known, to: [groups, 1])
            let repeated = try LayoutNodes.expanded(column, [groups, channels / groups], node.builder)
            return try node.builder.reshaped(repeated, to: [channels] + behind)
        }
        return [try line(plain, wide(node.input(1)), wide(node.input(2)), node.builder)]
    }

    private static let layer: Node.Lowering = { (node) throws(NodeFault) in
        try trailing(node, isRMS: false)
    }

    private static let rms: Node.Lowering = { (node) throws(NodeFault) in
        Array(try trailing(node, isRMS: true).prefix(1))
    }

    /// Norms over all axes from one on.
    private static func trailing(_ node: Node, isRMS: Bool) throws(NodeFault) -> [Known] {
        let x = try node.input(0)
        let rank = x.dimensions.count
        let axis = try node.axis(node.integer("axis") ?? -1, rank: rank)
        let groups = x.dimensions[..<axis].reduce(1, *)
        let epsilon = try node.float("epsilon", 1e-5)
        let norm = !isRMS && axis == rank - 1 ? try channels(node, epsilon: epsilon) : nil
        if let norm, !node.wants(1), !node.wants(2) { return [norm] }
        let all = try standardized(
            node.builder.plain(x),
            groups: groups,
            epsilon: epsilon,
            isRMS: isRMS,
            node.builder
        )
        let outer = x.dimensions[..<axis] + [Int](repeating: 1, count: rank - axis)
        let scaled =
            if let norm { norm } else { try line(all[0], node.input(1), node.optional(2), node.builder) }
        return [
            scaled,
            try node.builder.reshaped(all[1], to: Array(outer)),
            try node.builder.reshaped(all[2], to: Array(outer)),
        ]
    }

    /// The norm of an image whose channels lie last; nil where it is none.
    private static func channels(_ node: Node, epsilon: Float) throws(NodeFault) -> Known? {
        let numbers = [node.optional(1), node.optional(2)].compactMap(\.self)
        guard case .value(let value) = try node.input(0), value.isChannelsLast,
            numbers.allSatisfy({ $0.constant?.count == value.dimensions.last })
        else { return nil }
        return try node.builder.channelNorm(
            value,
            weight: node.optional(1)?.constant?.tensor(),
            bias: node.optional(2)?.constant?.tensor(),
            epsilon: epsilon
        )
    }

    private static let response: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard x.dimensions.count >= 2, let size = try node.integer("size"), (1...1 << 16).contains(size)
        else {
            throw .invalid("a norm of \(x.dimensions)")
        }
        let norm = LocalResponseNorm(
            size: size,
            alpha: try node.float("alpha", 1e-4) / Float(size),
            beta: try node.float("beta", 0.75),
            k: try node.float("bias", 1)
        )
        if case .value(let value) = x, x.dimensions.count == 4, x.dimensions[0] == 1, size % 2 == 1 {
            let image = try node.builder.view(value, as: Shape(Array(x.dimensions.dropFirst())))
            let result = try node.builder.append(norm, [image], [])[0]
            return [.value(RunValue(value: result, dimensions: x.dimensions, type: x.type))]
        }
        let extents = Extents(x.dimensions, axes: 1..<2)
        return try node.builder.general([x], dimensions: [x.dimensions], types: [x.type]) {
            ResponseNorm($0.sources[0], extents, norm, shape: $1[0])
        }
    }

    private static let lp: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let axis = try node.axis(node.integer("axis") ?? -1, rank: x.dimensions.count)
        let kind: Along.Reduction = try node.integer("p") ?? 2 == 1 ? .l1 : .l2
        let norm = try ReductionNodes.reduced(kind, x, [axis], keeps: true, node.builder)
        // Of zeros the norm is 0, and they stay what they are.
        let isZero = try node.builder.elementwise(.not, [norm], type: .bool)
        let one = Known.constant(Constant(1, .float))
        let divisor = try node.builder.elementwise(.where, [isZero, one, norm], type: x.type)
        return [try node.builder.elementwise(.divide, [x, divisor], type: x.type)]
    }

    private static let meanVariance: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        let builder = node.builder
        let axes = try node.axes(node.integers("axes") ?? [0, 2, 3], rank: x.dimensions.count).sorted()
        let mean = try ReductionNodes.reduced(.mean, x, axes, keeps: true, builder)
        let centred = try builder.elementwise(.subtract, [x, mean], type: x.type)
        let squares = try builder.elementwise(.multiply, [centred, centred], type: x.type)
        let variance = try ReductionNodes.reduced(.mean, squares, axes, keeps: true, builder)
        let root = try builder.elementwise(.sqrt, [variance], type: x.type)
        let small = Known.constant(Constant(1e-9, .float))
        let deviation = try builder.elementwise(.add, [root, small], type: x.type)
        return [try builder.elementwise(.divide, [centred, deviation], type: x.type)]
    }
}
