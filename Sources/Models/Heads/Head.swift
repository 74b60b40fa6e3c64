internal import Engine
internal import Support

/// From which outputs of its network a model's answer is read, and how.
package enum Head: Sendable, Equatable {
    /// From `logits`: classes, values, tokens.
    case logits
    /// Boxes around objects.
    case boxes(BoxHead)
    /// Classes and boxes of regions.
    case regions(RegionHead)
    /// A class for each pixel.
    case classMap(MapHead)
    /// A vector, which is the answer.
    case vector(TensorPort)
    /// Any tensors, which are the answer.
    case tensors(NetworkPorts)

    /// The outputs that a run hands out of each item, one after another.
    package var outputs: [String] {
        switch self {
        case .logits, .classMap, .vector: ["logits"]
        case .boxes(let head): head.parts.map(\.name)
        case .regions: RegionHead.outputs
        case .tensors(let ports): ports.outputs.map(\.name)
        }
    }
}

/// How a network's output is a vector, as a manifest says it.
package struct VectorDescription: Sendable, Equatable {
    /// The name of the output; nil for the only one of an imported network, and what the last layer of another takes.
    package let output: String?
    /// Whether vectors have the length 1.
    package let normalizes: Bool

    /// Reads `output` and `normalize` of a manifest.
    init(_ fields: JSONFields) throws(FormatError) {
        output = try fields.optional("output")?.string()
        normalizes = try fields.optional("normalize")?.bool() ?? false
    }

    init(output: String? = nil, normalizes: Bool = false) {
        (self.output, self.normalizes) = (output, normalizes)
    }
}
