import Engine

extension Reference {
    static func embedding(_ op: Embedding, _ tokens: Array, _ table: Array) -> Array {
        let steps = tokens.shape[0]
        let rows = (0..<steps).map { step in
            let token = Int(tokens.values[step * op.columns + op.column])
            return (0..<op.features).map { table[token, $0] }
        }
        return Array([steps, op.features], rows.flatMap(\.self))
    }

    static func concatFeatures(_ inputs: [Array]) -> Array {
        let steps = inputs[0].shape[0]
        let rows = (0..<steps).map { step in
            inputs.flatMap { input in (0..<input.shape[1]).map { input[step, $0] } }
        }
        return Array([steps, rows[0].count], rows.flatMap(\.self))
    }

    static func sequencePool(_ op: SequencePool, _ x: Array) -> Array {
        let (steps, features) = (x.shape[0], x.shape[1])
        let values = (0..<features).map { feature in
            let column = (0..<steps).map { x[$0, feature] }
            switch op.kind {
            case .mean: return column.reduce(0, +) / Double(steps)
            case .max: return column.max() ?? 0
            case .last: return op.isBidirectional && feature >= features / 2 ? column[0] : column[steps - 1]
            }
        }
        return Array([features], values)
    }
}
