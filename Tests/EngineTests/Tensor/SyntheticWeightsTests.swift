import Engine
import Testing

@Suite struct SyntheticWeightsTests {
    /// Made with the recipe's Python form; the first three numbers and the last, as bits.
    @Test func `makes the numbers that the recipe makes elsewhere`() {
        // swift-format-ignore
        let rows: [(String, Shape, UInt64, [UInt32])] = [
            ("conv1.weight",     [4, 3, 5, 5], 0,       [0x3c93b39a, 0x3dc8d623, 0xbe43694a, 0x3d93a8f6]),
            ("conv1.bias",       [4],          0,       [0xbd4372c6, 0xbdbb5613, 0xbd011410, 0xbd948b03]),
            ("bn1.weight",       [4],          7,       [0x3fb3fca8, 0x3faf962c, 0x3f8a7d89, 0x3f952ce4]),
            ("bn1.running_mean", [4],          7,       [0x3d957898, 0x3d86b96a, 0x3d9384a6, 0x3d9f7d36]),
            ("bn1.running_var",  [4],          7,       [0x3fb7e31a, 0x3faa0bd0, 0x3f682a0b, 0x3f0f2032]),
            ("rnn.bias_hh_l0",   [4],          .max,    [0x3d40a0b0, 0x3cdd9c60, 0xbd1a1f60, 0x3dc30ec6]),
            ("input",            [3, 2, 2],    42,      [0x3f89e11a, 0x3de46a80, 0x3f103c20, 0x3ffde8aa]),
            ("größe.weight",     [2, 2],       1,       [0x3e897860, 0x3f6e3064, 0xbf8e95e4, 0xbef9b5ca]),
        ]
        for (name, shape, seed, expected) in rows {
            let values = SyntheticWeights.tensor(name, shape, seed: seed).values
            let found = (values.prefix(3) + values.suffix(1)).map(\.bitPattern)
            #expect(found == expected, "\(name)")
        }
    }

    @Test func `a gain scales weights of more than one dimension and nothing else`() {
        // swift-format-ignore
        let rows: [(String, Shape, Float)] = [
            ("conv1.weight", [4, 3, 5, 5], 4), ("fc.weight", [3, 8], 4), ("rnn.weight_hh_l0", [3, 3], 4),
            ("conv1.bias", [4], 1), ("bn1.weight", [4], 1), ("bn1.running_var", [4], 1), ("input", [3, 2, 2], 1),
        ]
        for (name, shape, factor) in rows {
            let plain = SyntheticWeights.tensor(name, shape, seed: 3).values
            let scaled = SyntheticWeights.tensor(name, shape, seed: 3, gain: 4).values
            #expect(scaled == plain.map { $0 * factor }, "\(name)")
        }
    }

    @Test func `differs by name and by seed`() {
        let first = SyntheticWeights.tensor("a.weight", [4, 4], seed: 1).values
        #expect(first != SyntheticWeights.tensor("b.weight", [4, 4], seed: 1).values)
        #expect(first != SyntheticWeights.tensor("a.weight", [4, 4], seed: 2).values)
        #expect(first == SyntheticWeights.tensor("a.weight", [4, 4], seed: 1).values)
    }
}
