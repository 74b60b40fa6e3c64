internal import Engine

/// MnasNet-B1. Tan et al., "MnasNet: platform-aware neural architecture search for mobile", CVPR 2019, Figure 7 without
/// gates, at several widths. Tensor names are torchvision's.
extension Architecture {
    static let mnasNets = [
        mnasNet("mnasnet0_5", width: 0.5), mnasNet("mnasnet0_75", width: 0.75),
        mnasNet("mnasnet1_0", width: 1), mnasNet("mnasnet1_3", width: 1.3),
    ]

    private static func mnasNet(_ name: String, width: Double) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            let channels = [32, 16, 24, 40, 80, 96, 192, 320].map { Int(channels: $0 * width) }
            // swift-format-ignore
            let table = [  // expansion, kernel, stride, repetitions                       //   C ×   H ×   W
                (3, 3, 2, 3),                                                              //  24 ×  56 ×  56
                (3, 5, 2, 3),                                                              //  40 ×  28 ×  28
                (6, 5, 2, 3),                                                              //  80 ×  14 ×  14
                (6, 3, 1, 2),                                                              //  96 ×  14 ×  14
                (6, 5, 2, 4),                                                              // 192 ×   7 ×   7
                (6, 3, 1, 1),                                                              // 320 ×   7 ×   7
            ]
            var layers = Layer.normed(("0", "1"), channels[0], kernel: 3, stride: 2) + [.relu]
            layers += Layer.normed(("3", "4"), channels[0], kernel: 3, groups: channels[0]) + [.relu]
            layers += Layer.normed(("6", "7"), channels[1])
            for (number, (expansion, kernel, stride, repetitions)) in table.enumerated() {
                let (inputs, outputs) = (channels[number + 1], channels[number + 2])
                let blocks = (0..<repetitions).map { index in
                    let width = index == 0 ? inputs : outputs
                    let block = InvertedResidual(
                        inputs: width,
                        expanded: width * expansion,
                        outputs: outputs,
                        kernel: kernel,
                        stride: index == 0 ? stride : 1
                    )
                    return Layer.block("\(index)", block.layers(.mnasNet))
                }
                layers.append(.block("\(8 + number)", blocks))
            }
            layers += Layer.normed(("14", "15"), 1280) + [.relu]
            return [
                .block("layers", layers), .globalAveragePool, .flatten, .dropout,
                .linear("classifier.1", classes), .softmax,
            ]
        }
    }
}
