/// A generator of random numbers that gives the same ones on every machine for the same seed.
///
/// - Source: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, Figure 17.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= Self.gamma
        return Self.output(state)
    }

    /// A number from 0 up to but not including 1, a multiple of 2⁻⁵³.
    package mutating func nextFraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// What the state grows by: the golden ratio's fraction of 2⁶⁴.
    static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The number that a state gives.
    static func output(_ state: UInt64) -> UInt64 {
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
