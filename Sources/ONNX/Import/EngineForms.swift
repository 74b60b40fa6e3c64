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
            return try formOfConstantFirst(function, operands, dimensions, type)
        }
        func made(_ op: any Op, _ inputs: [Graph.Value]) throws(NodeFault) -> Known {
            if let function = op as? Activation, let result = try beforeSpread(first, function) {
                return result
            }
            let value = try append(op, inputs, [])[0]
            return .value(RunValue(value: value, dimensions: dimensions, type: type))
        }
        if operands.count == 1 {
            return try Activation(function, alpha, beta).map { op throws(NodeFault) in
                try made(op, [first.value])
            }
        }
        switch (function, operands.count) {
        case (.clip, 3):
            guard let low = operands[1].constant?.single, let high = operands[2].constant?.single, low == 0
            else { return nil }
            if high == 6 { return try made(Activation.relu6, [first.value]) }
            return high >= .greatestFiniteMagnitude ? try made(Activation.relu, [first.value]) : nil
        case (.add, 2), (.multiply, 2), (.subtract, 2), (.divide, 2):
            if case .value(let second) = operands[1] {
                if function == .multiply, let gated = try gated(first, second) { return gated }
                guard function == .add, first.dimensions == second.dimensions else { return nil }
                return try made(Add(), [first.value, view(second, as: graph.shape(of: first.value))])
            }
            guard first.dimensions == dimensions, let constant = operands[1].constant else { return nil }
            if function == .add, let biased = try withBias(first, constant) { return biased }
            guard let lines = lines(function, constant, dimensions, graph.shape(of: first.value)) else {
                return nil
            }
            if let taken = try withLine(first, lines) { return taken }
            return try made(ChannelScale(lines), [first.value])
        default: return nil
        }
    }

    /// The same with a constant in front of a value.
    private func formOfConstantFirst(
        _ function: Function,
        _ operands: [Known],
        _ dimensions: [Int],
        _ type: DataType
    ) throws(NodeFault) -> Known? {
        guard operands.count == 2, case .value = operands[1] else { return nil }
        switch function {
        case .add, .multiply: return try engineForm(function, operands.reversed(), dimensions, 0, 0, type)
        case .subtract:
            guard operands[0].constant?.type.isInteger == false, operands[1].dimensions == dimensions else {
                return nil
            }
            let minus = Known.constant(Constant(-1, type))
            let negative = try elementwise(.multiply, [operands[1], minus], type: type)
            return try elementwise(.add, [negative, operands[0]], type: type)
        default: return nil
        }
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
            shape.rank == 3 && dimensions.count >= 3 && dimensions[0] == 1 && shape[0] == dimensions[1]
            && own == [1, shape[0]] + dimensions[2...].map { _ in 1 }
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

extension Activation {
    /// A function of one number; nil where it has no operation of its own.
    init?(_ function: Function, _ alpha: Float, _ beta: Float) {
        switch function {
        case .relu: self = .relu
        case .tanh: self = .tanh
        case .sigmoid: self = .sigmoid
        case .hardSigmoid where alpha.isNearly(1 / 6) && beta == 0.5: self = .hardSigmoid
        case .hardSwish: self = .hardSwish
        case .silu: self = .silu
        case .swish where alpha == 1: self = .silu
        case .gelu: self = .gelu
        case .geluTanh: self = .geluTanh
        case .mish: self = .mish
        default: return nil
        }
    }
}

extension Constant {
    /// The number, where there is one.
    var single: Float? { count == 1 ? floats[0] : nil }
}
