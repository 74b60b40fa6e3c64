internal import Engine

/// The sizes of a recurrent network, read from its weights or, where there are none, from options.
///
/// It asks of the weights no more than it needs: what else is wrong with them, the comparison with the graph lists.
struct RecurrentSizes {
    let input: SequenceInput
    /// What a step gives to the first layer: the embedding's width or the input's features.
    let features: Int
    let hidden: Int
    let layers: Int
    let isBidirectional: Bool
    let hasBias: Bool

    static let maxHidden = 1 << 16
    static let maxLayers = 64
    static let maxVocabulary = 1 << 24

    static let options: [String: OptionRule] = [
        "hidden": .integer(1...maxHidden),
        "layers": .integer(1...maxLayers),
        "bidirectional": .bool,
        "embedding": .integer(1...maxHidden),
    ]

    /// - Throws: `ArchitectureError.weights` naming the tensor whose shape is impossible, or the option that
    ///   contradicts the weights.
    init(_ cell: Recurrent.Cell, _ configuration: ArchitectureConfiguration) throws(ArchitectureError) {
        let options = configuration.options
        try Self.validate(configuration.sequenceInput, cell)
        guard configuration.shapes.isEmpty else {
            self = try RecurrentShapes(cell, configuration.shapes).sizes(for: configuration.sequenceInput)
            try agree(with: options, cell)
            return
        }
        input = configuration.sequenceInput ?? .tokens(10_000)
        switch input {
        case .tokens: features = options.integer("embedding") ?? 128
        case .features(let size): features = size
        }
        hidden = options.integer("hidden") ?? 256
        layers = options.integer("layers") ?? 1
        isBidirectional = options.bool("bidirectional") ?? false
        hasBias = true
    }

    init(
        input: SequenceInput,
        features: Int,
        hidden: Int,
        layers: Int,
        isBidirectional: Bool,
        hasBias: Bool
    ) {
        self.input = input
        self.features = features
        self.hidden = hidden
        self.layers = layers
        self.isBidirectional = isBidirectional
        self.hasBias = hasBias
    }

    /// The shape of a sequence of that many steps.
    func inputShape(steps: Int) -> Shape {
        switch input {
        case .tokens: [steps]
        case .features(let size): [steps, size]
        }
    }

    private static func validate(
        _ input: SequenceInput?,
        _ cell: Recurrent.Cell
    ) throws(ArchitectureError) {
        let (size, limit) =
            switch input {
            case .tokens(let size): (size, maxVocabulary)
            case .features(let size): (size, maxHidden)
            case nil: (1, 1)
            }
        guard (1...limit).contains(size) else {
            throw .inputSize(architecture: cell.rawValue, size, limit: limit)
        }
    }

    private func agree(with options: [String: OptionValue], _ cell: Recurrent.Cell) throws(ArchitectureError)
    {
        var found: [(String, OptionValue)] = [
            ("hidden", .number(Double(hidden))), ("layers", .number(Double(layers))),
            ("bidirectional", .bool(isBidirectional)),
        ]
        if case .tokens = input { found.append(("embedding", .number(Double(features)))) }
        for (name, value) in found {
            if let option = options[name], option != value {
                throw .weights(
                    architecture: cell.rawValue,
                    "option '\(name)' is \(option) but the weights say \(value); remove the option"
                )
            }
        }
    }
}
