internal import Engine

/// The sizes of a recurrent network, read from its weights or, where there are none, from options.
///
/// It asks of the weights no more than it needs: what else is wrong with them, the comparison with the graph lists.
struct RecurrentSizes {
    let input: SequenceInput
    /// How wide the rows of each embedding are, one for each column of tokens; none for features.
    let widths: [Int]
    let hidden: Int
    /// The size to which an LSTM projects its output.
    let projection: Int?
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
        case .tokens: widths = [options.integer("embedding") ?? 128]
        case .tokenColumns(let sizes): widths = sizes.map { _ in options.integer("embedding") ?? 128 }
        case .features: widths = []
        }
        hidden = options.integer("hidden") ?? 256
        projection = options.integer("projection")
        layers = options.integer("layers") ?? 1
        isBidirectional = options.bool("bidirectional") ?? false
        hasBias = true
    }

    init(
        input: SequenceInput,
        widths: [Int],
        hidden: Int,
        projection: Int?,
        layers: Int,
        isBidirectional: Bool,
        hasBias: Bool
    ) {
        self.input = input
        self.widths = widths
        self.hidden = hidden
        self.projection = projection
        self.layers = layers
        self.isBidirectional = isBidirectional
        self.hasBias = hasBias
    }

    /// The shape of a sequence of that many steps.
    func inputShape(steps: Int) -> Shape {
        switch input {
        case .tokens: [steps]
        case .tokenColumns(let sizes): [steps, sizes.count]
        case .features(let size): [steps, size]
        }
    }

    /// The layers that make features of the tokens: an embedding for each column.
    var embeddings: [Layer] {
        let sizes: [Int] =
            switch input {
            case .tokens(let size): [size]
            case .tokenColumns(let sizes): sizes
            case .features: []
            }
        let tables = zip(sizes, widths).enumerated().map { column, table in
            let name = Self.embeddingName(column)
            return Layer.embedding(name, size: table.0, features: table.1, column: column)
        }
        return tables.count > 1 ? [.concat(tables.map { [$0] })] : tables
    }

    /// The table of a column of tokens.
    static func embeddingName(_ column: Int) -> String {
        column == 0 ? "embedding" : "embeddings.\(column)"
    }

    private static func validate(
        _ input: SequenceInput?,
        _ cell: Recurrent.Cell
    ) throws(ArchitectureError) {
        let (sizes, limit) =
            switch input {
            case .tokens(let size): ([size], maxVocabulary)
            case .tokenColumns(let sizes): (sizes, maxVocabulary)
            case .features(let size): ([size], maxHidden)
            case nil: ([], 1)
            }
        for size in sizes where !(1...limit).contains(size) {
            throw .inputSize(architecture: cell.rawValue, size, limit: limit)
        }
    }

    private func agree(with options: [String: OptionValue], _ cell: Recurrent.Cell) throws(ArchitectureError)
    {
        var found: [(String, OptionValue)] = [
            ("hidden", .number(Double(hidden))), ("layers", .number(Double(layers))),
            ("bidirectional", .bool(isBidirectional)),
        ]
        if options["projection"] != nil {
            found.append(("projection", .number(Double(projection ?? hidden))))
        }
        if let width = widths.first { found.append(("embedding", .number(Double(width)))) }
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
