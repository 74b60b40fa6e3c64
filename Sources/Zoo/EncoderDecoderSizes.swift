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
    /// The width of what the head sees with `dot` and `general`.
    let attentional: Int
    /// Whether that of the step before goes into each step, behind the embedded token.
    let feedsInput: Bool
    /// Whether a layer of their own makes the decoder's first state of each of the encoder's last ones.
    let hasBridge: Bool
    private let shapes: [String: Shape]

    /// - Throws: `ArchitectureError.weights` when a shape is impossible, and when the encoder's last state is none of the
    ///   decoder's.
    init(_ configuration: ArchitectureConfiguration) throws(ArchitectureError) {
        shapes = configuration.shapes
        let options = configuration.options
        cell = options.string("cell").flatMap(Recurrent.Cell.init) ?? Self.cell(in: shapes) ?? .gru
        attention = options.string("attention").flatMap(Attention.init) ?? Self.attention(in: shapes)
        hasBridge = shapes.keys.contains { $0.hasPrefix("bridge.") }
        encoder = try Self.sizes("encoder", cell, Self.source(configuration, hasBridge: hasBridge))
        var target = configuration
        target.sequenceInput = shapes.isEmpty ? .tokens(1) : nil // as many as there are classes
        target.options["bidirectional"] = nil
        decoder = try Self.sizes("decoder", cell, target)
        keys = shapes["attention.Wa.weight"]?.dimensions.first ?? decoder.hidden
        attentional = shapes["concat.weight"]?.dimensions.first ?? decoder.hidden
        let feedsInput = options.bool("input_feeding")
        self.feedsInput = Self.feedsInput(shapes, decoder, attentional) ?? feedsInput ?? false
        if let feedsInput, feedsInput != self.feedsInput {
            throw Self.failure(
                "option 'input_feeding' is \(feedsInput) but the weights say \(self.feedsInput); remove the option"
            )
        }
        try validate()
    }

    /// What the encoder's own sizes are read from: where both directions are as wide as the decoder together, each of them has
    /// half of its `hidden`.
    private static func source(
        _ configuration: ArchitectureConfiguration,
        hasBridge: Bool
    ) throws(ArchitectureError) -> ArchitectureConfiguration {
        var source = configuration
        if configuration.shapes.isEmpty, configuration.options.bool("bidirectional") ?? false {
            let hidden = configuration.options.integer("hidden") ?? 256
            guard hidden % 2 == 0 else {
                throw failure("option 'hidden' is \(hidden), of which each of two directions has half")
            }
            source.options["hidden"] = .number(Double(hidden / 2))
        } else if hasBridge || configuration.shapes["encoder.rnn.weight_hh_l0_reverse"] != nil {
            source.options["hidden"] = nil // which is the decoder's
        }
        return source
    }

    /// Whether there is room for the attentional vector behind the embedded token; nil where no weights tell.
    private static func feedsInput(
        _ shapes: [String: Shape],
        _ decoder: RecurrentSizes,
        _ attentional: Int
    ) -> Bool? {
        guard let shape = shapes["decoder.rnn.weight_ih_l0"], shape.rank == 2 else { return nil }
        return shapes["concat.weight"] != nil && shape[1] == (decoder.widths.first ?? 0) + attentional
    }

    private func validate() throws(ArchitectureError) {
        guard !decoder.isBidirectional else {
            throw Self.failure("the decoder reads both directions, but it writes one token after another")
        }
        guard encoder.projection == nil, decoder.projection == nil else {
            throw Self.failure("the weights project what a layer gives, which is not supported here")
        }
        guard encoder.layers == decoder.layers, hasBridge || values == hidden else {
            let directions = encoder.isBidirectional ? "2×" : ""
            throw Self.failure(
                "the decoder starts from the encoder's last state, but the encoder has"
                    + " \(encoder.layers)×\(directions)\(encoder.hidden)"
                    + " hidden units and the decoder \(decoder.layers)×\(decoder.hidden)"
            )
        }
        guard attention != .dot || values == hidden else {
            throw Self.failure(
                "a dot product needs states of one size, but the encoder's are \(values) and the decoder's \(hidden) wide"
            )
        }
        guard !feedsInput || [.dot, .general].contains(attention) else {
            throw Self.failure("option 'input_feeding' needs 'attention' dot or general")
        }
        for (tensor, rows) in [("attention.Wa.weight", keys), ("concat.weight", attentional)]
        where !(1...RecurrentSizes.maxHidden).contains(rows) {
            throw Self.failure("tensor '\(tensor)' has \(rows) rows")
        }
    }

    var hidden: Int { decoder.hidden }

    /// The width of what the encoder says of a step, in both directions where it reads both.
    var values: Int { encoder.hidden * (encoder.isBidirectional ? 2 : 1) }

    /// The width of what the encoder makes of a step: a value, and the key behind it that some kinds of attention need.
    var memory: Int {
        switch attention {
        case .none, .dot: values
        case .general: values + hidden
        case .additive: values + keys
        }
    }

    /// Whether the encoder hands its last states out, for they are not one by one those from which the decoder starts.
    var handsOutStates: Bool { encoder.isBidirectional || hasBridge }

    /// The states of a layer, by their names.
    var states: [String] { cell == .lstm ? ["hidden", "cell"] : ["hidden"] }

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
