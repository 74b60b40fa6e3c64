internal import ArgumentParser
internal import Engine
internal import ONNX
internal import Support

/// An ONNX file that a command names instead of a model.
struct ONNXFile {
    private let network: ImportedNetwork
    /// How many items a run has.
    private let batch: Int
    /// Extents that nobody gives.
    private let open: [Examination.Assumption]

    /// Nil where the name is not that of such a file; extents that are open, and that nobody gives, are assumed.
    ///
    /// - Throws: `ONNXError` where it cannot be run.
    init?(_ name: String, _ shape: ShapeOption) throws {
        guard name.hasSuffix(".onnx") else { return nil }
        let examination = try Examination(
            parsing: ImportedNetwork.contents(of: name),
            folder: Self.folder(of: name),
            dimensions: shape.dimensions
        )
        network = try examination.result.get()
        open = examination.open
        batch = 1
    }

    private static func folder(of name: String) -> String {
        name.lastIndex(of: "/").map { String(name[..<$0]) } ?? "."
    }

    /// The same, of the shapes that tensors have.
    ///
    /// - Throws: `ONNXError` where it cannot be run, or the tensors are not its inputs.
    init(_ name: String, _ shape: ShapeOption, for file: Safetensors) throws {
        let bytes = try ImportedNetwork.contents(of: name)
        let inputs = try OpenInput.all(parsing: bytes)
        var shapes: [String: [Int]] = [:]
        var constants: [String: Tensor] = [:]
        for input in inputs {
            let tensor = try file.tensor(input.name)
            shapes[input.name] = tensor.shape.dimensions
            if input.isSetting, tensor.shape.elementCount == 1 { constants[input.name] = tensor }
        }
        let given = try GivenShapes(shapes, for: inputs, fixed: shape.dimensions)
        network = try ImportedNetwork(
            parsing: bytes,
            folder: Self.folder(of: name),
            options: .init(dimensions: given.dimensions, constants: constants)
        )
        batch = given.batch
        open = []
    }

    /// Runs the network on a file with a tensor for each input, and returns one for each output.
    func run(_ file: Safetensors, on pool: WorkerPool) throws -> [(name: String, tensor: Tensor)] {
        let tensors = try network.inputs.map { try file.tensor($0.name) }
        let session = Session(graph: network.graph, weights: network.weights(), pool: pool)
        try session.prepare(inputShape: network.graph.inputShape, batch: batch)
        for item in 0..<batch {
            let numbers = tensors.flatMap { batch > 1 ? $0.items[item].values : $0.values }
            session.setInput(item, to: (numbers.isEmpty ? [0] : numbers).span)
        }
        _ = session.run()
        return try network.outputs.map { port in
            let items = (0..<batch).map { network.output(port, item: $0, of: session) }
            guard items.count > 1 else { return (port.name, items[0]) }
            guard port.varying == nil else {
                throw CommandError(
                    "\(port.name): how much there is depends on the data; give one item at a time"
                )
            }
            let inner = port.dimensions.first == 1 ? Array(port.dimensions.dropFirst()) : port.dimensions
            let shape = Shape([batch] + inner)
            return (port.name, Tensor(shape: shape, values: items.flatMap(\.values)))
        }
    }

    /// What goes in and comes out, and what each node runs as.
    var table: String {
        func line(_ kind: String, _ port: ImportedNetwork.Port) -> String {
            "\(kind) '\(port.name)' \(Shape(port.dimensions)) \(port.type.name)"
        }
        let rows = network.nodes.map { node in
            [node.node, node.op, node.operations.isEmpty ? "-" : node.operations.joined(separator: ", ")]
        }
        let widths = (0..<2).map { column in rows.map { $0[column].count }.max() ?? 0 }
        let nodes = rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return (cells + [row[2]]).joined(separator: "  ")
        }
        let assumed = open.map { extent in
            "open '\(extent.key)' (\(extent.places.joined(separator: ", "))): \(extent.extent) is assumed; "
                + "give --shape \(extent.key)=…"
        }
        let ports =
            assumed + network.inputs.map { line("input", $0) } + network.outputs.map { line("output", $0) }
        return (ports + nodes).joined(separator: "\n")
    }

    /// As a JSON object.
    var json: JSONValue {
        func list(_ ports: [ImportedNetwork.Port]) -> JSONValue {
            .array(
                ports.map { port in
                    .object([
                        "name": .string(port.name), "type": .string(port.type.name),
                        "shape": .array(port.dimensions.map(JSONValue.integer)),
                    ])
                }
            )
        }
        let nodes = network.nodes.map { node in
            JSONValue.object([
                "node": .string(node.node), "op": .string(node.op),
                "operations": .array(node.operations.map(JSONValue.string)),
            ])
        }
        return .object([
            "inputs": list(network.inputs), "outputs": list(network.outputs), "nodes": .array(nodes),
            "open": .array(
                open.map { extent in
                    .object([
                        "name": .string(extent.key), "assumed": .integer(extent.extent),
                        "places": .strings(extent.places),
                    ])
                }
            ),
        ])
    }
}

/// The extents of dimensions that an ONNX file leaves open.
struct ShapeOption: ParsableArguments {
    @Option(
        name: .customLong("shape"),
        help: "NAME=EXTENT of a dimension that an ONNX file leaves open; may be repeated."
    )
    var extents: [String] = []

    var dimensions: [String: Int] {
        Dictionary(extents.compactMap(Self.extent)) { _, last in last }
    }

    func validate() throws {
        guard let wrong = extents.first(where: { Self.extent($0) == nil }) else { return }
        throw ValidationError("--shape: expected NAME=EXTENT with an extent from 1, found '\(wrong)'")
    }

    private static func extent(_ text: String) -> (String, Int)? {
        guard let place = text.lastIndex(of: "="), let extent = Int(text[text.index(after: place)...]),
            extent > 0
        else { return nil }
        return (String(text[..<place]), extent)
    }
}
