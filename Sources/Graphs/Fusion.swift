package import Tensors

/// A line for each channel, y = x · scale + shift, in double precision until it is packed.
package struct ChannelLines: Sendable {
    package var scales: [Double]
    package var shifts: [Double]

    package init(scales: [Double], shifts: [Double]) {
        precondition(scales.count == shifts.count, "\(scales.count) scales and \(shifts.count) shifts")
        self.scales = scales
        self.shifts = shifts
    }

    /// These lines, then others.
    package func followed(by next: ChannelLines) -> ChannelLines {
        ChannelLines(
            scales: zip(scales, next.scales).map { $0 * $1 },
            shifts: zip(shifts, zip(next.scales, next.shifts)).map { $0 * $1.0 + $1.1 }
        )
    }

    /// Scales and shifts as tensors of whole channel blocks, zeros behind the last channel.
    package var packed: [Tensor] { [scales, shifts].map(Self.padded) }

    /// Numbers of channels as a tensor of whole channel blocks, zeros behind the last channel.
    package static func padded(_ values: [Double]) -> Tensor {
        let count = (values.count + 15) / 16 * 16
        let rest = [Float](repeating: 0, count: count - values.count)
        return Tensor(shape: [count], values: values.map { Float($0) } + rest)
    }
}

/// What can be done to a result while it is stored.
package enum PostOp: Hashable, Sendable {
    /// Another value of its shape is added.
    case sum
    /// It is kept within bounds.
    case clamp(Clamp)
    /// A function of each number.
    case function(PostFunction)
}

/// Functions of one number.
package enum PostFunction: Hashable, Sendable {
    case hardSwish
    case silu
    case gelu
    case geluTanh
    case mish
    case tanh
    case sigmoid
    case hardSigmoid

    /// Whether 0 stays 0, so that blocks stay padded with zeros.
    package var keepsZero: Bool {
        switch self {
        case .hardSwish, .silu, .gelu, .geluTanh, .mish, .tanh: true
        case .sigmoid, .hardSigmoid: false
        }
    }
}

/// Bounds that kernels keep results within.
package enum Clamp: Hashable, Sendable {
    /// From 0.
    case relu
    /// From 0 to 6.
    case relu6

    /// As a cell of a layer table.
    package var structure: String {
        switch self {
        case .relu: "ReLU"
        case .relu6: "ReLU6"
        }
    }
}
