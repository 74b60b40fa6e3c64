import Engine
import Foundation

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

    /// Σ aⱼ · valueⱼ with aⱼ = e^scoreⱼ / Σ e^score.
    static func attention(_ op: Attention, memory: Array, query: Array, _ weights: [Array]) -> Array {
        let (steps, width) = (memory.shape[0], memory.shape[1])
        let scores = (0..<steps).map { step in
            let bias = op.score == .additive && op.hasBias ? weights[1].values[0] : 0
            return (0..<op.keys).reduce(bias) { sum, index in
                let key = memory[step, width - op.keys + index]
                switch op.score {
                case .dot: return sum + query.values[index] * key
                case .additive: return sum + weights[0].values[index] * tanh(query.values[index] + key)
                }
            }
        }
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        let values = (0..<op.values).map { index in
            (0..<steps).reduce(0) { $0 + powers[$1] / sum * memory[$1, index] }
        }
        return Array([1, op.values], values)
    }

    static func sequencePool(_ op: SequencePool, _ x: Array) -> Array {
        let (steps, features) = (x.shape[0], x.shape[1])
        let values = (0..<features).map { feature in
            let column = (0..<steps).map { x[$0, feature] }
            switch op.kind {
            case .mean: return column.reduce(0, +) / Double(steps)
            case .max: return column.max() ?? 0
            case .lastOutput: return column[steps - 1]
            case .last: return op.isBidirectional && feature >= features / 2 ? column[0] : column[steps - 1]
            }
        }
        return Array([features], values)
    }
}
