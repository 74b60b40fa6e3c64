/// What can be said of a file before anybody serves it.
///
/// Extents that the file leaves open, and that nobody gives, are assumed, so that everything behind them can be looked at.
package struct Examination: Sendable {
    /// An extent that was assumed.
    package struct Assumption: Sendable, Equatable {
        /// What it is called where somebody gives it.
        package let key: String
        package let extent: Int
        /// The inputs and axes that have it.
        package let places: [String]
    }

    /// How many nodes of the file have an operator, those within functions and branches not counted.
    package struct OperatorCount: Sendable, Equatable {
        package let op: String
        package let count: Int
    }

    package let producer: String
    /// The version of ai.onnx's operators.
    package let opset: Int
    package let inputs: [OpenInput]
    package let open: [Assumption]
    package let operators: [OperatorCount]
    /// What the file becomes, or why it does not.
    package let result: Result<ImportedNetwork, ONNXError>

    /// An image's side, and any other extent, where nobody says another.
    static let (assumedSide, assumedExtent) = (224, 16)

    /// Looks at a file.
    ///
    /// - Parameters:
    ///   - bytes: of the file.
    ///   - folder: where external data lies.
    ///   - dimensions: extents of dimensions that the file leaves open.
    /// - Throws: `ONNXError` where it is no model at all.
    package init(
        parsing bytes: [UInt8],
        folder: String?,
        dimensions: [String: Int] = [:]
    ) throws(ONNXError) {
        let model = try ModelProto(parsing: bytes)
        producer = model.producer
        opset = model.opsets[""] ?? 0
        inputs = try OpenInput.all(parsing: bytes)
        var counts: [String: Int] = [:]
        for node in model.graph?.nodes ?? [] {
            counts[node.domain.isEmpty ? node.op : "\(node.domain).\(node.op)", default: 0] += 1
        }
        operators = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
            OperatorCount(op: $0.key, count: $0.value)
        }
        open = Self.assumptions(inputs, dimensions)
        var given = dimensions
        for assumption in open { given[assumption.key] = assumption.extent }
        do throws(ONNXError) {
            let options = ImportedNetwork.Options(dimensions: given)
            result = .success(try ImportedNetwork(parsing: bytes, folder: folder, options: options))
        } catch {
            result = .failure(error)
        }
    }

    /// The open extents that nobody gives, but for first ones, which are the batch.
    private static func assumptions(_ inputs: [OpenInput], _ given: [String: Int]) -> [Assumption] {
        var found: [(key: String, extent: Int, places: [String])] = []
        for input in inputs {
            for axis in input.extents.indices.dropFirst() {
                guard case .open = input.extents[axis] else { continue }
                let (key, place) = (input.key(axis), "\(input.name):\(axis)")
                guard given[key] == nil, given[place] == nil else { continue }
                if let index = found.firstIndex(where: { $0.key == key }) {
                    found[index].places.append(place)
                } else {
                    let isSide = input.extents.count == 4 && axis > 1
                    found.append((key, isSide ? assumedSide : assumedExtent, [place]))
                }
            }
        }
        return found.map { Assumption(key: $0.key, extent: $0.extent, places: $0.places) }
    }

    /// The nodes that cannot be run.
    package var problems: [ONNXError.Problem] {
        if case .failure(.unsupported(let problems)) = result { problems } else { [] }
    }
}
