internal import Engine

/// ShuffleNet V2. Ma, Zhang, Zheng, Sun, "ShuffleNet V2: practical guidelines for efficient CNN architecture design",
/// ECCV 2018, Table 5 and Figure 3 (c) and (d). Tensor names are torchvision's.
extension Architecture {
    static let shuffleNetV2s = [
        shuffleNetV2("shufflenet_v2_x0_5", widths: [48, 96, 192], last: 1024),
        shuffleNetV2("shufflenet_v2_x1_0", widths: [116, 232, 464], last: 1024),
        shuffleNetV2("shufflenet_v2_x1_5", widths: [176, 352, 704], last: 1024),
        shuffleNetV2("shufflenet_v2_x2_0", widths: [244, 488, 976], last: 2048),
    ]

    private static func shuffleNetV2(_ name: String, widths: [Int], last: Int) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            // swift-format-ignore
            [                                                                              //      C ×   H ×   W
                .conv("conv1.0", 24, kernel: 3, stride: 2, pad: 1, bias: false),           //     24 × 112 × 112
                .batchNorm("conv1.1"), .relu,
                .maxPool(3, stride: 2, pad: 1, name: "maxpool"),                           //     24 ×  56 ×  56
                stage(2, depth: 4, inputs: 24, width: widths[0]),                          // widths ×  28 ×  28
                stage(3, depth: 8, inputs: widths[0], width: widths[1]),                   //        ×  14 ×  14
                stage(4, depth: 4, inputs: widths[1], width: widths[2]),                   //        ×   7 ×   7
                .conv("conv5.0", last, kernel: 1, bias: false), .batchNorm("conv5.1"), .relu,
                .globalAveragePool, .flatten, .linear("fc", classes), .softmax,
            ]
        }
    }

    /// A block that halves the image, then blocks that leave half of the channels as they are.
    private static func stage(_ number: Int, depth: Int, inputs: Int, width: Int) -> Layer {
        let half = width / 2
        let shuffle = Layer.selectChannels((0..<width).map { $0 % 2 * half + $0 / 2 })
        let first = Layer.concat([
            depthwise("branch1", 0, inputs, stride: 2) + pointwise("branch1", 2, half),
            main(half: half, stride: 2),
        ])
        let other = Layer.concat([
            [.selectChannels(Array(0..<half))],
            [.selectChannels(Array(half..<width))] + main(half: half, stride: 1),
        ])
        return .block(
            "stage\(number)",
            (0..<depth).map { .block("\($0)", [$0 == 0 ? first : other, shuffle]) }
        )
    }

    private static func main(half: Int, stride: Int) -> [Layer] {
        pointwise("branch2", 0, half) + depthwise("branch2", 3, half, stride: stride)
            + pointwise("branch2", 5, half)
    }

    private static func pointwise(_ branch: String, _ number: Int, _ channels: Int) -> [Layer] {
        [
            .conv("\(branch).\(number)", channels, kernel: 1, bias: false),
            .batchNorm("\(branch).\(number + 1)"), .relu,
        ]
    }

    private static func depthwise(_ branch: String, _ number: Int, _ channels: Int, stride: Int) -> [Layer] {
        [
            .conv(
                "\(branch).\(number)",
                channels,
                kernel: 3,
                stride: stride,
                pad: 1,
                groups: channels,
                bias: false
            ),
            .batchNorm("\(branch).\(number + 1)"),
        ]
    }
}
