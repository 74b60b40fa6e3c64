internal import Engine

/// Sums and products of one value and constants, in whatever order a file has them.
extension GraphBuilder {
    /// How deep such a value is looked into.
    private static let maxDepth = 7

    /// The value x of which another is `linear`·x + `cubic`·x³; nil where it is not.
    func cubic(_ known: Known, linear: Float, cubic: Float) -> Known? {
        terms(of: known, depth: 0).first { source in
            guard let found = polynomial(known, in: source, depth: 0), found.count == 4 else { return false }
            return found[0] == 0 && found[1].isNearly(linear) && found[2] == 0 && found[3].isNearly(cubic)
        }
    }

    /// All values that one is made of by arithmetic, itself not counted.
    private func terms(of known: Known, depth: Int) -> [Known] {
        guard depth < Self.maxDepth, case .function(let function, let operands)? = expression(of: known),
            [.add, .subtract, .multiply, .divide, .power, .negate].contains(function)
        else { return [] }
        let own = operands.filter { $0.constant == nil && $0.dimensions == known.dimensions }
        return own + own.flatMap { terms(of: $0, depth: depth + 1) }.prefix(32)
    }

    /// The coefficients of a value as a polynomial of another, of at most the third degree, the constant first.
    private func polynomial(_ known: Known, in source: Known, depth: Int) -> [Float]? {
        if areSame(known, source) { return [0, 1] }
        if let number = known.constant?.single { return [number] }
        guard depth < Self.maxDepth, known.dimensions == source.dimensions,
            case .function(let function, let operands)? = expression(of: known),
            let first = operands.first, let a = polynomial(first, in: source, depth: depth + 1)
        else { return nil }
        if function == .negate { return a.map { -$0 } }
        guard operands.count == 2, let b = polynomial(operands[1], in: source, depth: depth + 1) else {
            return nil
        }
        switch function {
        case .add: return Self.sum(a, b)
        case .subtract: return Self.sum(a, b.map { -$0 })
        case .multiply: return Self.product(a, b)
        case .divide: return b.count == 1 ? a.map { $0 / b[0] } : nil
        case .power:
            guard b == [2] || b == [3], let square = Self.product(a, a) else { return nil }
            return b == [2] ? square : Self.product(square, a)
        default: return nil
        }
    }

    private static func sum(_ a: [Float], _ b: [Float]) -> [Float] {
        (0..<max(a.count, b.count)).map { index in
            (index < a.count ? a[index] : 0) + (index < b.count ? b[index] : 0)
        }
    }

    private static func product(_ a: [Float], _ b: [Float]) -> [Float]? {
        guard a.count + b.count <= 5 else { return nil }
        var result = [Float](repeating: 0, count: a.count + b.count - 1)
        for (i, left) in a.enumerated() {
            for (j, right) in b.enumerated() { result[i + j] += left * right }
        }
        return result
    }
}
