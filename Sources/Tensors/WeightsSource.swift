/// Named tensors that lie in a file, or in several, and are read one by one.
///
/// What is read is memory of its own. To read weights of another form: a type that conforms, and a line in `WeightsFile`.
package protocol WeightsSource: Sendable {
    /// What messages call it: the file, or that of the index.
    var path: String { get }
    /// The shape of every tensor, whatever the type of its numbers.
    var shapes: [String: Shape] { get }

    /// The tensor with a name, as 32-bit floats.
    ///
    /// - Throws: `TensorFileError` when there is none, its numbers are no floats, or it cannot be read.
    func tensor(_ name: String) throws(TensorFileError) -> Tensor

    /// Requires that nobody wrote to the files since they were opened: what was read is of one piece.
    ///
    /// - Throws: `TensorFileError` when somebody did.
    func checkUnchanged() throws(TensorFileError)
}

extension WeightsSource {
    /// The same tensors under their names without a prefix; those that do not have it keep theirs.
    ///
    /// - Throws: `TensorFileError` where none has the prefix, and where two get one name.
    package func removing(prefix: String) throws(TensorFileError) -> some WeightsSource {
        var names: [String: String] = [:]
        var isThere = false
        for name in shapes.keys {
            let hasPrefix = name.utf8.count > prefix.utf8.count && name.utf8.starts(with: prefix.utf8)
            isThere = isThere || hasPrefix
            let short = hasPrefix ? String(Substring(name.utf8.dropFirst(prefix.utf8.count))) : name
            guard names.updateValue(name, forKey: short) == nil else {
                let fault = "is there with and without \(quoted(prefix)) before its name"
                throw TensorFileError(path: path, problem: .tensor(short, fault))
            }
        }
        guard isThere else { throw TensorFileError(path: path, problem: .prefix(prefix)) }
        return RenamedWeights(source: self, names: names)
    }
}

/// Tensors under other names than those in their file.
private struct RenamedWeights<Source: WeightsSource>: WeightsSource {
    let source: Source
    /// The file's names by those that count here.
    let names: [String: String]

    var path: String { source.path }

    var shapes: [String: Shape] {
        let known = source.shapes
        return names.compactMapValues { known[$0] }
    }

    func tensor(_ name: String) throws(TensorFileError) -> Tensor { try source.tensor(names[name] ?? name) }

    func checkUnchanged() throws(TensorFileError) { try source.checkUnchanged() }
}
