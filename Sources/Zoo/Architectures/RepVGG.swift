internal import Engine

/// RepVGGs, as they are trained. Ding et al., "RepVGG: making VGG-style ConvNets great again", CVPR 2021, Tables 1 and 2: a 3×3
/// and a 1×1 convolution and what goes in, each with a norm, are added. Tensor names are timm's.
extension Architecture {
    // swift-format-ignore
    static let repVGGs = [  //       depths             widths
        repVGG("repvgg_a0", [2, 4, 14, 1], [ 48,  96, 192, 1280]),
        repVGG("repvgg_a1", [2, 4, 14, 1], [ 64, 128, 256, 1280]),
        repVGG("repvgg_a2", [2, 4, 14, 1], [ 96, 192, 384, 1408]),
        repVGG("repvgg_b0", [4, 6, 16, 1], [ 64, 128, 256, 1280]),
        repVGG("repvgg_b1", [4, 6, 16, 1], [128, 256, 512, 2048]),
        repVGG("repvgg_b2", [4, 6, 16, 1], [160, 320, 640, 2560]),
        repVGG("repvgg_b3", [4, 6, 16, 1], [192, 384, 768, 2560]),
    ]

    private static func repVGG(_ name: String, _ depths: [Int], _ widths: [Int]) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            let stem = min(64, widths[0])
            // 112 × 112; each stage is half as high and wide as what comes before.
            var layers = [block("stem", inputs: 3, width: stem, stride: 2)]
            var inputs = stem
            for (stage, (depth, width)) in zip(depths, widths).enumerated() {
                for index in 0..<depth {
                    let stride = index == 0 ? 2 : 1
                    layers.append(
                        block("stages.\(stage).\(index)", inputs: inputs, width: width, stride: stride)
                    )
                    inputs = width
                }
            }
            return layers + [.globalAveragePool, .flatten, .linear("head.fc", classes), .softmax]
        }
    }

    private static func block(_ name: String, inputs: Int, width: Int, stride: Int) -> Layer {
        let large = Layer.normed(("conv_kxk.conv", "conv_kxk.bn"), width, kernel: 3, stride: stride)
        let small = Layer.normed(("conv_1x1.conv", "conv_1x1.bn"), width, stride: stride)
        let both = Layer.residual(large, shortcut: small)
        let keepsShape = stride == 1 && inputs == width
        return .block(
            name,
            [keepsShape ? .residual([both], shortcut: [.batchNorm("identity")]) : both, .relu]
        )
    }
}
