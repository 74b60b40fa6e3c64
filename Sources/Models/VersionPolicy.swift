internal import Support

/// Which versions of a model are loaded, of those that are in its folder.
package enum VersionPolicy: Sendable, Equatable {
    case all
    /// The highest so many.
    case latest(Int)
    /// Those with these numbers.
    case specific([Int])

    /// Reads `{"policy": "latest", "count": 2}`, `{"policy": "specific", "versions": [1, 3]}` or `{"policy": "all"}`.
    ///
    /// - Throws: `FormatError` with what is wrong and where.
    init(_ reader: JSONReader) throws(FormatError) {
        let fields = try reader.object(["policy", "count", "versions"])
        let name = try fields.required("policy")
        let (count, versions) = (fields.optional("count"), fields.optional("versions"))
        switch try name.string() {
        case "all": self = .all
        case "latest": self = .latest(try count?.integer(in: 1...1000) ?? 1)
        case "specific":
            var numbers: [Int] = []
            for element in try fields.required("versions").array() {
                numbers.append(try element.integer(in: 1...Int(Int32.max)))
            }
            self = .specific(numbers)
        case let other: throw name.fault("expected latest, all or specific, found '\(other)'")
        }
        if let count, name.value != .string("latest") {
            throw count.fault("only the policy 'latest' has it")
        }
        if let versions, name.value != .string("specific") {
            throw versions.fault("only the policy 'specific' has it")
        }
    }

    /// The versions to load, of those that are there, which are numbers in increasing order.
    package func wanted(of versions: [Int]) -> [Int] {
        switch self {
        case .all: versions
        case .latest(let count): Array(versions.suffix(count))
        case .specific(let numbers): versions.filter(numbers.contains)
        }
    }
}
