internal import Engine

/// What of a table joins several values, or hands out more than one.
extension Lowering {
    /// The values of marks, joined.
    mutating func lower(
        _ join: Layer.Join,
        of names: [String],
        prefix: String
    ) throws(ShapeError) -> Graph.Value {
        let values = try names.map { name throws(ShapeError) in
            guard let value = marks[name] else {
                throw ShapeError("\(prefix)\(name): no value has this mark")
            }
            return value
        }
        guard var sum = values.first, values.count > 1 else {
            return values.first ?? .input
        }
        switch join {
        case .concat: return try add(Concat(), kind: "concat", inputs: values, prefix: prefix)
        case .product: return try add(product(of: values), kind: "product", inputs: values, prefix: prefix)
        case .sum:
            for value in values.dropFirst() {
                sum = try add(Add(), kind: "sum", inputs: [sum, value], prefix: prefix)
            }
            return sum
        }
    }

    /// Vectors of one length multiplied with each other, and with single numbers.
    private func product(of values: [Graph.Value]) -> Elementwise {
        let counts = values.map { graph.shape(of: $0).elementCount }
        let largest = counts.max() ?? 1
        return Elementwise(
            .multiply,
            Operands(counts.map { .value(count: $0) }),
            dimensions: counts.map { [$0] },
            broadcast: [largest],
            shape: [1, largest]
        )
    }

    /// A vector goes in as the only step of a recurrent layer; the state behind it is handed out as `h` and, of an `lstm`, `c`.
    mutating func firstStep(
        _ cell: Recurrent.Cell,
        hidden: Int,
        bias: Bool,
        name: String,
        of input: Graph.Value
    ) throws(ShapeError) -> Graph.Value {
        let inputs = graph.shape(of: input).elementCount
        let row = try add(Reshape(to: [1, inputs]), kind: "row", inputs: [input], prefix: "\(name).")
        let step = Recurrent(
            cell,
            inputs: inputs,
            hidden: hidden,
            hasBias: bias,
            givesState: true,
            readsWholeItems: true
        )
        let outputs = try graph.addAll(step, name: name, inputs: [row])
        others += zip(["h", "c"], outputs.dropFirst()).map { ($0, $1) }
        return outputs[0]
    }
}
