package import Engine

/// Captioners: an image network makes features of a picture, and an LSTM, which starts from them, writes a sentence.
///
/// - `show_and_tell`: Vinyals et al., "Show and tell: A neural image caption generator", CVPR 2015, §3.1. The features, what
///   the last linear layer of the extractor takes, become as wide as an embedded token (`image`), are what the LSTM reads
///   first, and are not seen again. Equations 10 to 12: x₋₁ = W·CNN(I), x_t = W_e·S_t, p = softmax(`head`·h).
/// - `show_attend_tell`: Xu et al., "Show, attend and tell: Neural image caption generation with visual attention", ICML
///   2015, with soft attention (§4.2). The positions aᵢ of the extractor's last map are what the decoder looks at: scores
///   Va·tanh(Wa·h + Ua·aᵢ) (`attention.Wa`, `.Ua`, `.Va`) of the state h before the step, the mean of the aᵢ that they
///   weight, times the gate β = σ(`beta`·h) of §4.2.1, which `beta` may have for each channel. That stands behind the
///   embedded token in the LSTM's input. It starts from tanh(`init_h`·ā) and tanh(`init_c`·ā), with the mean ā of the
///   positions. Where the weights have `deep.h` and `deep.z` the output is equation 7's, `head`·(E·y + L_h·h + L_z·ẑ); where
///   not, the head sees h alone.
///
/// Options: `extractor`, the image network, `extractor_options`, its own, and `feature`, one of its values by name instead
/// of the usual; `hidden` and `embedding` where there are no weights that say them. Tensors have the extractor's names
/// behind `cnn.`; `decoder.embedding`, `decoder.rnn` and `head` are named as those of encoder–decoders.
///
/// The network of the image gives what the decoder reads at each step: for each position its value and the key behind it,
/// h·w × (values + keys); without attention a row that nobody reads. Its outputs `h` and `c` are the state from which the
/// decoder starts.
extension Architecture {
    static let captioners = [showAndTell, showAttendTell]

    private static let captionerOptions = FeatureExtractor.options.merging(
        [
            "hidden": .integer(1...RecurrentSizes.maxHidden),
            "embedding": .integer(1...RecurrentSizes.maxHidden),
        ],
        uniquingKeysWith: { _, rule in rule }
    )

    private static let showAndTell = Architecture(
        sequence: "show_and_tell",
        of: .picture,
        classes: 10_000,
        options: captionerOptions,
        decoder: { classes, configuration throws(ArchitectureError) in
            let sizes = try CaptionerSizes(configuration, for: "show_and_tell")
            return Network(
                inputShape: [1, sizes.hidden],
                layers: sizes.token(of: classes) + [sizes.step, .linear("head", classes), .softmax]
            )
        },
        network: { _, configuration throws(ArchitectureError) in
            let sizes = try CaptionerSizes(configuration, for: "show_and_tell")
            return Network(
                behind: try FeatureExtractor(configuration, for: "show_and_tell").graph,
                layers: [
                    .flatten, .linear("image", sizes.embedding, bias: sizes.hasBias("image")),
                    .firstStep("decoder.rnn", .lstm, hidden: sizes.hidden, bias: sizes.recurrent.hasBias),
                ]
            )
        }
    )

    private static let showAttendTell = Architecture(
        sequence: "show_attend_tell",
        of: .picture,
        classes: 10_000,
        options: captionerOptions,
        decoder: attendingDecoder,
        network: { _, configuration throws(ArchitectureError) in
            let sizes = try CaptionerSizes(configuration, for: "show_attend_tell")
            func state(_ output: String) -> [Layer] {
                let name = "init_\(output)"
                return [
                    .from(["mean"]), .linear(name, sizes.hidden, bias: sizes.hasBias(name)), .tanh,
                    .output(output),
                ]
            }
            return Network(
                behind: try FeatureExtractor(configuration, for: "show_attend_tell", .map).graph,
                layers: [.mark("map"), .globalAveragePool, .flatten, .mark("mean")]
                    + state("h") + state("c")
                    + [
                        .from(["map"]), .concat([[], [.pointwise("attention.Ua", sizes.keys)]]), .positions,
                    ]
            )
        }
    )

    @Sendable private static func attendingDecoder(
        _ classes: Int,
        _ configuration: ArchitectureConfiguration
    ) throws(ArchitectureError) -> Network {
        let sizes = try CaptionerSizes(configuration, for: "show_attend_tell")
        let extractor = try FeatureExtractor(configuration, for: "show_attend_tell", .map)
        let values = extractor.graph.outputs.first.map { extractor.graph.shape(of: $0.value)[0] } ?? 0
        let attention = Attention(
            .additive,
            values: values,
            keys: sizes.keys,
            hasBias: sizes.hasBias("attention.Va")
        )
        let context: [Layer] = [
            .recall(Recall(sizes.hidden, following: 0)), .mark("h"),
            .linear("attention.Wa", sizes.keys, bias: sizes.hasBias("attention.Wa")),
            .attention("attention", attention), .mark("context"),
            .from(["h"]), .linear("beta", sizes.gates, bias: sizes.hasBias("beta")), .sigmoid, .mark("beta"),
            .from(["context", "beta"], .product), .mark("z"),
        ]
        let deep: [Layer] = [
            .linear("deep.h", sizes.embedding, bias: sizes.hasBias("deep.h")), .mark("state"),
            .from(["z"]), .linear("deep.z", sizes.embedding, bias: sizes.hasBias("deep.z")), .mark("seen"),
            .from(["token", "state", "seen"]),
        ]
        return Network(
            inputShape: [configuration.steps, values + sizes.keys],
            layers: sizes.token(of: classes) + [.mark("token")] + context
                + [.concat([[.from(["token"])], [.from(["z"])]]), sizes.step]
                + (sizes.isDeep ? deep : [])
                + [.linear("head", classes), .softmax]
        )
    }
}

/// The sizes of a captioner, read from its weights or, where there are none, from options.
private struct CaptionerSizes {
    let recurrent: RecurrentSizes
    /// How wide an embedded token is.
    let embedding: Int
    /// What a query and a key have in common.
    let keys: Int
    /// The rows of the gate β.
    let gates: Int
    /// Whether the output sees the token and the context too.
    let isDeep: Bool
    private let shapes: [String: Shape]

    /// - Throws: `ArchitectureError.weights` when a shape is impossible.
    init(_ configuration: ArchitectureConfiguration, for name: String) throws(ArchitectureError) {
        shapes = configuration.shapes
        var decoder = configuration
        decoder.options = decoder.options.filter { ["hidden", "embedding"].contains($0.key) }
        decoder.sequenceInput = shapes.isEmpty ? .tokens(1) : nil // as many as there are classes
        decoder.shapes = [:]
        for (tensor, shape) in shapes where tensor.hasPrefix("decoder.") {
            decoder.shapes[String(tensor.dropFirst("decoder.".count))] = shape
        }
        func failure(_ problem: String) -> ArchitectureError { .weights(architecture: name, problem) }
        guard shapes.isEmpty || !decoder.shapes.isEmpty else {
            throw failure("the weights have no tensor whose name begins with 'decoder.'")
        }
        do {
            recurrent = try RecurrentSizes(.lstm, decoder)
        } catch .weights(_, let problem) {
            throw failure("decoder: \(problem)")
        }
        guard recurrent.layers == 1, recurrent.projection == nil, !recurrent.isBidirectional else {
            throw failure("the decoder is one LSTM that reads forwards, without a projection")
        }
        embedding = recurrent.widths.first ?? recurrent.hidden
        keys = shapes["attention.Wa.weight"]?.dimensions.first ?? recurrent.hidden
        gates = shapes["beta.weight"]?.dimensions.first ?? 1
        for (tensor, rows) in [("attention.Wa.weight", keys), ("beta.weight", gates)]
        where !(1...RecurrentSizes.maxHidden).contains(rows) {
            throw failure("tensor '\(tensor)' has \(rows) rows")
        }
        isDeep = shapes.isEmpty || shapes["deep.h.weight"] != nil || shapes["deep.z.weight"] != nil
    }

    var hidden: Int { recurrent.hidden }

    /// Whether a layer has a bias, as the weights say.
    func hasBias(_ layer: String) -> Bool { shapes.isEmpty || shapes["\(layer).bias"] != nil }

    /// The token before, embedded; it is a state that the caller changes.
    func token(of classes: Int) -> [Layer] {
        [
            .recall(Recall(own: 1)),
            .block("decoder", [.embedding("embedding", size: classes, features: embedding)]),
        ]
    }

    var step: Layer {
        .block("decoder", [.recurrent("rnn", .lstm, hidden: hidden, bias: recurrent.hasBias)])
    }
}

extension Graph {
    /// The extents of the map whose positions a decoder looks at; nil for a network that gives no such.
    package var positions: (height: Int, width: Int)? {
        guard let node = nodes.last(where: { $0.name == "positions1" }) else { return nil }
        let map = shape(of: node.inputs[0])
        return (map[1], map[2])
    }
}
