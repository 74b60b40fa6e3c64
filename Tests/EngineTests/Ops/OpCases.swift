import Engine

/// The table of shapes that every operation is checked on: sizes around the vector lengths (1, 7, 8, 9, 63, 64, 65),
/// strides, paddings, dilations, groups, windows that do not fit evenly, and sizes that are cut into several tasks.
enum OpCases {
    static let all =
        convolutions + linears + batchNorms + activations + leakyReLUs + pools + adaptivePools
        + localResponseNorms
        + channelNorms + responseNorms + layerScales + channelConvs + upsamplings + softmaxes + channelScales
        + selections + subsamplings + radialBases
        + joins + embeddings + recurrents + sequencePools + attentions + flattens + blocked + arrangements

    /// Padding below and to the right only, as `SAME_UPPER` and TensorFlow have it with an even rest.
    static let lateRow = Pads(top: 0, left: 0, bottom: 1, right: 1)
    /// Padding in front of a sequence only, as causal convolutions have it.
    static let left4 = Pads(top: 0, left: 4, bottom: 0, right: 0)

    static let convolutions: [OpCase] = {
        // swift-format-ignore
        let rows: [(Int, Int, Int, Int, Window, groups: Int, bias: Bool)] = [
            // in  out   h   w  window
            (  1,   1,   1,  1, Window(1),                                                  1, true),
            (  3,   7,   9,  8, Window(1),                                                  1, true),
            ( 64,  65,   7,  9, Window(1),                                                  1, false),
            (  8,   9,   8,  7, Window(1, stride: 2),                                       1, true),
            (  4,   4,   5,  5, Window(1, pad: 1),                                          1, true),
            (  1,   6,  32, 32, Window(5),                                                  1, true),
            (  3,   8,   9,  9, Window(3, pad: 1),                                          1, false),
            (  7,  63,   8,  7, Window(3, pad: 1),                                          1, true),
            (  8,  16,   9,  9, Window(3, stride: 2, pad: 1),                               1, true),
            (  3,  16,  35, 31, Window(7, stride: 2, pad: 3),                               1, false),
            (  3,   8,  39, 39, Window(11, stride: 4),                                      1, true),
            (  3,   8,  39, 35, Window(11, stride: 4, pad: 2),                              1, true),
            (  8,  12,  13, 13, Window(5, pad: 2),                                          2, true),
            ( 12,  12,   9,  7, Window(3, pad: 1),                                          4, true),
            (  9,   9,   8,  8, Window(3, pad: 1),                                          9, true),
            (  8,  64,   6,  6, Window(3, pad: 1),                                          8, false),
            (  4,   5,  11, 12, Window(3, pad: 2, dilation: 2),                             1, true),
            (  4,   6,  15, 13, Window(3, stride: 2, pad: 1, dilation: 3),                  2, true),
            (  5,   7,   9, 17, Window(height: 1, width: 7, padHeight: 0, padWidth: 3),     1, true),
            (  5,   7,  17,  9, Window(height: 7, width: 1, padHeight: 3, padWidth: 0),     1, true),
            (  2,   3,   3,  2, Window(height: 3, width: 2),                                1, true),
            (  2,   3,   1,  1, Window(3, pad: 1),                                          1, true),
            (  2,   3,   2,  2, Window(5, pad: 3),                                          1, true),
            ( 16,  33,  65, 63, Window(3, pad: 1),                                          1, true),
            ( 32, 256,   7,  7, Window(3, pad: 1),                                          1, true),
            ( 96, 512,  14, 14, Window(1),                                                  1, true),
            (  3,   9,  14, 13, Window(kernel: 3, strides: 2, pads: lateRow),               1, true),
            (  3,   9,  14, 13, Window(kernel: 3, strides: [2, 1], pads: lateRow),          1, true),
            (  3,   9,  14, 13, Window(kernel: [3, 5], strides: [3, 4]),                    1, true),
            (  3,   9,  14, 13, Window(kernel: 3, strides: [1, 3], dilations: [3, 2]),      1, true),
            (  4,   6,   1, 40, Window(kernel: [1, 5], strides: [1, 2], pads: left4),       1, true),
            (  1,   3,   1, 80, Window(kernel: [1, 64], strides: [1, 8], pads: left4),      1, true),
            (  2,   3,   1, 600, Window(kernel: [1, 300], pads: left4, dilations: [1, 2]),   1, true),
        ]
        return rows.map { inputs, outputs, height, width, window, groups, hasBias in
            let op = Conv(
                inputChannels: inputs,
                outputChannels: outputs,
                window: window,
                groups: groups,
                hasBias: hasBias
            )
            return OpCase(op, on: [inputs, height, width]) { try Reference.conv(op, $0[0], $1) }
        }
    }()

    static let linears: [OpCase] = {
        let sizes = [1, 7, 8, 9, 63, 64, 65]
        let pairs = sizes.flatMap { inputs in sizes.map { (inputs, $0) } } + [(1024, 130), (4099, 31)]
        let rows = pairs.map { inputs, outputs in (Linear(inputs: inputs, outputs: outputs), Shape([inputs]))
        }
        let sequences = [1, 3, 4, 67].map {
            (Linear(inputs: 17, outputs: 19, hasBias: false), Shape([$0, 17]))
        }
        return (rows + sequences).map { op, shape in
            OpCase(op, on: shape) { try Reference.linear(op, $0[0], $1) }
        }
    }()

    static let batchNorms: [OpCase] = [[1, 1, 1], [7, 3, 3], [8, 8, 8], [65, 7, 9], [64, 33, 33], [65]].map {
        (shape: Shape) in
        let op = BatchNorm(channels: shape[0])
        return OpCase(op, on: shape) { Reference.batchNorm(op, $0[0], $1) }
    }

    static let activations: [OpCase] = Activation.allCases.flatMap { op in
        [[1], [7], [8], [9], [63], [64], [65], [5, 80, 90]].map { (shape: Shape) in
            OpCase(op, on: shape) { inputs, _ in Reference.activation(op, inputs[0]) }
        }
    }

    static let leakyReLUs: [OpCase] = [[1], [7], [65], [5, 80, 90]].map { (shape: Shape) in
        OpCase(LeakyReLU(slope: 0.1), on: shape) { inputs, _ in Reference.leakyReLU(0.1, inputs[0]) }
    }

    /// Windows whose sides, strides or dilations differ; each position has a part of the image.
    static let unevenWindows = [
        Window(kernel: 3, strides: 2, pads: lateRow),
        Window(kernel: 3, strides: 2, pads: lateRow, roundsUp: true),
        Window(kernel: [3, 2], strides: [1, 3], pads: Pads(top: 2, left: 0, bottom: 0, right: 1)),
        Window(kernel: 2, strides: [3, 1], pads: Pads(top: 1, left: 1, bottom: 0, right: 0), roundsUp: true),
        Window(kernel: 3, pads: Pads(top: 1, left: 2, bottom: 1, right: 0), dilations: [1, 2]),
    ]

    static let pools: [OpCase] = {
        let windows =
            [
                Window(2, stride: 2), Window(3, stride: 2), Window(3, stride: 2, pad: 1), Window(3, pad: 1),
                Window(2, stride: 2, roundsUp: true), Window(3, stride: 2, roundsUp: true),
                Window(3, stride: 2, pad: 1, roundsUp: true), Window(2, stride: 3, pad: 1, roundsUp: true),
                Window(height: 1, width: 3, stride: 2, padHeight: 0, padWidth: 1),
            ] + unevenWindows
        let shapes: [Shape] = [[1, 3, 3], [7, 8, 9], [3, 13, 12], [65, 35, 33]]
        return [Pool.Kind.max, .average, .averageInside].flatMap { kind in
            (windows + (kind == .max ? [Window(2, stride: 1, dilation: 2)] : [])).flatMap { window in
                shapes.map { shape in
                    let op = Pool(kind, window: window)
                    return OpCase(op, on: shape) { inputs, _ in try Reference.pool(op, inputs[0]) }
                }
            }
        }
    }()

    static let adaptivePools: [OpCase] = [(1, 1), (6, 6), (7, 5)].flatMap { (height: Int, width: Int) in
        [[1, 1, 1], [9, 7, 7], [65, 13, 14], [4, 6, 6]].map { (shape: Shape) in
            let op = AdaptiveAveragePool(height: height, width: width)
            return OpCase(op, on: shape) { inputs, _ in try Reference.adaptiveAveragePool(op, inputs[0]) }
        }
    }

    static let localResponseNorms: [OpCase] = [
        LocalResponseNorm(), LocalResponseNorm(size: 4, alpha: 0.5, beta: 0.75, k: 1),
        LocalResponseNorm(size: 3, alpha: 0.2, beta: 0.6, k: 1),
        LocalResponseNorm(size: 1, alpha: 1, beta: 0.5, k: 0.1),
    ].flatMap { op in
        [[1, 1, 1], [3, 7, 9], [7, 8, 8], [96, 27, 27]].map { (shape: Shape) in
            OpCase(op, on: shape) { inputs, _ in Reference.localResponseNorm(op, inputs[0]) }
        }
    }

    static let channelNorms: [OpCase] = [[1, 1, 1], [3, 7, 9], [17, 8, 8], [96, 27, 27]].map {
        (shape: Shape) in
        let op = ChannelNorm(channels: shape[0])
        return OpCase(op, on: shape) { Reference.channelNorm(op, $0[0], $1) }
    }

    static let responseNorms: [OpCase] = [[1, 1, 1], [3, 7, 9], [17, 8, 8], [160, 14, 13]].map {
        (shape: Shape) in
        let op = GlobalResponseNorm(channels: shape[0])
        return OpCase(op, on: shape) { Reference.globalResponseNorm(op, $0[0], $1) }
    }

    static let layerScales: [OpCase] = [[1, 1, 1], [3, 7, 9], [17, 8, 8]].flatMap { (shape: Shape) in
        [false, true].map { isImage in
            let op = LayerScale("gamma", channels: shape[0], isImage: isImage)
            return OpCase(op, on: shape) { Reference.layerScale($0[0], $1) }
        }
    }

    static let channelConvs: [OpCase] = [(1, 3), (2, 5), (17, 5), (64, 3), (2048, 7)].map {
        channels,
        kernel in
        let op = ChannelConv(kernel: kernel)
        return OpCase(op, on: [channels, 1, 1]) { Reference.channelConv(op, $0[0], $1) }
    }

    static let upsamplings: [OpCase] = [(1, [3, 4, 5]), (2, [1, 1, 1]), (2, [7, 5, 3]), (8, [17, 2, 3])].map {
        (factor: Int, shape: Shape) in
        let op = Upsample(factor)
        return OpCase(op, on: shape) { inputs, _ in try Reference.upsample(op, inputs[0]) }
    }

    static let softmaxes: [OpCase] = [[1], [7], [8], [9], [63], [64], [65], [1000], [5, 7], [700, 11]].map {
        (shape: Shape) in
        OpCase(Softmax(), on: shape) { inputs, _ in Reference.softmax(inputs[0]) }
    }

    static let channelScales: [OpCase] = [[1], [1, 1, 1], [3, 7, 9], [3, 211, 200]].flatMap {
        (shape: Shape) in
        let lines = (0..<shape[0]).map { ChannelScale.Line(scale: 0.5 + Float($0), shift: 0.25 - Float($0)) }
        return [[ChannelScale.Line(scale: 0.17)], lines].map { lines in
            let op = ChannelScale(lines)
            return OpCase(op, on: shape) { inputs, _ in Reference.channelScale(op, inputs[0]) }
        }
    }

    static let selections: [OpCase] = [
        ([0], [1, 1, 1]), ([2, 0, 1], [3, 7, 9]), ([1, 1], [3, 8, 8]), (Array(29..<58), [58, 9, 7]),
    ].map { (channels: [Int], shape: Shape) in
        let op = SelectChannels(channels)
        return OpCase(op, on: shape) { inputs, _ in try Reference.selectChannels(op, inputs[0]) }
    }

    static let subsamplings: [OpCase] = [[1, 2, 2], [6, 28, 28], [16, 11, 9]].map { (shape: Shape) in
        let op = Subsampling(channels: shape[0])
        return OpCase(op, on: shape) { try Reference.subsampling(op, $0[0], $1) }
    }

    static let radialBases: [OpCase] = [(1, 1), (7, 9), (84, 10), (65, 63)].map { inputs, outputs in
        let op = RadialBasis(inputs: inputs, outputs: outputs)
        return OpCase(op, on: [inputs]) { Reference.radialBasis(op, $0[0], $1) }
    }

    static let joins: [OpCase] = {
        let shapes: [Shape] = [[1, 1, 1], [7, 3, 3], [8, 9, 7], [16, 65, 63]]
        let sums = shapes.map { shape in
            var row = OpCase(Add(), on: shape) { inputs, _ in Reference.add(inputs[0], inputs[1]) }
            row.prelude = { graph in
                [.input, try graph.add(Activation.tanh, name: "tanh", inputs: [.input])]
            }
            return row
        }
        let gates = shapes.map { shape in
            var row = OpCase(ChannelGate(), on: shape) { inputs, _ in Reference.gate(inputs[0], inputs[1]) }
            row.prelude = { graph in
                let pool = AdaptiveAveragePool(height: 1, width: 1)
                return [.input, try graph.add(pool, name: "pool", inputs: [.input])]
            }
            return row
        }
        let concats = shapes.map { shape in
            var row = OpCase(Concat(), on: shape) { inputs, _ in Reference.concat(inputs) }
            row.prelude = { graph in
                let other = Conv(inputChannels: shape[0], outputChannels: shape[0] + 2, window: Window(1))
                return [try graph.add(other, name: "other", inputs: [.input]), .input]
            }
            return row
        }
        let shortcuts = shapes.flatMap { shape in
            [1, 2, 3].map { stride in
                let op = PadShortcut(channels: shape[0] * 2 + 1, stride: stride)
                return OpCase(op, on: shape) { inputs, _ in try Reference.padShortcut(op, inputs[0]) }
            }
        }
        let sequences = [(1, 1, 2), (5, 8, 7), (9, 65, 3)].map { (steps, features, other) in
            var row = OpCase(ConcatFeatures(), on: [steps, features]) { inputs, _ in
                Reference.concatFeatures(inputs)
            }
            row.prelude = { graph in
                let linear = Linear(inputs: features, outputs: other)
                return [try graph.add(linear, name: "other", inputs: [.input]), .input]
            }
            return row
        }
        return sums + gates + concats + shortcuts + sequences
    }()

    static let embeddings: [OpCase] = {
        // swift-format-ignore
        let rows: [(size: Int, features: Int, steps: Int, column: Int, columns: Int)] = [
            (  1,  1,  1, 0, 1),
            (  9,  7,  5, 0, 1),
            (300, 65, 40, 0, 1),
            (  9,  7,  5, 0, 3),
            ( 31, 16,  8, 2, 3),
        ]
        return rows.map { size, features, steps, column, columns in
            let op = Embedding(size: size, features: features, column: column, columns: columns)
            let shape: Shape = columns == 1 ? [steps] : [steps, columns]
            var row = OpCase(op, on: shape) { Reference.embedding(op, $0[0], $1[0]) }
            row.tokens = size
            return row
        }
    }()

    static let recurrents: [OpCase] = {
        let sizes = [(1, 1, 1), (7, 9, 4), (8, 8, 3), (3, 65, 9), (65, 63, 2), (64, 64, 70), (5, 130, 6)]
        return RecurrentForm.all.flatMap { form in
            sizes.filter { form.isProjected ? $0.1 > 1 : true }.flatMap { inputs, hidden, steps in
                [(false, true), (true, true), (true, false)].map { isBidirectional, hasBias in
                    let op = form.layer(
                        inputs: inputs,
                        hidden: hidden,
                        isBidirectional: isBidirectional,
                        hasBias: hasBias
                    )
                    return OpCase(op, on: [steps, inputs], tolerance: 2e-5) {
                        try Reference.recurrent(op, $0[0], $1)
                    }
                }
            }
        }
    }()

    static let sequencePools: [OpCase] = SequencePool.Kind.allCases.flatMap { kind in
        [false, true].flatMap { isBidirectional in
            [[1, 2], [5, 8], [3, 130]].map { (shape: Shape) in
                let op = SequencePool(kind, isBidirectional: isBidirectional)
                return OpCase(op, on: shape) { inputs, _ in Reference.sequencePool(op, inputs[0]) }
            }
        }
    }

    static let attentions: [OpCase] = {
        let sizes = [(1, 1, 1), (5, 7, 9), (8, 64, 65), (33, 65, 8), (2000, 700, 3)]
        let ops = sizes.flatMap { steps, values, keys in
            [
                (steps, values + keys, Attention(.dot, values: values, keys: keys)),
                (steps, values, Attention(.dot, values: values, keys: values)),
                (steps, values + keys, Attention(.additive, values: values, keys: keys)),
                (steps, values + keys, Attention(.additive, values: values, keys: keys, hasBias: false)),
            ]
        }
        return ops.map { steps, width, op in
            var row = OpCase(op, on: [steps, width], tolerance: 1e-5) {
                Reference.attention(op, memory: $0[0], query: $0[1], $1)
            }
            row.prelude = { graph in
                let pool = SequencePool(.last, isBidirectional: false)
                let last = try graph.add(pool, name: "pool", inputs: [.input])
                let query = Linear(inputs: width, outputs: op.keys)
                return [.input, try graph.add(query, name: "query", inputs: [last])]
            }
            return row
        }
    }()

    static let flattens: [OpCase] = [[1], [3, 5], [7, 3, 3]].map { (shape: Shape) in
        OpCase(Flatten(), on: shape) { inputs, _ in Reference.Array([shape.elementCount], inputs[0].values) }
    }
}
