/// Residual networks for CIFAR-10. He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016,
/// §4.2: 6n + 2 layers, three stages of 2n convolutions with 16, 32 and 64 filters.
///
/// Option `shortcut`: `A`, the paper's, pads the channels with zeros; `B` projects, with torchvision's `downsample`
/// names. All names are those of torchvision's ImageNet networks.
extension Architecture {
    static let cifarResNets = [20, 32, 44, 56, 110].map(cifarResNet)

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
