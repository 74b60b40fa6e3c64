internal import Engine

/// Encoder–decoders: one recurrent network reads a sequence, and another, which starts from the state of the first,
/// writes one. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; Sutskever et al.,
/// "Sequence to sequence learning with neural networks", 2014.
///
/// Options `cell` (`gru`, `lstm`, `rnn`) and `attention`, which the weights say too:
/// - `none`.
/// - `dot` and `general`: Luong et al., "Effective approaches to attention-based neural machine translation", 2015, §3.1,
///   with global attention and without input feeding. The scores are hᵀ·h̄ and hᵀ·W_a·h̄ (`attention`), and what the
///   head sees is tanh(W_c·[c; h]) (`concat`), the context before the state.
/// - `additive`: Bahdanau et al., "Neural machine translation by jointly learning to align and translate", 2015, as in
///   PyTorch's tutorial: the scores Va·tanh(Wa·s + Ua·h̄) (`attention.Wa`, `attention.Ua`, `attention.Va`) are of the
///   last layer's state s before the step, and the context stands behind the embedded token in the decoder's input.
///
/// The encoder's tensors are named as those of a recurrent classifier, under `encoder`; `decoder.embedding`, `decoder.rnn`
/// and `head` are the decoder's. Both have as many layers and hidden units. Option `relu`: whether ReLU follows the
/// decoder's embedding, as in the decoder without attention of PyTorch's tutorial; `reset_after` is that of `gru`.
///
/// The encoder's output is a memory: for each step its value and the key that attention compares, where that is
/// not the value itself; without attention a single row that nobody reads. The decoder takes the memory and runs one
/// step. Its state is the token before, as a number, and then the state of its layers.
extension Architecture {
    static let encoderDecoders = [
        Architecture(
            sequence: EncoderDecoderSizes.architecture,
            classes: 10_000,
            options: [
                "hidden": .integer(1...RecurrentSizes.maxHidden),
                "layers": .integer(1...RecurrentSizes.maxLayers),
                "embedding": .integer(1...RecurrentSizes.maxHidden),
                "cell": .choice(Recurrent.Cell.allCases.map(\.rawValue)),
                "attention": .choice(EncoderDecoderSizes.Attention.allCases.map(\.rawValue)),
                "relu": .bool,
                "reset_after": .bool,
            ],
            decoder: decoder,
            network: encoder
        )
    ]

    @Sendable private static func encoder(
        _ classes: Int,
        _ configuration: ArchitectureConfiguration
    ) throws(ArchitectureError) -> Network {
        let sizes = try EncoderDecoderSizes(configuration)
        let read: [Layer] = [
            .block("encoder", sizes.encoder.embeddings + [recurrent(sizes, sizes.encoder, configuration)])
        ]
        let memory: [Layer] =
            switch sizes.attention {
            case .none: [.sequencePool(.last, isBidirectional: false)]
            case .dot: []
            case .general: keys("attention", sizes)
            case .additive: keys("attention.Ua", sizes)
            }
        return Network(
            inputShape: sizes.encoder.inputShape(steps: configuration.steps),
            layers: read + memory
        )
    }

    @Sendable private static func decoder(
        _ classes: Int,
        _ configuration: ArchitectureConfiguration
    ) throws(ArchitectureError) -> Network {
        let sizes = try EncoderDecoderSizes(configuration)
        let hidden = sizes.hidden
        let embedding = Layer.embedding(
            "embedding",
            size: classes,
            features: sizes.decoder.widths.first ?? hidden
        )
        let isRectified = configuration.options.bool("relu") ?? false
        let token: [Layer] = [
            .recall(Recall(own: 1)), .block("decoder", [embedding] + (isRectified ? [.relu] : [])),
        ]
        let step = Layer.block("decoder", [recurrent(sizes, sizes.decoder, configuration)])
        let layers: [Layer] =
            switch sizes.attention {
            case .none: token + [step]
            case .dot, .general:
                token + [
                    step,
                    .concat([[.attention("attention", Attention(.dot, values: hidden, keys: hidden))], []]),
                    .linear("concat", hidden, bias: sizes.hasBias("concat")), .tanh,
                ]
            case .additive: [.concat([token, context(sizes)]), step]
            }
        return Network(
            inputShape: [sizes.attention == .none ? 1 : configuration.steps, sizes.memory],
            layers: layers + [.linear("head", classes), .softmax]
        )
    }

    /// The additive context of the state before the step: the last layer's, which is behind those of the others.
    private static func context(_ sizes: EncoderDecoderSizes) -> [Layer] {
        let attention = Attention(
            .additive,
            values: sizes.hidden,
            keys: sizes.keys,
            hasBias: sizes.hasBias("attention.Va")
        )
        return [
            .recall(Recall(sizes.hidden, following: (sizes.decoder.layers - 1) * sizes.stateCount)),
            .linear("attention.Wa", sizes.keys, bias: sizes.hasBias("attention.Wa")),
            .attention("attention", attention),
        ]
    }

    /// The key of each value, behind it.
    private static func keys(_ name: String, _ sizes: EncoderDecoderSizes) -> [Layer] {
        [.concat([[], [.linear(name, sizes.memory - sizes.hidden, bias: sizes.hasBias(name))]])]
    }

    private static func recurrent(
        _ network: EncoderDecoderSizes,
        _ sizes: RecurrentSizes,
        _ configuration: ArchitectureConfiguration
    ) -> Layer {
        .recurrent(
            "rnn",
            network.cell,
            hidden: sizes.hidden,
            layers: sizes.layers,
            bias: sizes.hasBias,
            resetsAfter: configuration.options.bool("reset_after") ?? true
        )
    }
}
