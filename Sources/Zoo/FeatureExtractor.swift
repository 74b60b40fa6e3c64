package import Engine

internal import Platform

/// An image network up to the features of an image: what its last linear layer takes, or the value that the option `feature`
/// names.
///
/// Its tensors have the network's own names behind `cnn.`.
package struct FeatureExtractor: Sendable {
    /// The network as it is in the zoo.
    package let architecture: Architecture
    /// The network up to its features, which are the output `logits`.
    package let graph: Graph

    static let prefix = "cnn."
    /// The network of a configuration that has no weights and names none.
    private static let example = "resnet18"

    /// The extractor that the options name, with the sizes of the tensors behind `cnn.`.
    ///
    /// - Throws: `ArchitectureError` when they name none, or one that has no features.
    init(_ configuration: ArchitectureConfiguration, for network: String) throws(ArchitectureError) {
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
        let value = try Self.features(of: whole, configuration.options.string("feature"), name, for: network)
        do {
            graph = try Self.graph(whole, upTo: value)
        } catch {
            throw .shape(architecture: name, error)
        }
    }

    /// The value of a network that the features are.
    private static func features(
        of whole: Graph,
        _ feature: String?,
        _ name: String,
        for network: String
    ) throws(ArchitectureError) -> Graph.Value {
        if let feature {
            if let value = whole.value(named: feature) { return value }
            let hint = nearestName(to: feature, in: whole.valueNames).map { "; did you mean '\($0)'?" } ?? ""
            throw .extractor(
                architecture: network,
                "option 'feature': extractor '\(name)' has no '\(feature)'\(hint)"
            )
        }
        let head = whole.nodes.lastIndex { !$0.op.parameters.isEmpty } ?? 0
        guard whole.nodes[head].op.takesFeatures else {
            let problem = "extractor '\(name)' has no features: it ends in '\(whole.nodes[head].name)'"
            throw .extractor(architecture: network, "\(problem), which is not a linear layer")
        }
        return whole.nodes[head].inputs[0]
    }

    /// The part of a network that a value is computed by, which it hands out as one vector.
    private static func graph(_ whole: Graph, upTo value: Graph.Value) throws(ShapeError) -> Graph {
        var isNeeded = Array(repeating: false, count: whole.nodes.count)
        if case .node(let index, _) = value { isNeeded[index] = true }
        for index in whole.nodes.indices.reversed() where isNeeded[index] {
            for case .node(let input, _) in whole.nodes[index].inputs { isNeeded[input] = true }
        }
        var graph = Graph(inputShape: whole.inputShape)
        // The outputs of nodes that are kept, by their places in the whole network.
        var outputs: [Int: [Graph.Value]] = [:]
        func kept(_ value: Graph.Value) -> Graph.Value {
            guard case .node(let index, let output) = value else { return value }
            return outputs[index]?[output] ?? value
        }
        for (index, node) in whole.nodes.enumerated() where isNeeded[index] {
            outputs[index] = try graph.addAll(
                node.op,
                name: prefix + node.name,
                inputs: node.inputs.map(kept)
            )
        }
        var features = kept(value)
        if graph.shape(of: features).rank > 1 {
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
