import Engine
import Foundation

extension Reference {
    /// All directions of a recurrent layer, unit by unit from the formulas of the operation.
    static func recurrent(_ op: Recurrent, _ x: Array, _ weights: [Array]) throws -> Array {
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        let arrays = weights.count / op.directions
        for direction in 0..<op.directions {
            var cell = Cell(op, Swift.Array(weights[direction * arrays..<(direction + 1) * arrays]))
            let steps =
                direction == 0 ? Swift.Array(0..<x.shape[0]) : Swift.Array((0..<x.shape[0]).reversed())
            for t in steps {
                cell.step((0..<op.inputs).map { x[t, $0] })
                for unit in 0..<op.outputs { y[t, direction * op.outputs + unit] = cell.h[unit] }
            }
        }
        return y
    }

    private struct Cell {
        let op: Recurrent
        let weights: [Array]
        var h: [Double]
        var c: [Double]

        init(_ op: Recurrent, _ weights: [Array]) {
            self.op = op
            self.weights = weights
            h = [Double](repeating: 0, count: op.outputs)
            c = [Double](repeating: 0, count: op.hidden)
        }

        /// Row `gate`·hidden + `unit` of W_ih times x, with its bias.
        private func input(_ gate: Int, _ unit: Int, _ x: [Double]) -> Double {
            product(0, gate, unit, x)
        }

        /// The same of W_hh.
        private func state(_ gate: Int, _ unit: Int, _ h: [Double]) -> Double {
            product(1, gate, unit, h)
        }

        private func product(_ matrix: Int, _ gate: Int, _ unit: Int, _ vector: [Double]) -> Double {
            let row = gate * op.hidden + unit
            let bias = op.hasBias ? weights[2 + matrix].values[row] : 0
            return vector.indices.reduce(bias) { $0 + weights[matrix][row, $1] * vector[$1] }
        }

        mutating func step(_ x: [Double]) {
            let old = h
            var outputs = [Double](repeating: 0, count: op.hidden)
            let resets =
                op.cell == .gru ? old.indices.map { sigmoid(input(0, $0, x) + state(0, $0, old)) } : []
            for unit in 0..<op.hidden {
                switch op.cell {
                case .rnn:
                    let sum = input(0, unit, x) + state(0, unit, old)
                    outputs[unit] = op.nonlinearity == .relu ? max(sum, 0) : tanh(sum)
                case .lstm:
                    let gates = (0..<4).map { input($0, unit, x) + state($0, unit, old) }
                    c[unit] = sigmoid(gates[1]) * c[unit] + sigmoid(gates[0]) * tanh(gates[2])
                    outputs[unit] = sigmoid(gates[3]) * tanh(c[unit])
                case .gru:
                    let z = sigmoid(input(1, unit, x) + state(1, unit, old))
                    outputs[unit] = (1 - z) * candidate(unit, x, old, resets) + z * old[unit]
                }
            }
            h =
                op.projection == nil
                ? outputs
                : h.indices.map { row in
                    outputs.indices.reduce(0) { $0 + weights[weights.count - 1][row, $1] * outputs[$1] }
                }
        }

        private func candidate(_ unit: Int, _ x: [Double], _ old: [Double], _ resets: [Double]) -> Double {
            if op.resetsAfter { return tanh(input(2, unit, x) + resets[unit] * state(2, unit, old)) }
            return tanh(input(2, unit, x) + state(2, unit, zip(resets, old).map { $0 * $1 }))
        }
    }
}
