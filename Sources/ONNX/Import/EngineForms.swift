internal import Engine

extension GraphBuilder {
    /// An elementwise function as an operation that the engine fuses or runs on blocked images; nil where it has none.
    func engineForm(
        _ function: Function,
        _ operands: [Known],
        _ dimensions: [Int],
        _ alpha: Float,
        _ beta: Float,
        _ type: DataType
    ) throws(NodeFault) -> Known? {
        guard case .value(let first) = operands[0] else {
            // A constant in front of a value, where the order does not matter.
            guard operands.count == 2, [.add, .multiply].contains(function),
                case .value = operands[1]
            else { return nil }
            return try engineForm(function, operands.reversed(), dimensions, alpha, beta, type)
        }
        func made(_ op: any Op, _ inputs: [Graph.Value]) throws(NodeFault) -> Known {
            let value = try append(op, inputs, [])[0]
            return .value(RunValue(value: value, dimensions: dimensions, type: type))
        }
        switch (function, operands.count) {
        case (.relu, 1): return try made(Activation.relu, [first.value])
        case (.tanh, 1): return try made(Activation.tanh, [first.value])
        case (.sigmoid, 1): return try made(Activation.sigmoid, [first.value])
        case (.clip, 3):
            guard let low = operands[1].constant?.single, let high = operands[2].constant?.single, low == 0
            else { return nil }
            if high == 6 { return try made(Activation.relu6, [first.value]) }
            return high >= .greatestFiniteMagnitude ? try made(Activation.relu, [first.value]) : nil
        case (.add, 2), (.multiply, 2), (.subtract, 2), (.divide, 2):
            if case .value(let second) = operands[1] {
                guard first.dimensions == second.dimensions else { return nil }
                if function == .multiply, let source = siluSource(first, second) {
                    return try general([.value(source)], dimensions: [dimensions], types: [type]) {
                        Elementwise(.silu, $0, dimensions: [dimensions], broadcast: dimensions, shape: $1[0])
                    }[0]
                }
                guard function == .add else { return nil }
                return try made(Add(), [first.value, view(second, as: graph.shape(of: first.value))])
            }
            guard first.dimensions == dimensions, let constant = operands[1].constant,
                let lines = lines(function, constant, dimensions, graph.shape(of: first.value))
            else { return nil }
            return try made(ChannelScale(lines), [first.value])
        default: return nil
        }
    }

    /// What x · sigmoid(x) is made of.
    private func siluSource(_ first: RunValue, _ second: RunValue) -> RunValue? {
        for (gate, source) in [(first, second), (second, first)] {
            if let origin = origins[gate.value], origin.inputs == [source.value],
                let activation = origin.op as? Activation, activation == .sigmoid
            {
                return source
            }
        }
        return nil
    }

    /// A function with a constant as a line for each channel of an image, or one for all.
    private func lines(
        _ function: Function,
        _ constant: Constant,
        _ dimensions: [Int],
        _ shape: Shape
    ) -> [ChannelScale.Line]? {
        guard !constant.type.isInteger else { return nil }
        let own =
            [Int](repeating: 1, count: max(0, dimensions.count - constant.dimensions.count))
            + constant.dimensions
        let isSingle = constant.count == 1
        let isPerChannel =
            shape.rank == 3 && dimensions.count == 4 && dimensions[0] == 1 && own == [1, dimensions[1], 1, 1]
            && shape[0] == dimensions[1]
        guard isSingle || isPerChannel else { return nil }
        return constant.floats.map { number in
            switch function {
            case .add: ChannelScale.Line(scale: 1, shift: number)
            case .subtract: ChannelScale.Line(scale: 1, shift: -number)
            case .multiply: ChannelScale.Line(scale: number)
            default: ChannelScale.Line(scale: 1 / number)
            }
        }
    }
}

extension Constant {
    /// The number, where there is one.
    var single: Float? { count == 1 ? floats[0] : nil }
}
