import Engine

extension Reference {
    /// y[o, i, j] = Σ w[o, c, a, b] · x[g·C + c, i·s − p + a·d, j·s − p + b·d] + bias[o].
    static func conv(_ op: Conv, _ x: Array, _ weights: [Array]) throws -> Array {
        let w = op.window
        var y = Array(zeros: try op.outputShape(of: [x.shape]))
        let (inputs, outputs) = (op.inputChannels / op.groups, op.outputChannels / op.groups)
        for o in 0..<op.outputChannels {
            for i in 0..<y.shape[1] {
                for j in 0..<y.shape[2] {
                    var sum = op.hasBias ? weights[1].values[o] : 0
                    for c in 0..<inputs {
                        for a in 0..<w.kernel.height {
                            for b in 0..<w.kernel.width {
                                let row = i * w.strides.height - w.pads.top + a * w.dilations.height
                                let column = j * w.strides.width - w.pads.left + b * w.dilations.width
                                let tap = ((o * inputs + c) * w.kernel.height + a) * w.kernel.width + b
                                let pixel = x.pixel(o / outputs * inputs + c, row, column) ?? 0
                                sum += weights[0].values[tap] * pixel
                            }
                        }
                    }
                    y[o, i, j] = sum
                }
            }
        }
        return y
    }
}
