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

    /// The open extents that nobody gives, but for that of the batch.
    private static func assumptions(_ inputs: [OpenInput], _ given: [String: Int]) -> [Assumption] {
        inputs.open(beside: given).map { key, places in
            let isSide = places.contains { $0.input.extents.count == 4 && $0.axis > 1 }
            return Assumption(
                key: key,
                extent: isSide ? assumedSide : assumedExtent,
                places: places.map { "\($0.input.name):\($0.axis)" }
            )
        }
    }

    /// The nodes that cannot be run.
    package var problems: [ONNXError.Problem] {
        if case .failure(.unsupported(let problems)) = result { problems } else { [] }
    }
}
