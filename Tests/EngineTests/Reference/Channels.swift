import Engine

extension Reference {
    /// The channels of all inputs, one behind the other.
    static func concat(_ inputs: [Array]) -> Array {
        let channels = inputs.reduce(0) { $0 + $1.shape[0] }
        return Array([channels, inputs[0].shape[1], inputs[0].shape[2]], inputs.flatMap(\.values))
    }

    /// Every stride-th pixel, between channels of zeros.
    static func padShortcut(_ op: PadShortcut, _ x: Array) throws -> Array {
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        let before = (op.channels - x.shape[0]) / 2
        for c in 0..<x.shape[0] {
            for i in 0..<y.shape[1] {
                for j in 0..<y.shape[2] { y[before + c, i, j] = x[c, i * op.stride, j * op.stride] }
            }
        }
        return y
    }

    /// The named channels, in their order.
    static func selectChannels(_ op: SelectChannels, _ x: Array) throws -> Array {
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        for (c, channel) in op.channels.enumerated() {
            for i in 0..<y.shape[1] {
                for j in 0..<y.shape[2] { y[c, i, j] = x[channel, i, j] }
            }
        }
        return y
    }

    /// The sum of four neighbours, times the channel's coefficient, plus its bias.
    static func subsampling(_ op: Subsampling, _ x: Array, _ weights: [Array]) throws -> Array {
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        for c in 0..<y.shape[0] {
            for i in 0..<y.shape[1] {
                for j in 0..<y.shape[2] {
                    let sum =
                        x[c, 2 * i, 2 * j] + x[c, 2 * i, 2 * j + 1]
                        + x[c, 2 * i + 1, 2 * j] + x[c, 2 * i + 1, 2 * j + 1]
                    y[c, i, j] = sum * weights[0].values[c] + weights[1].values[c]
                }
            }
        }
        return y
    }
}
