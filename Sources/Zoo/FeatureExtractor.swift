package import Engine
internal import Platform

/// An image network up to the features of an image: what its last linear layer takes, or the value that the option `feature`
/// names.
///
/// Its tensors have the network's own names behind `cnn.`; it has those of the layers that the features are made by.
package struct FeatureExtractor: Sendable {
    /// What is taken of an image where option `feature` names no value.
    enum Kind {
        /// What the last linear layer takes; a map is read row by row, channel after channel.
        case vector
        /// The last image with more than one pixel before it.
        case map
    }

    /// The network as it is in the zoo.
    package let architecture: Architecture
    /// The network up to its features, which are the output `logits`.
    package let graph: Graph

    static let prefix = "cnn."
    static let options: [String: OptionRule] = [
        "extractor": .string, "extractor_options": .options, "feature": .string,
    ]
    /// The network of a configuration that has no weights and names none.
    private static let example = "resnet18"

    /// The extractor that the options name, with the sizes of the tensors behind `cnn.`.
    ///
    /// - Throws: `ArchitectureError` when they name none, or one that has no features.
    init(
        _ configuration: ArchitectureConfiguration,
        for network: String,
        _ kind: Kind = .vector
    ) throws(ArchitectureError) {
        let isExample = configuration.shapes.isEmpty
        guard let name = configuration.options.string("extractor") ?? (isExample ? Self.example : nil) else {
            let problem = "option 'extractor' is missing, the image network of the tensors '\(Self.prefix)…'"
            throw .extractor(architecture: network, "\(problem), such as '\(Self.example)'")
        }
        architecture = try .named(name)
        guard architecture.takesImages else {
            throw .extractor(architecture: network, "extractor '\(name)' takes no images")
        }
        var shapes: [String: Shape] = [:]
        for (tensor, shape) in configuration.shapes where tensor.hasPrefix(Self.prefix) {
            shapes[String(tensor.dropFirst(Self.prefix.count))] = shape
        }
        let whole = try architecture.graph(
            ArchitectureConfiguration(
                options: configuration.options.object("extractor_options"),
                shapes: shapes,
                imageSize: configuration.imageSize
            )
        )
        do throws(ShapeError) {
            let value = try Self.value(kind, named: configuration.options.string("feature"), in: whole)
            graph = try Self.part(of: whole, upTo: value, kind)
        } catch {
            throw .extractor(architecture: network, "extractor '\(name)' \(error.description)")
        }
    }

    /// The value that is the features.
    private static func value(
        _ kind: Kind,
        named name: String?,
        in graph: Graph
    ) throws(ShapeError) -> Graph.Value {
        if let name {
            guard let value = graph.value(named: name) else {
                let nearest = nearestName(to: name, in: graph.valueNames)
                let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
                throw ShapeError("has no value '\(name)'\(hint)")
            }
            guard kind == .vector || isMap(value, in: graph) else {
                throw ShapeError("has \(graph.shape(of: value)) at '\(name)', which is no map")
            }
            return value
        }
        let head = graph.nodes.lastIndex { !$0.op.parameters.isEmpty } ?? 0
        guard kind == .map || graph.nodes[head].op.takesFeatures else {
            let end = graph.nodes[head].name
            throw ShapeError("has no features: it ends in '\(end)', which is not a linear layer")
        }
        var value = graph.nodes[head].inputs[0]
        while kind == .map, !isMap(value, in: graph) {
            guard case .node(let index, _) = value else { throw ShapeError("has no map of features") }
            value = graph.nodes[index].inputs[0]
        }
        return value
    }

    private static func isMap(_ value: Graph.Value, in graph: Graph) -> Bool {
        let shape = graph.shape(of: value)
        return shape.rank == 3 && value != .input && shape[1] * shape[2] > 1
    }

    /// What of a network makes a value, which is its output `logits`.
    private static func part(
        of whole: Graph,
        upTo value: Graph.Value,
        _ kind: Kind
    ) throws(ShapeError) -> Graph {
        var needed: Set<Graph.Value> = [value]
        let indices = whole.nodes.indices.reversed().filter { index in
            let outputs = whole.nodes[index].shapes.indices.map { Graph.Value.node(index, output: $0) }
            guard outputs.contains(where: needed.contains) else { return false }
            needed.formUnion(whole.nodes[index].inputs)
            return true
        }
        var graph = Graph(inputShape: whole.inputShape)
        var values: [Graph.Value: Graph.Value] = [.input: .input]
        for index in indices.reversed() {
            let node = whole.nodes[index]
            let inputs = node.inputs.map { values[$0] ?? $0 }
            let outputs = try graph.addAll(node.op, name: prefix + node.name, inputs: inputs)
            for (place, output) in outputs.enumerated() { values[.node(index, output: place)] = output }
        }
        var features = values[value] ?? value
        if kind == .vector, graph.shape(of: features).rank > 1 {
            features = try graph.add(Flatten(), name: prefix + "features", inputs: [features])
        }
        graph.setOutput("logits", to: features)
        return graph
    }

    /// How many numbers an image becomes.
    package var features: Int { graph.outputs.reduce(0) { $0 + graph.shape(of: $1.value).elementCount } }

    /// Whether a tensor of that name may be in a weights file although the extractor does not use it.
    package func ignores(_ tensorName: String) -> Bool {
        tensorName.hasPrefix(Self.prefix)
            && architecture.ignores(String(tensorName.dropFirst(Self.prefix.count)))
    }
}
