internal import Engine

/// Recurrent classifiers: an embedding (for tokens), stacked recurrent layers, one vector for the sequence, a linear
/// head. Elman, "Finding structure in time", 1990; Hochreiter & Schmidhuber, "Long short-term memory", 1997; Cho et
/// al., "Learning phrase representations using RNN encoder-decoder", 2014, §2.3.
///
/// Where a step has several tokens, column k > 0 has the table `embeddings.k` and the rows are joined. Otherwise tensor
/// names and formulas are PyTorch's. Hidden size, layers, directions and vocabulary are those of the weights;
/// without weights they come from the options. Option `reset_after` (gru): whether the reset gate comes after the
/// recurrent product, as in PyTorch (the default), or before, as in the paper. Option `nonlinearity` (rnn): `tanh`, the
/// default, or `relu`. Option `projection` (lstm): the size to which the output is projected (Sak et al., "Long
/// short-term memory based recurrent neural network architectures", 2014, §2.1), PyTorch's `proj_size`.
extension Architecture {
    static let recurrentNetworks = Recurrent.Cell.allCases.map(recurrentNetwork)

    private static func recurrentNetwork(_ cell: Recurrent.Cell) -> Architecture {
        Architecture(
            sequence: cell.rawValue,
            classes: 2,
            options: recurrentOptions(cell)
        ) { classes, configuration throws(ArchitectureError) in
            try recurrentNetwork(cell, classes, configuration)
        }
    }

    /// What the options of a network with that cell may hold.
    static func recurrentOptions(_ cell: Recurrent.Cell) -> [String: OptionRule] {
        var options = RecurrentSizes.options
        switch cell {
        case .rnn: options["nonlinearity"] = .choice(Recurrent.Nonlinearity.allCases.map(\.rawValue))
        case .lstm: options["projection"] = .integer(1...RecurrentSizes.maxHidden)
        case .gru: options["reset_after"] = .bool
        }
        return options
    }

    /// The table of a network with that cell.
    static func recurrentNetwork(
        _ cell: Recurrent.Cell,
        _ classes: Int,
        _ configuration: ArchitectureConfiguration
    ) throws(ArchitectureError) -> Network {
        let sizes = try RecurrentSizes(cell, configuration)
        let recurrent = Layer.recurrent(
            "rnn",
            cell,
            hidden: sizes.hidden,
            projection: sizes.projection,
            layers: sizes.layers,
            isBidirectional: sizes.isBidirectional,
            bias: sizes.hasBias,
            resetsAfter: configuration.options.bool("reset_after") ?? true,
            nonlinearity: configuration.options.string("nonlinearity")
                .flatMap(Recurrent.Nonlinearity.init) ?? .tanh
        )
        let pool = configuration.pooling.map { kind in
            [Layer.sequencePool(kind, isBidirectional: sizes.isBidirectional)]
        }
        return Network(
            inputShape: sizes.inputShape(steps: configuration.steps),
            layers: sizes.embeddings + [recurrent] + (pool ?? []) + [.linear("head", classes), .softmax]
        )
    }
}
