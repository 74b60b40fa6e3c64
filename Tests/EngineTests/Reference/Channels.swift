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

    /// A part of what is negative.
    static func leakyReLU(_ slope: Double, _ x: Array) -> Array {
        var y = x
        for index in y.values.indices where y.values[index] < 0 { y.values[index] *= slope }
        return y
    }

    /// Each channel times its number.
    static func layerScale(_ x: Array, _ weights: [Array]) -> Array {
        var y = x
        let pixels = x.shape[1] * x.shape[2]
        for index in y.values.indices { y.values[index] *= weights[0].values[index / pixels] }
        return y
    }

    /// The sum over the neighbours of a channel, each times the weight of its place.
    static func channelConv(_ op: ChannelConv, _ x: Array, _ weights: [Array]) -> Array {
        var y = x
        for c in x.values.indices {
            y.values[c] = (0..<op.kernel).reduce(0) { sum, tap in
                let other = c + tap - op.kernel / 2
                return x.values.indices ~= other ? sum + x.values[other] * weights[0].values[tap] : sum
            }
        }
        return y
    }

    /// The pixel whose square a pixel is in.
    static func upsample(_ op: Upsample, _ x: Array) throws -> Array {
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        for c in 0..<y.shape[0] {
            for i in 0..<y.shape[1] {
                for j in 0..<y.shape[2] { y[c, i, j] = x[c, i / op.factor, j / op.factor] }
            }
        }
        return y
    }

    /// Each channel by its length, of the mean of all lengths.
    static func globalResponseNorm(_ op: GlobalResponseNorm, _ x: Array, _ weights: [Array]) -> Array {
        var y = x
        let pixels = x.shape[1] * x.shape[2]
        let lengths = (0..<op.channels).map { channel in
            x.values[channel * pixels..<(channel + 1) * pixels].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let mean = lengths.reduce(0, +) / Double(op.channels)
        for (index, value) in x.values.enumerated() {
            let channel = index / pixels
            let normal = value * lengths[channel] / (mean + Double(op.epsilon))
            y.values[index] = value + weights[0].values[channel] * normal + weights[1].values[channel]
        }
        return y
    }
}
