import Engine

extension Reference {
    /// y[r, o] = Σ w[o, i] · x[r, i] + bias[o].
    static func linear(_ op: Linear, _ x: Array, _ weights: [Array]) throws -> Array {
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        for row in 0..<x.values.count / op.inputs {
            for o in 0..<op.outputs {
                var sum = op.hasBias ? weights[1].values[o] : 0
                for i in 0..<op.inputs { sum += weights[0][o, i] * x.values[row * op.inputs + i] }
                y.values[row * op.outputs + o] = sum
            }
        }
        return y
    }

    /// The negative squared distances to the rows.
    static func radialBasis(_ op: RadialBasis, _ x: Array, _ weights: [Array]) -> Array {
        let distances = (0..<op.outputs).map { row in
            (0..<op.inputs).reduce(0) { sum, column in
                let difference = x.values[column] - weights[0][row, column]
                return sum + difference * difference
            }
        }
        return Array([op.outputs], distances.map { -$0 })
    }
}
