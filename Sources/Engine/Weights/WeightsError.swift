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
    package static let maxListed = 10

    /// The differences, of each kind no more than anybody reads, and how many more there are.
    package var description: String { text(listing: Self.maxListed) }

    /// All of the differences.
    package var fullDescription: String { text(listing: .max) }

    private func text(listing limit: Int) -> String {
        let cause = cause
        func isLeft(_ name: String) -> Bool { !(cause?.explains(name) ?? false) }
        let lists = [
            misshapen.filter { isLeft($0.name) }.map {
                "tensor \(quoted($0.name)) is \($0.found) but the architecture needs \($0.needed)"
            },
            missing.filter { isLeft($0.name) }.map { "tensor \(quoted($0.name)) (\($0.shape)) is missing" },
            extra.filter { isLeft($0.name) }.map {
                "tensor \(quoted($0.name)) (\($0.shape)) is not part of the architecture"
            },
            unreadable.map(\.description),
        ]
        let sentences = [cause?.sentence].compactMap(\.self) + lists.flatMap { Self.cut($0, after: limit) }
        let advice = lists.contains { $0.count > limit } ? "; 'martlet models --verbose' lists them all" : ""
        return sentences.joined(separator: "; ") + "\(advice) (\(path))"
    }

    private static func cut(_ sentences: [String], after limit: Int) -> [String] {
        let rest = sentences.count - limit
        return rest > 0 ? sentences.prefix(limit) + ["and \(rest) more like the last"] : sentences
    }
}
