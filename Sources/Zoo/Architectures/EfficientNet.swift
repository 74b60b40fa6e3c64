internal import Engine

/// EfficientNets: inverted residuals with gates, scaled in depth, width and resolution together.
///
/// v1: Tan, Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019, Table 1 and §3.3;
/// tensor names are torchvision's, or timm's (`efficientnet_b0` …) when the weights have `blocks`. v2: Tan, Le,
/// "EfficientNetV2: smaller models and faster training", ICML 2021, Table 4, whose first stages have one full convolution
/// for an expansion and a depthwise one; names likewise (`efficientnetv2_s` …). As torchvision has it, b5 to b7 and v2 have an ε of 0.001.
extension Architecture {
    // swift-format-ignore
    static let efficientNets = [
        efficientNet("efficientnet_b0", size: 224, width: 1.0, depth: 1.0),
        efficientNet("efficientnet_b1", size: 240, width: 1.0, depth: 1.1),
        efficientNet("efficientnet_b2", size: 288, width: 1.1, depth: 1.2),
        efficientNet("efficientnet_b3", size: 300, width: 1.2, depth: 1.4),
        efficientNet("efficientnet_b4", size: 380, width: 1.4, depth: 1.8),
        efficientNet("efficientnet_b5", size: 456, width: 1.6, depth: 2.2, epsilon: 1e-3),
        efficientNet("efficientnet_b6", size: 528, width: 1.8, depth: 2.6, epsilon: 1e-3),
        efficientNet("efficientnet_b7", size: 600, width: 2.0, depth: 3.1, epsilon: 1e-3),
        efficientNet("efficientnet_v2_s", size: 384, epsilon: 1e-3, stem: 24, head: 1280, [
            Stage(t: 1, k: 3, s: 1, c:  24, n:  2, isFused: true),
            Stage(t: 4, k: 3, s: 2, c:  48, n:  4, isFused: true),
            Stage(t: 4, k: 3, s: 2, c:  64, n:  4, isFused: true),
            Stage(t: 4, k: 3, s: 2, c: 128, n:  6),
            Stage(t: 6, k: 3, s: 1, c: 160, n:  9),
            Stage(t: 6, k: 3, s: 2, c: 256, n: 15),
        ]),
        efficientNet("efficientnet_v2_m", size: 480, epsilon: 1e-3, stem: 24, head: 1280, [
            Stage(t: 1, k: 3, s: 1, c:  24, n:  3, isFused: true),
            Stage(t: 4, k: 3, s: 2, c:  48, n:  5, isFused: true),
            Stage(t: 4, k: 3, s: 2, c:  80, n:  5, isFused: true),
            Stage(t: 4, k: 3, s: 2, c: 160, n:  7),
            Stage(t: 6, k: 3, s: 1, c: 176, n: 14),
            Stage(t: 6, k: 3, s: 2, c: 304, n: 18),
            Stage(t: 6, k: 3, s: 1, c: 512, n:  5),
        ]),
        efficientNet("efficientnet_v2_l", size: 480, epsilon: 1e-3, stem: 32, head: 1280, [
            Stage(t: 1, k: 3, s: 1, c:  32, n:  4, isFused: true),
            Stage(t: 4, k: 3, s: 2, c:  64, n:  7, isFused: true),
            Stage(t: 4, k: 3, s: 2, c:  96, n:  7, isFused: true),
            Stage(t: 4, k: 3, s: 2, c: 192, n: 10),
            Stage(t: 6, k: 3, s: 1, c: 224, n: 19),
            Stage(t: 6, k: 3, s: 2, c: 384, n: 25),
            Stage(t: 6, k: 3, s: 1, c: 640, n:  7),
        ]),
    ]

    private typealias Stage = EfficientStage

    /// A network of v1, `width` times as wide and `depth` times as deep as b0.
    private static func efficientNet(
        _ name: String,
        size: Int,
        width: Double,
        depth: Double,
        epsilon: Float = 1e-5
    ) -> Architecture {
        // swift-format-ignore
        let stages = [                                    //   C ×   H ×   W of b0
            Stage(t: 1, k: 3, s: 1, c:  16, n: 1),        //  16 × 112 × 112
            Stage(t: 6, k: 3, s: 2, c:  24, n: 2),        //  24 ×  56 ×  56
            Stage(t: 6, k: 5, s: 2, c:  40, n: 2),        //  40 ×  28 ×  28
            Stage(t: 6, k: 3, s: 2, c:  80, n: 3),        //  80 ×  14 ×  14
            Stage(t: 6, k: 5, s: 1, c: 112, n: 3),        // 112 ×  14 ×  14
            Stage(t: 6, k: 5, s: 2, c: 192, n: 4),        // 192 ×   7 ×   7
            Stage(t: 6, k: 3, s: 1, c: 320, n: 1),        // 320 ×   7 ×   7
        ].map { $0.scaled(width: width, depth: depth) }
        return efficientNet(
            name,
            size: size,
            epsilon: epsilon,
            stem: Int(channels: 32 * width),
            head: 4 * (stages.last?.c ?? 0),
            stages
        )
    }

    private static func efficientNet(
        _ name: String,
        size: Int,
        epsilon: Float,
        stem: Int,
        head: Int,
        _ stages: [Stage]
    ) -> Architecture {
        Architecture(name, size: Extent(size)) { classes, model in
            let isTimm = model.hasTensors(under: "blocks.")
            // timm leaves ε at PyTorch's own.
            let epsilon = isTimm ? 1e-5 : epsilon
            let first = isTimm ? ("conv_stem", "bn1") : ("features.0.0", "features.0.1")
            var layers = Layer.normed(first, stem, kernel: 3, stride: 2, epsilon: epsilon) + [.silu]
            var inputs = stem
            for (number, stage) in stages.enumerated() {
                let blocks = (0..<stage.n).map { index in
                    defer { inputs = stage.c }
                    return Layer.block(
                        "\(index)",
                        stage.layers(index, inputs: inputs, epsilon: epsilon, isTimm ? .timm : .torchvision)
                    )
                }
                layers.append(.block(isTimm ? "blocks.\(number)" : "features.\(number + 1)", blocks))
            }
            let last = stages.count + 1
            let names =
                isTimm ? ("conv_head", "bn2") : ("features.\(last).0", "features.\(last).1")
            return layers + Layer.normed(names, head, epsilon: epsilon) + [
                .silu, .globalAveragePool, .flatten, .dropout,
                .linear(isTimm ? "classifier" : "classifier.1", classes), .softmax,
            ]
        }
    }
}

/// A row of the papers' tables: expansion, kernel, stride of the first block, channels, blocks.
private struct EfficientStage {
    let t: Int
    let k: Int
    let s: Int
    let c: Int
    let n: Int
    var isFused = false

    func scaled(width: Double, depth: Double) -> EfficientStage {
        let blocks = Int((Double(n) * depth).rounded(.up))
        return EfficientStage(t: t, k: k, s: s, c: Int(channels: Double(c) * width), n: blocks)
    }

    /// The block of a number, to which `inputs` channels come.
    func layers(
        _ index: Int,
        inputs: Int,
        epsilon: Float,
        _ naming: InvertedResidual.Naming
    ) -> [Layer] {
        let stride = index == 0 ? s : 1
        if isFused { return fused(inputs: inputs, stride: stride, epsilon: epsilon, naming) }
        let block = InvertedResidual(
            inputs: inputs,
            expanded: inputs * t,
            outputs: c,
            kernel: k,
            stride: stride,
            squeezed: max(1, inputs / 4),
            activation: .silu,
            gate: (.silu, .sigmoid),
            epsilon: epsilon
        )
        return block.layers(naming)
    }

    private func fused(
        inputs: Int,
        stride: Int,
        epsilon: Float,
        _ naming: InvertedResidual.Naming
    ) -> [Layer] {
        var names = (first: ("block.0.0", "block.0.1"), second: ("block.1.0", "block.1.1"))
        if case .timm = naming {
            names = (t == 1 ? ("conv", "bn1") : ("conv_exp", "bn1"), ("conv_pwl", "bn2"))
        }
        let first = Layer.normed(
            names.first,
            t == 1 ? c : inputs * t,
            kernel: k,
            stride: stride,
            epsilon: epsilon
        )
        let projection = t == 1 ? [] : Layer.normed(names.second, c, epsilon: epsilon)
        let layers = first + [.silu] + projection
        return stride == 1 && inputs == c ? [.residual(layers)] : layers
    }
}
