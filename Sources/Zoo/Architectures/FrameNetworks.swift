internal import Engine

/// Recurrent networks over frames: an image network makes features of each, a recurrent one reads them in order. Donahue
/// et al., "Long-term recurrent convolutional networks for visual recognition and description", CVPR 2015, §3.
///
/// Options: `extractor`, the image network, and `extractor_options`, its own; `cell`, one of `lstm`, `gru` and `rnn`, and
/// its sizes. Tensors have the extractor's names behind `cnn.`, and the names of the recurrent networks, `rnn.…` and
/// `head.…`.
extension Architecture {
    static let frameNetworks = [cnnRNN]

    private static let cnnRNN = Architecture(
        sequence: "cnn_rnn",
        of: .frames,
        classes: 2,
        options: Recurrent.Cell.allCases.reduce(into: [:]) { $0.merge(frameOptions($1)) { rule, _ in rule } }
    ) { classes, configuration throws(ArchitectureError) in
        let cell = configuration.options.string("cell").flatMap(Recurrent.Cell.init) ?? .lstm
        do throws(OptionError) {
            try OptionRule.validate(configuration.options, against: frameOptions(cell))
        } catch {
            throw .option(architecture: "cnn_rnn", error)
        }
        var recurrent = configuration
        recurrent.sequenceInput = .features(try FeatureExtractor(configuration, for: "cnn_rnn").features)
        recurrent.shapes = configuration.shapes.filter { !$0.key.hasPrefix(FeatureExtractor.prefix) }
        return try recurrentNetwork(cell, classes, recurrent)
    }

    private static func frameOptions(_ cell: Recurrent.Cell) -> [String: OptionRule] {
        var options = recurrentOptions(cell)
        options["embedding"] = nil
        options["cell"] = .choice(Recurrent.Cell.allCases.map(\.rawValue))
        return options.merging(FeatureExtractor.options) { _, rule in rule }
    }
}
