internal import Engine

/// The kind and the sizes of an encoder–decoder, read from its weights or, where there are none, from options.
struct EncoderDecoderSizes {
    /// How the decoder looks at what the encoder made of each step.
    enum Attention: String, CaseIterable {
        case none, dot, general, additive
    }

    static let architecture = "encoder_decoder"

    let cell: Recurrent.Cell
    let attention: Attention
    let encoder: RecurrentSizes
    let decoder: RecurrentSizes
    /// What a query and a key have in common.
    let keys: Int
    private let shapes: [String: Shape]

    /// - Throws: `ArchitectureError.weights` when a shape is impossible, and when the encoder's last state is none of the
    ///   decoder's.
    init(_ configuration: ArchitectureConfiguration) throws(ArchitectureError) {
        shapes = configuration.shapes
        let options = configuration.options
        cell = options.string("cell").flatMap(Recurrent.Cell.init) ?? Self.cell(in: shapes) ?? .gru
        attention = options.string("attention").flatMap(Attention.init) ?? Self.attention(in: shapes)
        encoder = try Self.sizes("encoder", cell, configuration)
        var target = configuration
        target.sequenceInput = shapes.isEmpty ? .tokens(1) : nil // as many as there are classes
        decoder = try Self.sizes("decoder", cell, target)
        keys = shapes["attention.Wa.weight"]?.dimensions.first ?? encoder.hidden
        guard !encoder.isBidirectional, !decoder.isBidirectional else {
            throw Self.failure("the weights read both directions, which is not supported here")
        }
        guard encoder.projection == nil, decoder.projection == nil else {
            throw Self.failure("the weights project what a layer gives, which is not supported here")
        }
        guard encoder.hidden == decoder.hidden, encoder.layers == decoder.layers else {
            throw Self.failure(
                "the decoder starts from the encoder's last state, but the encoder has \(encoder.layers)×\(encoder.hidden)"
                    + " hidden units and the decoder \(decoder.layers)×\(decoder.hidden)"
            )
        }
        guard (1...RecurrentSizes.maxHidden).contains(keys) else {
            throw Self.failure("tensor 'attention.Wa.weight' has \(keys) rows")
        }
    }

    var hidden: Int { decoder.hidden }

    /// The width of what the encoder makes of a step: a value, and the key behind it that some kinds of attention need.
    var memory: Int {
        switch attention {
        case .none, .dot: hidden
        case .general: 2 * hidden
        case .additive: hidden + keys
        }
    }

    /// The state of a layer.
    var stateCount: Int { Recurrent(cell, inputs: 1, hidden: hidden).stateCount }

    /// Whether a layer has a bias: as the weights say, else as PyTorch's layers have.
    func hasBias(_ layer: String) -> Bool { shapes.isEmpty || shapes["\(layer).bias"] != nil }

    /// The sizes of the tensors whose names begin with `part` and a dot.
    private static func sizes(
        _ part: String,
        _ cell: Recurrent.Cell,
        _ configuration: ArchitectureConfiguration
    ) throws(ArchitectureError) -> RecurrentSizes {
        var own = configuration
        own.shapes = [:]
        for (name, shape) in configuration.shapes where name.hasPrefix("\(part).") {
            own.shapes[String(name.dropFirst(part.count + 1))] = shape
        }
        guard configuration.shapes.isEmpty || !own.shapes.isEmpty else {
            throw failure("the weights have no tensor whose name begins with '\(part).'")
        }
        do {
            return try RecurrentSizes(cell, own)
        } catch .weights(_, let problem) {
            throw failure("\(part): \(problem)")
        }
    }

    /// The kind of cell whose gates the rows of the recurrent weights are.
    private static func cell(in shapes: [String: Shape]) -> Recurrent.Cell? {
        guard let shape = shapes["decoder.rnn.weight_hh_l0"], shape.rank == 2 else { return nil }
        return Recurrent.Cell.allCases.first { $0.gates * shape[1] == shape[0] }
    }

    /// The kind of attention whose tensors are there.
    private static func attention(in shapes: [String: Shape]) -> Attention {
        if shapes["attention.Wa.weight"] != nil { return .additive }
        if shapes["attention.weight"] != nil { return .general }
        return shapes["concat.weight"] != nil ? .dot : .none
    }

    private static func failure(_ problem: String) -> ArchitectureError {
        .weights(architecture: architecture, problem)
    }
}
