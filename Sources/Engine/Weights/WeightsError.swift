package import Tensors

/// All differences between the tensors of a file and those that a network needs.
package struct WeightsError: Error, Equatable, CustomStringConvertible {
    /// A tensor that is in both with two shapes.
    package struct Misshapen: Equatable, Sendable {
        package let name: String
        package let found: Shape
        package let needed: Shape
    }

    /// The file.
    package let path: String
    /// What the network needs and the file lacks, in graph order.
    package let missing: [Parameter]
    /// What the file has and the network does not know, by name.
    package let extra: [Parameter]
    package let misshapen: [Misshapen]
    /// Why tensors that fit cannot be read.
    package let unreadable: [TensorFileError.Problem]

    /// How many differences of one kind a message spells out.
    package static let maxListed = 20

    package var description: String {
        let cause = cause
        func isLeft(_ name: String) -> Bool { !(cause?.explains(name) ?? false) }
        let sentences =
            [cause?.sentence].compactMap(\.self)
            + listed(misshapen.filter { isLeft($0.name) }) {
                "tensor \(quoted($0.name)) is \($0.found) but the architecture needs \($0.needed)"
            }
            + listed(missing.filter { isLeft($0.name) }) {
                "tensor \(quoted($0.name)) (\($0.shape)) is missing"
            }
            + listed(extra.filter { isLeft($0.name) }) {
                "tensor \(quoted($0.name)) (\($0.shape)) is not part of the architecture"
            }
            + listed(unreadable) { $0.description }
        return sentences.joined(separator: "; ") + " (\(path))"
    }

    private func listed<Difference>(
        _ differences: [Difference],
        _ sentence: (Difference) -> String
    ) -> [String] {
        let shown = differences.prefix(Self.maxListed).map(sentence)
        let rest = differences.count - shown.count
        return rest > 0 ? shown + ["and \(rest) more like the last"] : shown
    }
}
