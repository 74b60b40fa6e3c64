import Engine
import Testing

extension OpCases {
    /// Operations behind a convolution, whose images are in blocks of 16 channels: channels around whole blocks, and
    /// images that are one pixel, one row, or cut unevenly.
    static let blocked: [OpCase] = {
        let images: [Shape] = [
            [1, 1, 1], [7, 5, 9], [16, 14, 15], [17, 1, 23], [48, 8, 7], [65, 21, 4],
        ]
        return images.flatMap { (shape: Shape) in
            blockedPools(shape) + blockedChannels(shape) + blockedJoins(shape)
        } + blockedConvolutions + winogradConvolutions
    }()

    private static func blockedPools(_ shape: Shape) -> [OpCase] {
        let windows =
            [
                Window(1), Window(2, stride: 2, roundsUp: true), Window(3, stride: 2, pad: 1),
                Window(3, pad: 1), Window(3, stride: 2, pad: 1, roundsUp: true),
            ] + unevenWindows
        let kinds: [Pool.Kind] = [.max, .average, .averageInside]
        let pools = windows.flatMap { window in kinds.map { Pool($0, window: window) } }
            .filter { (try? $0.outputShape(of: [shape])) != nil } // not every window fits every image
        return pools.map { op in
            behindConvolution(op, on: shape) { inputs, _ in try Reference.pool(op, inputs[0]) }
        }
            + [AdaptiveAveragePool(height: 1, width: 1), AdaptiveAveragePool(height: 3, width: 2)].map { op in
                behindConvolution(op, on: shape) { inputs, _ in
                    try Reference.adaptiveAveragePool(op, inputs[0])
                }
            }
    }

    private static func blockedChannels(_ shape: Shape) -> [OpCase] {
        let norm = BatchNorm(channels: shape[0])
        let layerNorm = ChannelNorm(channels: shape[0])
        let responses = [
            LocalResponseNorm(), LocalResponseNorm(size: 3, alpha: 0.05, beta: 0.6, k: 1),
            LocalResponseNorm(size: 4, alpha: 0.1),
        ]
        let responseNorm = GlobalResponseNorm(channels: shape[0])
        let layerScale = LayerScale("gamma", channels: shape[0])
        return [
            behindConvolution(norm, on: shape) { Reference.batchNorm(norm, $0[0], $1) },
            behindConvolution(responseNorm, on: shape) {
                Reference.globalResponseNorm(responseNorm, $0[0], $1)
            },
            behindConvolution(layerScale, on: shape) { Reference.layerScale($0[0], $1) },
            channelConv(on: shape),
            behindConvolution(LeakyReLU(), on: shape) { inputs, _ in Reference.leakyReLU(0.01, inputs[0]) },
            behindConvolution(layerNorm, on: shape) { Reference.channelNorm(layerNorm, $0[0], $1) },
            gate(on: shape),
        ]
            + Activation.allCases.map { op in
                behindConvolution(op, on: shape) { inputs, _ in Reference.activation(op, inputs[0]) }
            }
            + responses.map { op in
                behindConvolution(op, on: shape) { inputs, _ in Reference.localResponseNorm(op, inputs[0]) }
            }
    }

    private static func channelConv(on shape: Shape) -> OpCase {
        let op = ChannelConv(kernel: 5)
        var row = OpCase(op, on: shape, tolerance: 4e-6) { Reference.channelConv(op, $0[0], $1) }
        row.prelude = { graph in
            let conv = Conv(inputChannels: shape[0], outputChannels: shape[0], window: Window(1))
            let image = try graph.add(conv, name: "before", inputs: [.input])
            return [try graph.add(AdaptiveAveragePool(height: 1, width: 1), name: "pool", inputs: [image])]
        }
        return row
    }

    private static func gate(on shape: Shape) -> OpCase {
        var row = OpCase(ChannelGate(), on: shape) { inputs, _ in Reference.gate(inputs[0], inputs[1]) }
        row.prelude = { graph in
            let conv = Conv(inputChannels: shape[0], outputChannels: shape[0], window: Window(1))
            let image = try graph.add(conv, name: "before", inputs: [.input])
            let pool = AdaptiveAveragePool(height: 1, width: 1)
            return [image, try graph.add(pool, name: "pool", inputs: [image])]
        }
        return row
    }

    private static func blockedJoins(_ shape: Shape) -> [OpCase] {
        let channels = shape[0]
        let orders = [
            Array((0..<channels).reversed()), Array(channels / 3..<channels), Array(0..<(channels + 1) / 2),
            (0..<channels).map { $0 / 2 + $0 % 2 * (channels / 2) },
        ]
        return [
            behindConvolution(Add(), on: shape, count: 2) { inputs, _ in Reference.add(inputs[0], inputs[1])
            },
            behindConvolution(Concat(), on: shape, count: 3) { inputs, _ in Reference.concat(inputs) },
            behindConvolution(Upsample(2), on: shape) { inputs, _ in
                try Reference.upsample(Upsample(2), inputs[0])
            },
        ]
            + orders.map(SelectChannels.init).map { op in
                behindConvolution(op, on: shape) { inputs, _ in try Reference.selectChannels(op, inputs[0]) }
            }
    }

    /// Convolutions on blocked images; the table of convolutions has those that read the network's input.
    private static let blockedConvolutions: [OpCase] = {
        // swift-format-ignore
        let rows: [(Int, Int, Int, Int, Window, groups: Int)] = [
            // in  out   h   w  window
            ( 16,  16,   1,  1, Window(1),                                               1),
            ( 17,  33,   7,  9, Window(1),                                               1),
            ( 64,  65,  14, 15, Window(1),                                               1),
            ( 32,  48,  15, 14, Window(1, stride: 2),                                    1),
            ( 48,  80,   8,  7, Window(3, pad: 1),                                       1),
            ( 16,  32,  29, 30, Window(3, stride: 2, pad: 1),                            1),
            ( 33,  17,   9,  9, Window(5, stride: 2, pad: 2),                            1),
            ( 16,  16,  11, 12, Window(3, stride: 2, pad: 1, dilation: 3),               1),
            ( 20,  24,   9, 17, Window(height: 1, width: 7, padHeight: 0, padWidth: 3),  1),
            ( 64,  64,   9, 10, Window(3, pad: 1),                                      16),
            ( 40,  40,   9, 11, Window(3, pad: 1),                                      10),
            ( 20,  20,  12, 13, Window(3, stride: 2, pad: 1),                           10),
            ( 72,  72,   7, 16, Window(3, pad: 1),                                       9),
            ( 64,  64,  11, 19, Window(3, pad: 2, dilation: 2),                          8),
            ( 32,  32,   8,  9, Window(1),                                               8),
            ( 48,  48,   8,  9, Window(1, stride: 2),                                   24),
            ( 24,  24,   7,  7, Window(3),                                               3),
            ( 16,  16,  10,  9, Window(5, stride: 2, pad: 2),                            4),
            ( 64,  64,   9, 10, Window(3, stride: 2, pad: 1),                            8),
            ( 96,  64,   7,  8, Window(3, pad: 1),                                       2),
            ( 40,  40,  12, 11, Window(3, pad: 1),                                      40),
            ( 33,  33,  12, 11, Window(3, stride: 2, pad: 1),                           33),
            ( 24,  48,   6,  6, Window(3, pad: 1),                                       3),
            (400,  40,   7,  9, Window(1),                                               1),
            (400,  33,   9, 11, Window(1, stride: 2),                                    1),
            (250,  33,   9, 11, Window(3, stride: 2, pad: 1),                            1),
            ( 33,  48,  14, 13, Window(kernel: 3, strides: 2, pads: lateRow),            1),
            ( 33,  48,  14, 13, Window(kernel: 3, strides: [2, 1], pads: lateRow),       1),
            ( 33,  48,  14, 13, Window(kernel: 1, strides: [1, 2]),                      1),
            ( 33,  48,  14, 13, Window(kernel: 1, strides: [2, 1]),                      1),
            ( 33,  48,  14, 13, Window(kernel: 1, pads: lateRow),                        1),
            ( 33,  48,  14, 13, Window(kernel: 3, strides: [1, 2], dilations: [4, 3]),   1),
            ( 48,  17,  33, 33, Window(kernel: 3, pads: Pads(18), dilations: 18),        1),
            ( 17,  33,   1, 70, Window(kernel: [1, 5], strides: [1, 2], pads: left4),    1),
            ( 17,  33,   1, 70, Window(kernel: [1, 3], pads: left4, dilations: [1, 2]),  1),
            ( 40,  40,  12, 11, Window(kernel: 3, strides: [1, 2], pads: lateRow),      40),
            ( 40,  40,  12, 11, Window(kernel: 3, pads: lateRow, dilations: [2, 1]),    40),
            ( 40,  40,  12, 11, Window(kernel: 3, pads: lateRow, dilations: [2, 1]),    10),
            ( 40,  40,  12, 11, Window(kernel: 3, strides: [2, 1], pads: lateRow),      10),
            ( 40,  40,  12, 11, Window(kernel: 3, strides: [1, 2], pads: lateRow),       5),
        ]
        return rows.map { inputs, outputs, height, width, window, groups in
            let op = Conv(inputChannels: inputs, outputChannels: outputs, window: window, groups: groups)
            return behindConvolution(op, on: [inputs, height, width]) { try Reference.conv(op, $0[0], $1) }
        }
    }()

    /// Convolutions that Winograd's algorithms take, with an error that is larger and bounded.
    private static let winogradConvolutions: [OpCase] = {
        // swift-format-ignore
        let rows: [(Int, Int, Int, Int, Window)] = [
            // in  out   h   w  window
            ( 33,  48,   7,   7, Window(3, pad: 1)),
            ( 64,  65,  14,  15, Window(3, pad: 1)),
            ( 64,  32,  31,  29, Window(3)),
            ( 48,  64,  17,  19, Window(5, pad: 2)),
            ( 64,  64,  17,  18, Window(height: 1, width: 7, padHeight: 0, padWidth: 3)),
            ( 64,  64,  18,  17, Window(height: 7, width: 1, padHeight: 3, padWidth: 0)),
            ( 64,  64,   9,  10, Window(height: 1, width: 3, padHeight: 0, padWidth: 1)),
            ( 64,  64,  10,   9, Window(height: 3, width: 1, padHeight: 1, padWidth: 0)),
            ( 64,  64,  14,  13, Window(kernel: 3, pads: lateRow)),
            ( 64,  48,  15,  14, Window(kernel: 3, pads: Pads(top: 2, left: 0, bottom: 0, right: 3))),
            ( 48,  64,   1,  50, Window(kernel: [1, 3], pads: Pads(top: 0, left: 2, bottom: 0, right: 0))),
        ]
        return rows.map { inputs, outputs, height, width, window in
            let op = Conv(inputChannels: inputs, outputChannels: outputs, window: window)
            let shape: Shape = [inputs, height, width]
            return behindConvolution(op, on: shape, tolerance: 2e-5) { try Reference.conv(op, $0[0], $1) }
        }
    }()

    /// A case whose inputs are the outputs of 1×1 convolutions.
    static func behindConvolution(
        _ op: any Op,
        on shape: Shape,
        count: Int = 1,
        tolerance: Double = 4e-6,
        _ expected: @escaping OpCase.Expected
    ) -> OpCase {
        var row = OpCase(op, on: shape, tolerance: tolerance, expected)
        row.prelude = { graph in
            try (0..<count).map { index in
                let conv = Conv(inputChannels: shape[0], outputChannels: shape[0], window: Window(1))
                return try graph.add(conv, name: "before\(index)", inputs: [.input])
            }
        }
        return row
    }
}
