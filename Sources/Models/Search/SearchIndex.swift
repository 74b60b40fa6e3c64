package import Engine
package import Platform
package import Support
internal import Synchronization

/// The images that a model is asked for the like of: their names and their features, each of length 1.
///
/// It lies beside the model as `index.safetensors`: the tensor `features`, images × numbers, and in the metadata `names`, a JSON
/// array in the order of the rows, `layer`, what the features are, and `weights`, the digest of the numbers that made them.
package final class SearchIndex: Sendable {
    /// The file's name in the folder of a version.
    package static let fileName = "index.safetensors"

    /// The names of the images, in the order of the rows.
    package let names: [String]
    /// Images × numbers.
    package let features: Tensor
    /// The named value of the network that the features are; nil for what its last layer takes.
    package let layer: String?
    private let weights: String
    /// Made when somebody asks for it.
    private let hashes = Mutex<HyperplaneTables?>(nil)

    /// - Parameters:
    ///   - features: a row for each name.
    ///   - names: of the images.
    ///   - layer: what the features are; nil for what the last layer takes.
    ///   - weights: the digest of the numbers that made them.
    /// - Precondition: there are as many rows as names, at least one.
    package init(_ features: [[Float]], names: [String], layer: String?, weights: [UInt8]) {
        precondition(
            !names.isEmpty && names.count == features.count,
            "\(features.count) rows for \(names.count) names"
        )
        self.names = names
        self.features = Tensor(
            shape: [names.count, features[0].count],
            values: features.flatMap(Self.normalized)
        )
        self.layer = layer
        self.weights = Self.text(weights)
    }

    /// Reads an index.
    ///
    /// - Throws: `FormatError` that says what is wrong with the file.
    package init(path: String) throws(FormatError) {
        do throws(TensorFileError) {
            let file = try Safetensors(path: path)
            features = try file.tensor("features")
            try file.checkUnchanged()
            weights = file.metadata["weights"] ?? ""
            layer = file.metadata["layer"].flatMap { $0.isEmpty ? nil : $0 }
            names = Self.names(file.metadata["names"] ?? "")
        } catch {
            throw FormatError(Self.fileName, "\(error.problem)")
        }
        guard features.shape.rank == 2, features.shape[0] == names.count, !names.isEmpty,
            features.shape[1] > 0
        else {
            throw FormatError(Self.fileName, "has \(names.count) names for features of \(features.shape)")
        }
        let isFinite = features.withSpan { span in span.indices.allSatisfy { span[$0].isFinite } }
        guard isFinite else { throw FormatError(Self.fileName, "holds a number that is not finite") }
    }

    /// The index in a folder, or what is wrong with it; nil when there is none.
    static func find(in folder: String) -> Result<SearchIndex, FormatError>? {
        // A folder that cannot be listed has said so already.
        guard let names = try? DirectoryListing.names(in: folder), names.contains(fileName) else {
            return nil
        }
        return Result { () throws(FormatError) in try SearchIndex(path: "\(folder)/\(fileName)") }
    }

    /// What is wrong with it beside a network of other numbers; nil when these are its own.
    func fault(beside digest: [UInt8]) -> FormatError? {
        guard weights != Self.text(digest) else { return nil }
        return FormatError(Self.fileName, "was made with other weights; make it again with 'martlet index'")
    }

    /// Writes it; the file appears whole or not at all.
    ///
    /// - Throws: `SystemError`.
    package func write(to path: String) throws(SystemError) {
        try Safetensors.write(
            [("features", features)],
            metadata: ["names": JSONValue.strings(names).text, "layer": layer ?? "", "weights": weights],
            to: path
        )
    }

    /// How many images there are.
    package var count: Int { names.count }
    /// How many numbers an image has.
    package var dimension: Int { features.shape[1] }
    /// What it takes in memory.
    package var bytes: Int {
        features.byteCount + names.reduce(0) { $0 + $1.utf8.count + 16 } + hashes.withLock { $0?.bytes ?? 0 }
    }

    /// The tables by which like images are found without looking at all of them; made by whoever asks first.
    package var tables: HyperplaneTables {
        hashes.withLock { hashes in
            if let hashes { return hashes }
            let made = HyperplaneTables(features)
            hashes = made
            return made
        }
    }

    /// The same direction at length 1; a vector of zeros stays what it is.
    package static func normalized(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        return length > 0 ? vector.map { Float(Double($0) / length) } : vector
    }

    private static func names(_ text: String) -> [String] {
        // What is no array of strings has no names, and that is told by their number.
        guard case .array(let list)? = try? JSONValue(parsing: Array(text.utf8)) else { return [] }
        return list.compactMap { if case .string(let name) = $0 { name } else { nil } }
    }

    private static func text(_ digest: [UInt8]) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension Result {
    /// What it holds when it is none of the two.
    var success: Success? { if case .success(let value) = self { value } else { nil } }
    var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
