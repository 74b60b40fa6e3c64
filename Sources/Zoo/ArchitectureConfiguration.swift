package import Engine

/// What a model chooses of its architecture.
package struct ArchitectureConfiguration: Sendable {
    /// nil: the rows of the last trained layer in `shapes`, else the architecture's own number.
    package var classes: Int?
    /// Settings that the architecture defines, such as `lrn` or `shortcut`.
    package var options: [String: OptionValue]
    /// The shapes in the weights file by tensor name; recurrent networks read their sizes from them.
    package var shapes: [String: Shape]
    /// Height and width when they are not the published ones.
    package var imageSize: (height: Int, width: Int)?
    /// What a sequence consists of; nil: tokens when the weights have an embedding, else features.
    package var sequenceInput: SequenceInput?
    /// How a sequence becomes one vector; nil: an output for each step.
    package var pooling: SequencePool.Kind?
    /// The length of the sequence that the graph is made for; a session reshapes it to others.
    package var steps: Int

    package init(
        classes: Int? = nil,
        options: [String: OptionValue] = [:],
        shapes: [String: Shape] = [:],
        imageSize: (height: Int, width: Int)? = nil,
        sequenceInput: SequenceInput? = nil,
        pooling: SequencePool.Kind? = .last,
        steps: Int = 1
    ) {
        self.classes = classes
        self.options = options
        self.shapes = shapes
        self.imageSize = imageSize
        self.sequenceInput = sequenceInput
        self.pooling = pooling
        self.steps = steps
    }

    /// Whether the weights have a tensor whose name begins so: which of several libraries wrote them.
    func hasTensors(under prefix: String) -> Bool { shapes.keys.contains { $0.hasPrefix(prefix) } }

    // Far above any network, far below where products of sizes overflow.
    static let classesRange = 1...(1 << 24)
    static let imageSideRange = 1...(1 << 14)
    static let stepsRange = 1...(1 << 20)
}

/// What each step of a sequence is.
package enum SequenceInput: Hashable, Sendable {
    /// A number below the size of the vocabulary.
    case tokens(_ size: Int)
    /// Several numbers, each below the size of its own vocabulary.
    case tokenColumns(_ sizes: [Int])
    /// A vector of that many values.
    case features(_ size: Int)
}
