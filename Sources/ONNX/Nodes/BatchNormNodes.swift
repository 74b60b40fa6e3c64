internal import Engine

/// Batch normalisation: as the engine's own operation, as arithmetic, and as training does it.
enum BatchNormNodes {
    static let lowerings: [String: Node.Lowering] = ["BatchNormalization": batch]

    private static let batch: Node.Lowering = { (node) throws(NodeFault) in
        let x = try node.input(0)
        guard try node.flag("spatial", true) else {
            throw .unsupported("it is not spatial")
        }
        let channels = x.dimensions.count > 1 ? x.dimensions[1] : 1
        let parameters = try (1...4).map { index throws(NodeFault) in try node.input(index) }
        guard parameters.allSatisfy({ $0.count == channels }) else {
            throw .invalid("parameters for other than \(channels) channels")
        }
        let epsilon = try node.float("epsilon", 1e-5)
        if try node.flag("training_mode") {
            if let constant = x.constant { return try trained(node, constant) }
            return try batchOfItsOwn(node, x, parameters, epsilon)
        }
        let constants = parameters.compactMap(\.constant)
        if case .value(let value) = x, x.dimensions[0] == 1, x.dimensions.count > 1, constants.count == 4 {
            let pixels = x.dimensions[2...].reduce(1, *)
            let shape: Shape =
                switch x.dimensions.count {
                case 2: [channels]
                case 4: Shape(Array(x.dimensions.dropFirst()))
                default: [channels, 1, pixels]
                }
            let image = try node.builder.view(value, as: shape)
            let weights = try constants.map { constant throws(NodeFault) in try constant.tensor() }
            if let result = try node.builder.beforeSpread(value, norm: weights, epsilon: epsilon) {
                return [result]
            }
            let op = BatchNorm(channels: channels, epsilon: epsilon)
            let result = try node.builder.append(op, [image], weights)[0]
            return [.value(RunValue(value: result, dimensions: x.dimensions, type: x.type))]
        }
        return [try written(x, parameters, epsilon, node.builder)]
    }

    /// A batch norm as arithmetic.
    private static func written(
        _ x: Known,
        _ parameters: [Known],
        _ epsilon: Float,
        _ builder: GraphBuilder
    ) throws(NodeFault) -> Known {
        let behind = [Int](repeating: 1, count: max(0, x.dimensions.count - 2))
        let wide = try parameters.map { known throws(NodeFault) in
            try builder.reshaped(known, to: [known.count] + behind)
        }
        let variance = try builder.elementwise(
            .add,
            [wide[3], .constant(Constant(epsilon, .float))],
            type: .float
        )
        let deviation = try builder.elementwise(.sqrt, [variance], type: .float)
        let centred = try builder.elementwise(.subtract, [x, wide[2]], type: x.type)
        let scaled = try builder.elementwise(.divide, [centred, deviation], type: x.type)
        return try NormNodes.line(scaled, wide[0], wide[1], builder)
    }

    /// A batch norm by the means and variances of what it reads, which the running ones move towards.
    private static func batchOfItsOwn(
        _ node: Node,
        _ x: Known,
        _ parameters: [Known],
        _ epsilon: Float
    ) throws(NodeFault) -> [Known] {
        let (builder, rank) = (node.builder, x.dimensions.count)
        guard rank > 1 else { throw .invalid("a batch of \(x.dimensions)") }
        let axes = (0..<rank).filter { $0 != 1 }
        let mean = try ReductionNodes.reduced(.mean, x, axes, keeps: true, builder)
        let centred = try builder.elementwise(.subtract, [x, mean], type: .float)
        let squares = try builder.elementwise(.multiply, [centred, centred], type: .float)
        let variance = try ReductionNodes.reduced(.mean, squares, axes, keeps: false, builder)
        let row = try builder.reshaped(mean, to: variance.dimensions)
        let momentum = try node.float("momentum", 0.9)
        func moved(_ running: Known, _ own: Known) throws(NodeFault) -> Known {
            let kept = Known.constant(Constant(momentum, .float))
            let taken = Known.constant(Constant(1 - momentum, .float))
            let old = try builder.elementwise(.multiply, [running, kept], type: .float)
            let new = try builder.elementwise(.multiply, [own, taken], type: .float)
            return try builder.elementwise(.add, [old, new], type: .float)
        }
        return [
            try written(x, Array(parameters.prefix(2)) + [row, variance], epsilon, builder),
            try moved(parameters[2], row), try moved(parameters[3], variance),
        ]
    }

    /// What the norm of training makes of a constant, by the constant's own means and variances: filters that a network
    /// standardises.
    ///
    /// - Returns: the norm, and what becomes of the running means and variances.
    private static func trained(_ node: Node, _ x: Constant) throws(NodeFault) -> [Known] {
        guard x.dimensions.count > 1, node.builder.budget.take(x.dimensions) != nil else {
            throw .unsupported("too many constants")
        }
        let names = ["scale", "B", "input_mean", "input_var"]
        let parameters = try names.indices.map { index throws(NodeFault) in
            try node.constant(index + 1, names[index]).floats.map(Double.init)
        }
        let (channels, pixels) = (x.dimensions[1], x.dimensions[2...].reduce(1, *))
        guard parameters.allSatisfy({ $0.count == channels }), x.count > 0 else {
            throw .invalid("parameters for other than \(channels) channels")
        }
        let (epsilon, momentum) = (
            Double(try node.float("epsilon", 1e-5)), Double(try node.float("momentum", 0.9))
        )
        var (values, running) = (x.floats, [parameters[2], parameters[3]])
        for channel in 0..<channels {
            let starts = (0..<x.dimensions[0]).map { ($0 * channels + channel) * pixels }
            func mean(_ value: (Double) -> Double) -> Double {
                var sum = 0.0
                for start in starts {
                    for place in start..<start + pixels { sum += value(Double(values[place])) }
                }
                return sum / Double(starts.count * pixels)
            }
            let middle = mean { $0 }
            let variance = mean { ($0 - middle) * ($0 - middle) }
            let scale = parameters[0][channel] / (variance + epsilon).squareRoot()
            for start in starts {
                for place in start..<start + pixels {
                    values[place] = Float((Double(values[place]) - middle) * scale + parameters[1][channel])
                }
            }
            for (index, new) in [middle, variance].enumerated() {
                running[index][channel] = running[index][channel] * momentum + new * (1 - momentum)
            }
        }
        return [.constant(Constant(x.dimensions, x.type, floats: values))]
            + running.map { .constant(Constant([channels], .float, floats: $0.map { Float($0) })) }
    }
}
