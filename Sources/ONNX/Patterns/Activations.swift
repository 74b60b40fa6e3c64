internal import Engine

/// Activations that a file writes out as products: x · sigmoid(x) and their kin.
///
/// The pattern begins at the product that is lowered. Somewhere below it, with only products between, is the part that
/// tells the activation, and with it x; then the product must be x, that part and a constant, in whatever order.
extension GraphBuilder {
    /// An activation written out as a product.
    private struct Gate {
        let known: Known
        let source: Known
        let activation: Activation
        /// The constant that goes with it.
        let scale: Float
        /// What it is where x is no factor.
        let plain: Activation?
    }

    /// A function of one to three operands as an activation that it is the last step of; nil where it is not.
    func activation(_ function: Function, _ operands: [Known], _ type: DataType) throws(NodeFault) -> Known? {
        switch function {
        case .multiply, .divide: return try product(function, operands, type)
        case .max where operands.count == 2: return try clamp(operands, .relu, type)
        case .min where operands.count == 2: return try clamp(operands, .clip, type)
        case .clip:
            // min(max(x / 6 + 1/2, 0), 1)
            guard operands[1].constant?.single == 0, operands[2].constant?.single == 1 else { return nil }
            let line = lines(of: operands[0]).first { $0.scale.isNearly(1 / 6) && $0.shift.isNearly(0.5) }
            guard let line else { return nil }
            return try activated(.hardSigmoid, line.source, type)
        default: return nil
        }
    }

    /// An activation of a value.
    private func activated(_ activation: Activation, _ x: Known, _ type: DataType) throws(NodeFault) -> Known?
    {
        guard case .value(let value) = x else { return nil }
        let own = try append(activation, [value.value], [])[0]
        let result = Known.value(RunValue(value: own, dimensions: value.dimensions, type: type))
        if activation == .hardSigmoid { remember(.function(.hardSigmoid, [x]), of: result) }
        return result
    }

    /// max(x, 0), and min(max(x, 0), bound).
    private func clamp(_ operands: [Known], _ function: Function, _ type: DataType) throws(NodeFault)
        -> Known?
    {
        guard let side = operands.firstIndex(where: { $0.constant?.single != nil }),
            let bound = operands[side].constant?.single, case .value = operands[1 - side],
            operands[side].dimensions.count <= operands[1 - side].dimensions.count
        else { return nil }
        if function == .relu {
            return bound == 0 ? try elementwise(.relu, [operands[1 - side]], type: type) : nil
        }
        guard let source = self.operands(of: operands[1 - side], .relu)?.first else { return nil }
        let zero = Known.constant(Constant(0, .float))
        return try elementwise(.clip, [source, zero, .constant(Constant(bound, .float))], type: type)
    }

    private func product(_ function: Function, _ operands: [Known], _ type: DataType) throws(NodeFault)
        -> Known?
    {
        guard operands.count == 2 else { return nil }
        for known in gateCandidates(function, operands) {
            guard let gate = gate(known), known.dimensions == gate.source.dimensions else { continue }
            var left = Factors(gate: gate.known, source: gate.source)
            guard count(function, operands, &left, depth: 0), left.gates == 1, left.scale.isNearly(gate.scale)
            else { continue }
            if left.sources == 1 { return try activated(gate.activation, gate.source, type) }
            if left.sources == 0, let plain = gate.plain { return try activated(plain, gate.source, type) }
        }
        return nil
    }

    /// Operands of a product, and of the products that these are.
    private func gateCandidates(_ function: Function, _ operands: [Known], depth: Int = 0) -> [Known] {
        operands.prefix(function == .divide ? 1 : 2).flatMap { known -> [Known] in
            guard depth < 3, case .function(let inner, let own)? = expression(of: known),
                inner == .multiply || inner == .divide
            else { return [known] }
            return [known] + gateCandidates(inner, own, depth: depth + 1)
        }
    }

    /// The activation that a factor tells.
    private func gate(_ known: Known) -> Gate? {
        guard case .function(let function, let operands)? = expression(of: known) else { return nil }
        func gate(_ source: Known, _ activation: Activation, _ scale: Float, plain: Activation? = nil) -> Gate
        {
            Gate(known: known, source: source, activation: activation, scale: scale, plain: plain)
        }
        switch function {
        case .sigmoid: return gate(operands[0], .silu, 1)
        case .hardSigmoid: return gate(operands[0], .hardSwish, 1)
        case .clip:
            guard operands[1].constant?.single == 0, operands[2].constant?.single == 6,
                let line = lines(of: operands[0]).first(where: { $0.scale == 1 && $0.shift == 3 })
            else { return nil }
            return gate(line.source, .hardSwish, 1 / 6, plain: .hardSigmoid)
        case .tanh:
            // tanh(softplus(x))
            return softplus(operands[0]).map { gate($0, .mish, 1) }
        case .add:
            // 1 + erf(x / √2), 1 + tanh(√(2/π)·(x + 0.044715x³))
            guard let side = operands.firstIndex(where: { $0.constant?.single == 1 }) else { return nil }
            if let inner = self.operands(of: operands[1 - side], .tanh)?.first {
                return cubic(inner, linear: 0.797_884_56, cubic: 0.035_677_41).map {
                    gate($0, .geluTanh, 0.5)
                }
            }
            guard let inner = self.operands(of: operands[1 - side], .erf)?.first,
                let line = lines(of: inner).first(where: { $0.scale.isNearly(0.707_106_77) && $0.shift == 0 })
            else { return nil }
            return gate(line.source, .gelu, 0.5)
        default: return nil
        }
    }

    /// What a value is the softplus of, ln(1 + eˣ), by itself or written out.
    private func softplus(_ known: Known) -> Known? {
        if let source = operands(of: known, .softplus)?.first { return source }
        guard let sum = operands(of: known, .log)?.first, let terms = operands(of: sum, .add),
            let side = terms.firstIndex(where: { $0.constant?.single == 1 })
        else { return nil }
        return operands(of: terms[1 - side], .exp)?.first
    }

    /// What a product is made of.
    private struct Factors {
        let gate: Known
        let source: Known
        var gates = 0
        var sources = 0
        var scale: Float = 1
    }

    /// Counts the factors of a product; false where there are others.
    private func count(
        _ function: Function,
        _ operands: [Known],
        _ factors: inout Factors,
        depth: Int
    ) -> Bool {
        for (index, known) in operands.enumerated() {
            if let number = known.constant?.single, known.dimensions.count <= factors.source.dimensions.count
            {
                factors.scale *= function == .divide && index == 1 ? 1 / number : number
            } else if function == .divide, index == 1 {
                return false
            } else if areSame(known, factors.gate) {
                factors.gates += 1
            } else if areSame(known, factors.source) {
                factors.sources += 1
            } else {
                guard depth < 3, case .function(let inner, let own)? = expression(of: known),
                    inner == .multiply || inner == .divide, own.count == 2,
                    count(inner, own, &factors, depth: depth + 1)
                else { return false }
            }
        }
        return true
    }
}
