package import Engine

/// An image network without its classifier: what its last linear layer takes are the features of an image.
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
        let head = whole.nodes.lastIndex { !$0.op.parameters.isEmpty } ?? 0
        guard whole.nodes[head].op.takesFeatures else {
            let problem = "extractor '\(name)' has no features: it ends in '\(whole.nodes[head].name)'"
            throw .extractor(architecture: network, "\(problem), which is not a linear layer")
        }
        var graph = Graph(inputShape: whole.inputShape)
        do {
            for node in whole.nodes[..<head] {
                _ = try graph.add(node.op, name: Self.prefix + node.name, inputs: node.inputs)
            }
        } catch {
            throw .shape(architecture: name, error)
        }
        graph.setOutput("logits", to: whole.nodes[head].inputs[0])
        self.graph = graph
    }

    /// How many numbers an image becomes.
    package var features: Int { graph.outputs.reduce(0) { $0 + graph.shape(of: $1.value).elementCount } }

    /// Whether a tensor of that name may be in a weights file although the extractor does not use it.
    package func ignores(_ tensorName: String) -> Bool {
        tensorName.hasPrefix(Self.prefix)
            && architecture.ignores(String(tensorName.dropFirst(Self.prefix.count)))
    }
}
