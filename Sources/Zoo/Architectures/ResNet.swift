internal import Engine

/// Residual networks for ImageNet. He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016,
/// §3.3 and Table 1, with shortcut B.
///
/// Wide: Zagoruyko, Komodakis, "Wide residual networks", BMVC 2016: twice the width inside a bottleneck. ResNeXt: Xie,
/// Girshick, Dollár, Tu, He, "Aggregated residual transformations for deep neural networks", CVPR 2017, Table 1.
///
/// `d`: He et al., "Bag of tricks for image classification with convolutional neural networks", CVPR 2019, Figure 2: three
/// 3×3 convolutions for the first, and shortcuts that average before they project. `seresnet`: Hu, Shen, Sun,
/// "Squeeze-and-excitation networks", CVPR 2018, Figure 3. Both are timm's.
///
/// Tensor names are torchvision's, which timm shares. As there ("v1.5"), a bottleneck's stride is in its 3×3
/// convolution; the paper has it in the first 1×1.
extension Architecture {
    static let resNets = [
        resNet("resnet18", .basic, depths: [2, 2, 2, 2]),
        resNet("resnet34", .basic, depths: [3, 4, 6, 3]),
        resNet("resnet50", .bottleneck(), depths: [3, 4, 6, 3]),
        resNet("resnet101", .bottleneck(), depths: [3, 4, 23, 3]),
        resNet("resnet152", .bottleneck(), depths: [3, 8, 36, 3]),
        resNet("wide_resnet50_2", .bottleneck(width: 128), depths: [3, 4, 6, 3]),
        resNet("wide_resnet101_2", .bottleneck(width: 128), depths: [3, 4, 23, 3]),
        resNet("resnext50_32x4d", .bottleneck(groups: 32, width: 4), depths: [3, 4, 6, 3]),
        resNet("resnext101_32x8d", .bottleneck(groups: 32, width: 8), depths: [3, 4, 23, 3]),
        resNet("resnext101_64x4d", .bottleneck(groups: 64, width: 4), depths: [3, 4, 23, 3]),
        resNet("resnet18d", .basic, depths: [2, 2, 2, 2], isD: true),
        resNet("resnet26d", .bottleneck(), depths: [2, 2, 2, 2], isD: true),
        resNet("resnet34d", .basic, depths: [3, 4, 6, 3], isD: true),
        resNet("resnet50d", .bottleneck(), depths: [3, 4, 6, 3], isD: true),
        resNet("resnet101d", .bottleneck(), depths: [3, 4, 23, 3], isD: true),
        resNet("resnet152d", .bottleneck(), depths: [3, 8, 36, 3], isD: true),
        resNet("resnet200d", .bottleneck(), depths: [3, 24, 36, 3], isD: true),
        resNet("seresnet18", .basic, depths: [2, 2, 2, 2], isGated: true),
        resNet("seresnet34", .basic, depths: [3, 4, 6, 3], isGated: true),
        resNet("seresnet50", .bottleneck(), depths: [3, 4, 6, 3], isGated: true),
        resNet("seresnet101", .bottleneck(), depths: [3, 4, 23, 3], isGated: true),
        resNet("seresnet152", .bottleneck(), depths: [3, 8, 36, 3], isGated: true),
    ]

    static func resNet(
        _ name: String,
        _ block: ResidualBlock,
        depths: [Int],
        isD: Bool = false,
        isGated: Bool = false
    ) -> Architecture {
        @Sendable func stage(_ number: Int, width: Int) -> Layer {
            let (stride, outputs) = (number == 1 ? 1 : 2, width * block.expansion)
            let keepsShape = number == 1 && block.expansion == 1
            let projection = isD ? Layer.averagedProjection : Layer.projection
            let layers = block.stage(
                depths[number - 1],
                width: width,
                stride: stride,
                shortcut: keepsShape ? [] : [projection(outputs, stride)],
                behind: isGated ? [.block("se", [.squeezeExcite(max(8, outputs / 16), of: outputs)])] : []
            )
            return .block("layer\(number)", layers)
        }
        return Architecture(name, size: 224) { classes, _ in
            // swift-format-ignore
            (isD ? deepStem : stem) + [                                         //   C ×   H ×   W
                .batchNorm("bn1"), .relu,                                       //  64 × 112 × 112
                .maxPool(3, stride: 2, pad: 1),                                 //  64 ×  56 ×  56
                stage(1, width:  64),                                           //  64 ×  56 ×  56, bottleneck × 4
                stage(2, width: 128),                                           // 128 ×  28 ×  28
                stage(3, width: 256),                                           // 256 ×  14 ×  14
                stage(4, width: 512),                                           // 512 ×   7 ×   7
                .globalAveragePool, .flatten, .linear("fc", classes), .softmax,
            ]
        }
    }

    private static let stem = [Layer.conv("conv1", 64, kernel: 7, stride: 2, pad: 3, bias: false)]

    private static let deepStem =
        Layer.normed(("conv1.0", "conv1.1"), 32, kernel: 3, stride: 2) + [.relu]
        + Layer.normed(("conv1.3", "conv1.4"), 32, kernel: 3)
        + [.relu, .conv("conv1.6", 64, kernel: 3, pad: 1, bias: false)]
}

/// The two residual blocks of He et al.'s Figure 5.
enum ResidualBlock {
    case basic
    /// The middle convolution has `groups` groups, each of `width` channels when the stage's width is 64.
    case bottleneck(groups: Int = 1, width: Int = 64)

    /// Channels that leave a block for each of its width.
    var expansion: Int {
        switch self {
        case .basic: 1
        case .bottleneck: 4
        }
    }

    /// The blocks of one resolution, the first of which has the stride and the shortcut; all have the layers `behind`
    /// their own.
    func stage(_ depth: Int, width: Int, stride: Int, shortcut: [Layer], behind: [Layer] = []) -> [Layer] {
        (0..<depth).map { index in
            let layers = layers(width, stride: index == 0 ? stride : 1) + behind
            return .block("\(index)", [.residual(layers, shortcut: index == 0 ? shortcut : []), .relu])
        }
    }

    private func layers(_ width: Int, stride: Int) -> [Layer] {
        switch self {
        // swift-format-ignore
        case .basic:
            [
                .conv("conv1", width, kernel: 3, stride: stride, pad: 1, bias: false), .batchNorm("bn1"),
                .relu,
                .conv("conv2", width, kernel: 3, pad: 1, bias: false), .batchNorm("bn2"),
            ]
        // swift-format-ignore
        case .bottleneck(let groups, let groupWidth):
            [
                .conv("conv1", width * groupWidth / 64 * groups, kernel: 1, bias: false), .batchNorm("bn1"),
                .relu,
                .conv(
                    "conv2",
                    width * groupWidth / 64 * groups,
                    kernel: 3,
                    stride: stride,
                    pad: 1,
                    groups: groups,
                    bias: false
                ),
                .batchNorm("bn2"), .relu,
                .conv("conv3", width * 4, kernel: 1, bias: false), .batchNorm("bn3"),
            ]
        }
    }
}

extension Layer {
    /// Shortcut B: a 1×1 convolution to the new size.
    static func projection(_ channels: Int, stride: Int) -> Layer {
        .block("downsample", normed(("0", "1"), channels, stride: stride))
    }

    /// A 1×1 convolution of the means of 2×2 pixels.
    static func averagedProjection(_ channels: Int, stride: Int) -> Layer {
        let pool = Layer.averagePool(2, stride: stride, roundsUp: true, countsPadding: false, name: "0")
        return .block("downsample", (stride == 1 ? [] : [pool]) + normed(("1", "2"), channels))
    }
}
