import Engine
import Foundation

extension Reference {
    /// √(2/π) · (x + 0.044715x³).
    static func cubic(_ x: Double) -> Double { 0.797_884_560_802_865_4 * (x + 0.044715 * x * x * x) }

    static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    static func activation(_ op: Activation, _ x: Array) -> Array {
        Array(
            x.shape,
            x.values.map { value in
                switch op {
                case .relu: value > 0 ? value : 0
                case .relu6: min(max(value, 0), 6)
                case .tanh: tanh(value)
                case .sigmoid: sigmoid(value)
                case .hardSigmoid: min(max(value + 3, 0), 6) / 6
                case .hardSwish: value * min(max(value + 3, 0), 6) / 6
                case .silu: value * sigmoid(value)
                case .gelu: value * (1 + erf(value / 2.0.squareRoot())) / 2
                case .geluTanh: value * (1 + tanh(cubic(value))) / 2
                case .mish: value * tanh(log1p(exp(value)))
                }
            }
        )
    }

    static func add(_ a: Array, _ b: Array) -> Array {
        Array(a.shape, zip(a.values, b.values).map { $0 + $1 })
    }

    static func gate(_ x: Array, _ gate: Array) -> Array {
        let pixels = x.values.count / x.shape[0]
        return Array(x.shape, x.values.enumerated().map { $1 * gate.values[$0 / pixels] })
    }

    static func channelScale(_ op: ChannelScale, _ x: Array) -> Array {
        let pixels = x.values.count / x.shape[0]
        return Array(
            x.shape,
            x.values.enumerated().map { index, value in
                let line = op.lines[op.lines.count == 1 ? 0 : index / pixels]
                return value * Double(line.scale) + Double(line.shift)
            }
        )
    }

    /// y = (x − mean) / √(var + ε) · weight + bias.
    static func batchNorm(_ op: BatchNorm, _ x: Array, _ weights: [Array]) -> Array {
        var y = x
        let pixels = x.values.count / x.shape[0]
        for index in y.values.indices {
            let c = index / pixels
            let deviation = (weights[3].values[c] + Double(op.epsilon)).squareRoot()
            let normal = (x.values[index] - weights[2].values[c]) / deviation
            y.values[index] = normal * weights[0].values[c] + weights[1].values[c]
        }
        return y
    }

    /// The mean and variance over the channels of each pixel, then each channel's line.
    static func channelNorm(_ op: ChannelNorm, _ x: Array, _ weights: [Array]) -> Array {
        var y = x
        let channels = Double(op.channels)
        for i in 0..<x.shape[1] {
            for j in 0..<x.shape[2] {
                let values = (0..<op.channels).map { x[$0, i, j] }
                let mean = values.reduce(0, +) / channels
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / channels
                for c in 0..<op.channels {
                    let normal = (values[c] - mean) / (variance + Double(op.epsilon)).squareRoot()
                    y[c, i, j] = normal * weights[0].values[c] + weights[1].values[c]
                }
            }
        }
        return y
    }

    static func softmax(_ x: Array) -> Array {
        var y = x
        let width = x.shape.dimensions.last ?? 1
        for start in stride(from: 0, to: x.values.count, by: width) {
            let row = x.values[start..<start + width]
            let largest = row.max() ?? 0
            let total = row.reduce(0) { $0 + exp($1 - largest) }
            for index in row.indices { y.values[index] = exp(x.values[index] - largest) / total }
        }
        return y
    }
}
