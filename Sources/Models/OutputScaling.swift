internal import Support

/// What makes values of a regression's outputs: value = output · std + mean.
package struct OutputScaling: Sendable, Equatable {
    package let mean: [Double]
    package let std: [Double]

    private static let keys = ["mean", "std"]
    private static let maxValues = 1_000_000

    /// Reads the `output` of a manifest.
    init(_ reader: JSONReader) throws(FormatError) {
        let fields = try reader.object(Self.keys)
        mean = try fields.required("mean").numbers()
        let std = try fields.required("std")
        self.std = try ManifestPreprocessing.requirePositive(std, std.numbers())
        guard (1...Self.maxValues).contains(mean.count) else {
            throw FormatError(
                fields.place("mean"),
                "expected 1 to \(Self.maxValues) numbers, found \(mean.count)"
            )
        }
        guard self.std.count == mean.count else {
            throw std.fault("expected \(mean.count) numbers, as 'mean' has, found \(self.std.count)")
        }
    }

    /// The values of a network's outputs.
    package func values(_ outputs: [Float]) -> [Float] {
        outputs.indices.map { Float(Double(outputs[$0]) * std[$0] + mean[$0]) }
    }
}
