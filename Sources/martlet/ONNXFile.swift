internal import ArgumentParser
internal import Engine
internal import ONNX
internal import Support

/// An ONNX file that a command names instead of a model.
struct ONNXFile {
    private let network: ImportedNetwork

    /// Nil where the name is not that of such a file.
    ///
    /// - Throws: `ONNXError` where it cannot be run.
    init?(_ name: String, _ shape: ShapeOption) throws {
        guard name.hasSuffix(".onnx") else { return nil }
        network = try ImportedNetwork(path: name, options: .init(dimensions: shape.dimensions))
    }

    /// Runs the network on a file with a tensor for each input, and returns one for each output.
    ///
    /// - Shape: as the network's; where the first dimension of every input is 1, any batch.
    func run(_ file: Safetensors, on pool: WorkerPool) throws -> [(name: String, tensor: Tensor)] {
        let tensors = try network.inputs.map { try file.tensor($0.name) }
        let isBatched = network.inputs.allSatisfy { $0.dimensions.first == 1 }
        let batch = isBatched ? tensors.first?.shape.dimensions.first ?? 1 : 1
        for (port, tensor) in zip(network.inputs, tensors) {
            let expected = isBatched ? [batch] + port.dimensions.dropFirst() : port.dimensions
            guard tensor.shape.dimensions == expected, batch > 0 else {
                throw CommandError("\(port.name): expected \(Shape(expected)), found \(tensor.shape)")
            }
        }
        let session = Session(graph: network.graph, weights: network.weights(), pool: pool)
        try session.prepare(inputShape: network.graph.inputShape, batch: batch)
        for item in 0..<batch {
            let numbers = tensors.flatMap { isBatched ? $0.items[item].values : $0.values }
            session.setInput(item, to: (numbers.isEmpty ? [0] : numbers).span)
        }
        _ = session.run()
        return network.outputs.map { port in
            let values = (0..<batch).flatMap { item in
                session.withOutput(port.name, item: item) { span in span.indices.map { span[$0] } }
            }
            let inner = port.dimensions.first == 1 ? Array(port.dimensions.dropFirst()) : port.dimensions
            let shape = batch == 1 ? port.dimensions : [batch] + inner
            return (port.name, Tensor(shape: Shape(shape), values: values))
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
        let ports = network.inputs.map { line("input", $0) } + network.outputs.map { line("output", $0) }
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
