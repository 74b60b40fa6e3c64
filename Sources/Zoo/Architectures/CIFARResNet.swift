internal import Engine

/// Residual networks for CIFAR-10. He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016,
/// §4.2: 6n + 2 layers, three stages of 2n convolutions with 16, 32 and 64 filters.
///
/// Option `shortcut`: `A`, the paper's, pads the channels with zeros; `B` projects, with torchvision's `downsample`
/// names. All names are those of torchvision's ImageNet networks.
///
/// `resnext29_8x64d`: Xie et al., "Aggregated residual transformations for deep neural networks", CVPR 2017, §5.4.
extension Architecture {
    static let cifarResNets = [20, 32, 44, 56, 110].map(cifarResNet) + [resNeXt29]

    private static func cifarResNet(layers: Int) -> Architecture {
        let depth = (layers - 2) / 6
        let options = ["shortcut": OptionRule.choice(["A", "B"])]
        return Architecture("resnet\(layers)", size: 32, classes: 10, options: options) { classes, model in
            let projects = model.options.string("shortcut") == "B"
            // swift-format-ignore
            return [                                                        //  C ×  H ×  W
                .conv("conv1", 16, kernel: 3, pad: 1, bias: false),         // 16 × 32 × 32
                .batchNorm("bn1"), .relu,
                stage(1, depth, width: 16, projects: projects),             // 16 × 32 × 32
                stage(2, depth, width: 32, projects: projects),             // 32 × 16 × 16
                stage(3, depth, width: 64, projects: projects),             // 64 ×  8 ×  8
                .globalAveragePool, .flatten, .linear("fc", classes), .softmax,
            ]
        }
    }

    private static let resNeXt29 = Architecture("resnext29_8x64d", size: 32, classes: 10) { classes, _ in
        // swift-format-ignore
        [                                                                   //   C  ×  H ×  W
            .conv("conv1", 64, kernel: 3, pad: 1, bias: false),             //   64 × 32 × 32
            .batchNorm("bn1"), .relu,
            aggregated(1, width:  64),                                      //  256 × 32 × 32
            aggregated(2, width: 128),                                      //  512 × 16 × 16
            aggregated(3, width: 256),                                      // 1024 ×  8 ×  8
            .globalAveragePool, .flatten, .linear("fc", classes), .softmax,
        ]
    }

    private static func aggregated(_ number: Int, width: Int) -> Layer {
        let stride = number == 1 ? 1 : 2
        let shortcut = [Layer.projection(width * 4, stride: stride)]
        let block = ResidualBlock.bottleneck(groups: 8, width: 64)
        return .block("layer\(number)", block.stage(3, width: width, stride: stride, shortcut: shortcut))
    }

    private static func stage(_ number: Int, _ depth: Int, width: Int, projects: Bool) -> Layer {
        let stride = number == 1 ? 1 : 2
        let change: Layer = projects ? .projection(width, stride: 2) : .padShortcut(width, stride: 2)
        let shortcut = number == 1 ? [] : [change]
        return .block(
            "layer\(number)",
            ResidualBlock.basic.stage(depth, width: width, stride: stride, shortcut: shortcut)
        )
    }
}
