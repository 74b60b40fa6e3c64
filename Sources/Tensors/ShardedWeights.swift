internal import JSON
internal import Platform

/// The tensors of a network that lie in several files, as an index says: `model.safetensors.index.json`.
///
/// Every file must have exactly the tensors that the index gives it: one that is missing, or of another saving, is found
/// before anything is read.
/// - Source: transformers, `save_pretrained`: `{"metadata": …, "weight_map": {"NAME": "FILE", …}}`.
struct ShardedWeights: WeightsSource {
    private static let maxIndexBytes = 64 << 20

    let path: String
    private let parts: [any WeightsSource]
    /// In which of them each tensor is.
    private let places: [String: Int]

    /// Opens all files that an index names.
    ///
    /// - Throws: `TensorFileError` for what is no index, and when a file is not what the index says.
    init(index path: String) throws(TensorFileError) {
        self.path = path
        let files: [String: [String]]
        do {
            files = try Self.files(FileContents.read(path, maxBytes: Self.maxIndexBytes))
        } catch let error as SystemError {
            throw TensorFileError(path: path, problem: .unreadable(error))
        } catch let error as JSONError {
            throw TensorFileError(path: path, problem: .index(error.description))
        } catch {
            throw TensorFileError(path: path, problem: .index("\(error)"))
        }
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        var (parts, places): ([any WeightsSource], [String: Int]) = ([], [:])
        for (file, names) in files.sorted(by: { $0.key < $1.key }) {
            let part = try WeightsFile.open(path[..<slash] + file)
            try Self.check(part, names)
            for name in names { places[name] = parts.count }
            parts.append(part)
        }
        (self.parts, self.places) = (parts, places)
    }

    /// The names of the tensors in each file.
    private static func files(_ bytes: [UInt8]) throws -> [String: [String]] {
        let map = try JSONReader(try JSONValue(parsing: bytes)).members().required("weight_map").members()
        var files: [String: [String]] = [:]
        for member in map.object.members {
            let reader = JSONReader(member.value, path: map.place(member.key))
            let file = try reader.string()
            guard !file.isEmpty, file != ".", file != "..",
                !file.utf8.contains(where: { $0 == 0x2F || $0 == 0 })
            else {
                throw reader.fault(
                    "expected the plain name of a file in the model's folder, found \(quoted(file))"
                )
            }
            guard !WeightsFile.isIndex(file) else {
                throw reader.fault("expected a file of weights, found an index")
            }
            files[file, default: []].append(member.key)
        }
        guard 1...10_000 ~= files.count else {
            throw FormatError("weight_map", "expected 1 to 10000 files, found \(files.count)")
        }
        return files
    }

    private static func check(_ part: any WeightsSource, _ names: [String]) throws(TensorFileError) {
        let shapes = part.shapes
        if let name = names.sorted().first(where: { shapes[$0] == nil }) {
            throw TensorFileError(
                path: part.path,
                problem: .tensor(name, "is not there, though the index says so")
            )
        }
        let known = Set(names)
        if let name = shapes.keys.filter({ !known.contains($0) }).min() {
            throw TensorFileError(
                path: part.path,
                problem: .tensor(name, "is there, and the index does not know of it")
            )
        }
    }

    var shapes: [String: Shape] {
        parts.reduce(into: [:]) { shapes, part in shapes.merge(part.shapes) { first, _ in first } }
    }

    func tensor(_ name: String) throws(TensorFileError) -> Tensor {
        guard let place = places[name] else {
            throw TensorFileError(path: path, problem: .tensor(name, "is not in the file"))
        }
        return try parts[place].tensor(name)
    }

    func checkUnchanged() throws(TensorFileError) {
        for part in parts { try part.checkUnchanged() }
    }
}
