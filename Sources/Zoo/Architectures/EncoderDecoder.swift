internal import Engine

/// Encoder–decoders: one recurrent network reads a sequence, and another, which starts from the state of the first,
/// writes one. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; Sutskever et al.,
/// "Sequence to sequence learning with neural networks", 2014.
///
/// Options `cell` (`gru`, `lstm`, `rnn`) and `attention`, which the weights say too:
/// - `none`.
/// - `dot` and `general`: Luong et al., "Effective approaches to attention-based neural machine translation", 2015, §3.1,
///   with global attention. The scores are hᵀ·h̄ and hᵀ·W_a·h̄ (`attention`), and what the head sees is
///   tanh(W_c·[c; h]) (`concat`), the context before the state. With input feeding (§3.3; option `input_feeding`, and
///   the columns of `decoder.rnn.weight_ih_l0`) that of the step before, zeros at first, stands behind the embedded token in
///   the decoder's input.
/// - `additive`: Bahdanau et al., "Neural machine translation by jointly learning to align and translate", 2015, as in
///   PyTorch's tutorial: the scores Va·tanh(Wa·s + Ua·h̄) (`attention.Wa`, `attention.Ua`, `attention.Va`) are of the
///   last layer's state s before the step, and the context stands behind the embedded token in the decoder's input.
///
/// The encoder's tensors are named as those of a recurrent classifier, under `encoder`; `decoder.embedding`, `decoder.rnn`
/// and `head` are the decoder's. Both have as many layers. Option `relu`: whether ReLU follows the
/// decoder's embedding, as in the decoder without attention of PyTorch's tutorial; `reset_after` is that of `gru`.
///
/// Each layer of the decoder starts from the states in which that of the encoder ends. An encoder that reads both
/// directions (option `bidirectional`, with half of `hidden` each) ends in two, which stand one behind the other, the forward one
/// first, as OpenNMT has it: the decoder is as wide as both. A bridge makes states of any width of them,
/// s = tanh(W·[h→; h←] + b), as s₀ of Bahdanau et al. 2015, A.2.2, but of both directions: `bridge.hidden_l0`, for an LSTM
/// also `bridge.cell_l0`, and so for every layer.
///
/// The encoder's output is a memory: for each step its value and the key that attention compares, where that is
/// not the value itself; without attention a single row that nobody reads. Behind it, as outputs `state…`, are the
/// states from which the decoder starts, where they are not those of the encoder as they are. The decoder takes the memory
/// and runs one step. Its state is the token before, as a number, then the state of its layers, then what it feeds
/// to the next step.
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
                "bidirectional": .bool,
                "input_feeding": .bool,
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
        let layers = recurrent(
            sizes,
            sizes.encoder,
            configuration,
            states: sizes.handsOutStates ? "state" : nil
        )
        let read = [Layer.block("encoder", sizes.encoder.embeddings + [layers])] + states(sizes)
        let memory: [Layer] =
            switch sizes.attention {
            case .none: [.sequencePool(.last, isBidirectional: sizes.encoder.isBidirectional)]
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
        let attention = Attention(.dot, values: sizes.values, keys: hidden)
        let entry: [Layer] = sizes.feedsInput ? [.concat([token, [fed(sizes)]])] : token
        let kept: [Layer] = sizes.feedsInput ? [.retain(sizes.attentional)] : []
        let layers: [Layer] =
            switch sizes.attention {
            case .none: token + [step]
            case .dot, .general:
                entry + [
                    step,
                    .concat([[.attention("attention", attention)], []]),
                    .linear("concat", sizes.attentional, bias: sizes.hasBias("concat")), .tanh,
                ] + kept
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
            values: sizes.values,
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
        [.concat([[], [.linear(name, sizes.memory - sizes.values, bias: sizes.hasBias(name))]])]
    }

    /// The attentional vector of the step before, which is retained behind the states of the layers.
    private static func fed(_ sizes: EncoderDecoderSizes) -> Layer {
        .recall(Recall(sizes.attentional, following: sizes.decoder.layers * sizes.stateCount))
    }

    /// Hands out, layer by layer, what the decoder starts from, and goes on with what goes in.
    private static func states(_ sizes: EncoderDecoderSizes) -> [Layer] {
        guard sizes.handsOutStates else { return [] }
        let outputs = (0..<sizes.encoder.layers).flatMap { layer in
            sizes.states.flatMap { state -> [Layer] in
                let (mark, bridge) = ("state.\(state)\(layer)", "bridge.\(state)_l\(layer)")
                let bridges: [Layer] = [
                    .flatten, .linear(bridge, sizes.hidden, bias: sizes.hasBias(bridge)), .tanh,
                ]
                return [.from([mark])] + (sizes.hasBridge ? bridges : []) + [.output(mark)]
            }
        }
        return [.mark("read")] + outputs + [.from(["read"])]
    }

    private static func recurrent(
        _ network: EncoderDecoderSizes,
        _ sizes: RecurrentSizes,
        _ configuration: ArchitectureConfiguration,
        states: String? = nil
    ) -> Layer {
        .recurrent(
            "rnn",
            network.cell,
            hidden: sizes.hidden,
            layers: sizes.layers,
            isBidirectional: sizes.isBidirectional,
            bias: sizes.hasBias,
            resetsAfter: configuration.options.bool("reset_after") ?? true,
            states: states
        )
    }
}
