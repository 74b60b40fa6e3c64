/// Reproducible weights without training: a function of a tensor's name and shape and a seed.
///
/// The same recipe exists in Python for fixtures: u_i = (splitmix64(start + (i + 1)·0x9E3779B97F4A7C15) >> 40) / 2²⁴
/// with start = FNV-1a(name) xor seed, scaled by the tensor's role so that activations stay in range. Arithmetic is in
/// double precision, rounded once.
package enum SyntheticWeights {
    /// The tensor for a parameter's full name.
    ///
    /// `gain` is a factor on the weights of convolutions and fully connected layers: at 1 each ReLU halves the signal,
    /// about 1.5 keeps it through many layers, more makes it grow.
    package static func tensor(_ name: String, _ shape: Shape, seed: UInt64, gain: Double = 1) -> Tensor {
        let start = fnv1a(name) ^ seed
        let scale = scale(name, shape, gain)
        let values = (0..<shape.elementCount).map { index in
            let state = start &+ (UInt64(index) &+ 1) &* SplitMix64.gamma
            let u = Double(SplitMix64.output(state) >> 40) * 0x1p-24
            return Float((u + scale.shift) * scale.factor)
        }
        return Tensor(shape: shape, values: values)
    }

    /// A value is (u + shift) · factor.
    private static func scale(
        _ name: String,
        _ shape: Shape,
        _ gain: Double
    ) -> (shift: Double, factor: Double) {
        if name.hasSuffix("running_var") { return (0.5, 1) }
        if name.hasSuffix("running_mean") { return (-0.5, 0.2) }
        if shape.rank == 1 {
            return name.hasSuffix("bias") || name.contains("bias_") ? (-0.5, 0.2) : (0.5, 1)
        }
        if name == "input" { return (-0.5, 4) }
        let fanIn = max(1, shape.dimensions.dropFirst().reduce(1, *))
        return (-0.5, 2 * gain * (3 / Double(fanIn)).squareRoot())
    }

    /// - Source: Fowler, Noll, Vo: FNV-1a, 64 bits.
    private static func fnv1a(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { hash, byte in (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
