internal import Engine

/// Norms over the channels of each pixel, as a node or written out: (x − mean) / √(mean((x − mean)²) + ε).
extension GraphBuilder {
    /// A quotient that is such a norm; nil where it is none.
    ///
    /// A scale and a shift behind it are taken in when they come (`withLine`).
    func layerNorm(_ function: Function, _ operands: [Known]) throws(NodeFault) -> Known? {
        guard operands.count == 2, let (deviation, source, axes) = centred(operands[0]) else { return nil }
        let root: Known?
        switch function {
        case .divide: root = operands[1]
        case .multiply: root = reciprocal(operands[1])
        default: return nil
        }
        guard let root, let sum = squareRoot(root), let (variance, epsilon) = plusConstant(sum),
            case .mean(let squares, axes)? = expression(of: variance), let base = square(squares),
            areSame(base, deviation)
                || centred(base).map({ areSame($0.source, source) && $0.axes == axes }) ?? false
        else { return nil }
        return try layerNorm(source, axes: axes, epsilon: epsilon)
    }

    /// The norm of a value along axes.
    private func layerNorm(_ source: Known, axes: [Int], epsilon: Float) throws(NodeFault) -> Known? {
        let rank = source.dimensions.count
        let last = channelsLast(source)
        if axes == [rank - 1], case .value(let value) = last, value.isChannelsLast {
            return try channelNorm(value, weight: nil, bias: nil, epsilon: epsilon)
        }
        guard axes == [1], case .value(let value) = source, source.dimensions[0] == 1, rank == 4,
            graph.shape(of: value.value) == Self.shape(value.dimensions)
        else { return nil }
        return try channelNorm(value, weight: nil, bias: nil, epsilon: epsilon)
    }

    /// The norm over the channels of each pixel of an image.
    func channelNorm(_ value: RunValue, weight: Tensor?, bias: Tensor?, epsilon: Float) throws(NodeFault)
        -> Known
    {
        let channels = graph.shape(of: value.value)[0]
        func all(_ number: Float) -> Tensor {
            Tensor(shape: [channels], values: [Float](repeating: number, count: channels))
        }
        let norm = ChannelNorm(channels: channels, epsilon: epsilon)
        let result = try append(norm, [value.value], [weight ?? all(1), bias ?? all(0)])[0]
        return .value(
            RunValue(
                value: result,
                dimensions: value.dimensions,
                type: value.type,
                isChannelsLast: value.isChannelsLast
            )
        )
    }

    /// What x − mean(x) is made of.
    private func centred(_ known: Known) -> (known: Known, source: Known, axes: [Int])? {
        guard let operands = operands(of: known, .subtract),
            case .mean(let source, let axes)? = expression(of: operands[1]),
            areSame(source, operands[0])
        else { return nil }
        return (known, source, axes)
    }

    private func reciprocal(_ known: Known) -> Known? {
        if let operands = operands(of: known, .reciprocal) { return operands[0] }
        guard let operands = operands(of: known, .divide), operands[0].constant?.single == 1 else {
            return nil
        }
        return operands[1]
    }

    private func squareRoot(_ known: Known) -> Known? {
        if let operands = operands(of: known, .sqrt) { return operands[0] }
        guard let operands = operands(of: known, .power), operands[1].constant?.single == 0.5 else {
            return nil
        }
        return operands[0]
    }

    private func square(_ known: Known) -> Known? {
        if let operands = operands(of: known, .multiply), areSame(operands[0], operands[1]) {
            return operands[0]
        }
        guard let operands = operands(of: known, .power), operands[1].constant?.single == 2 else {
            return nil
        }
        return operands[0]
    }

    private func plusConstant(_ known: Known) -> (Known, Float)? {
        guard let operands = operands(of: known, .add),
            let side = operands.firstIndex(where: { $0.constant?.single != nil }),
            let number = operands[side].constant?.single
        else { return nil }
        return (operands[1 - side], number)
    }
}
