/// A line for each channel, y = x · scale + shift, in double precision until it is packed.
struct ChannelLines: Sendable {
    var scales: [Double]
    var shifts: [Double]

    /// What an operation does to each of `channels` channels, if it is such lines.
    init?(_ op: any Op, weights: [TrainedArray], channels: Int) {
        switch op {
        case let norm as BatchNorm:
            let values = weights.map { $0.tensor.values.map(Double.init) }
            scales = zip(values[0], values[3]).map { $0 / ($1 + Double(norm.epsilon)).squareRoot() }
            shifts = zip(values[1], zip(values[2], scales)).map { $0 - $1.0 * $1.1 }
        case let scale as ChannelScale:
            scales = (0..<channels).map { Double(scale.lines[$0 % scale.lines.count].scale) }
            shifts = (0..<channels).map { Double(scale.lines[$0 % scale.lines.count].shift) }
        default: return nil
        }
    }

    /// These lines, then others.
    func followed(by next: ChannelLines) -> ChannelLines {
        var both = self
        both.scales = zip(scales, next.scales).map { $0 * $1 }
        both.shifts = zip(shifts, zip(next.scales, next.shifts)).map { $0 * $1.0 + $1.1 }
        return both
    }

    /// Scales and shifts as tensors of whole channel blocks, zeros behind the last channel.
    var packed: [Tensor] { [scales, shifts].map(Self.padded) }

    static func padded(_ values: [Double]) -> Tensor {
        let count = (values.count + 15) / 16 * 16
        let rest = [Float](repeating: 0, count: count - values.count)
        return Tensor(shape: [count], values: values.map { Float($0) } + rest)
    }
}
