internal import Engine

/// Residual networks for ImageNet. He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016,
/// §3.3 and Table 1, with shortcut B.
///
/// Wide: Zagoruyko, Komodakis, "Wide residual networks", BMVC 2016: twice the width inside a bottleneck. ResNeXt: Xie,
/// Girshick, Dollár, Tu, He, "Aggregated residual transformations for deep neural networks", CVPR 2017, Table 1.
///
/// Tensor names are torchvision's, which timm shares. As there ("v1.5"), a bottleneck's stride is in its 3×3
/// convolution; the paper has it in the first 1×1.
extension Architecture {
    // swift-format-ignore
    static let resNets = [
        resNet("resnet18",  .basic,        [2, 2,  2, 2]),
        resNet("resnet34",  .basic,        [3, 4,  6, 3]),
        resNet("resnet26",  .bottleneck(), [2, 2,  2, 2]),
        resNet("resnet50",  .bottleneck(), [3, 4,  6, 3]),
        resNet("resnet101", .bottleneck(), [3, 4, 23, 3]),
        resNet("resnet152", .bottleneck(), [3, 8, 36, 3]),
        resNet("wide_resnet50_2",   .bottleneck(width: 128),             [3, 4,  6, 3]),
        resNet("wide_resnet101_2",  .bottleneck(width: 128),             [3, 4, 23, 3]),
        resNet("resnext50_32x4d",   .bottleneck(groups: 32, width:  4),  [3, 4,  6, 3]),
        resNet("resnext101_32x4d",  .bottleneck(groups: 32, width:  4),  [3, 4, 23, 3]),
        resNet("resnext101_32x8d",  .bottleneck(groups: 32, width:  8),  [3, 4, 23, 3]),
        resNet("resnext101_32x16d", .bottleneck(groups: 32, width: 16),  [3, 4, 23, 3]),
        resNet("resnext101_64x4d",  .bottleneck(groups: 64, width:  4),  [3, 4, 23, 3]),
    ]
}

/// Residual networks with other stems and shortcuts, as timm names them.
///
/// `c`, `d`, `s`: He et al., "Bag of tricks for image classification with convolutional neural networks", CVPR 2019, §4.2 and
/// Figure 2: three 3×3 convolutions for the first, and with `d` shortcuts that average before they project; `t` is `d` with
/// tiered widths in the stem. `rs`: Bello et al., "Revisiting ResNets", NeurIPS 2021, Table 6: `d` with a strided convolution
/// for the first pool, and gates of a quarter. `aa`: means of 2×2 pixels instead of strides, after Zhang, "Making convolutional
/// networks shift-invariant again", ICML 2019.
extension Architecture {
    // swift-format-ignore
    static let resNetVariants = [
        resNet("resnet50c",  .bottleneck(), [3, 4,  6, 3], stem: .deep()),
        resNet("resnet101c", .bottleneck(), [3, 4, 23, 3], stem: .deep()),
        resNet("resnet152c", .bottleneck(), [3, 8, 36, 3], stem: .deep()),
        resNet("resnet50s",  .bottleneck(), [3, 4,  6, 3], stem: .deep(64, 64, 128)),
        resNet("resnet101s", .bottleneck(), [3, 4, 23, 3], stem: .deep(64, 64, 128)),
        resNet("resnet152s", .bottleneck(), [3, 8, 36, 3], stem: .deep(64, 64, 128)),
        resNet("resnet18d",  .basic,        [2, 2,  2, 2], stem: .deep(), averages: true),
        resNet("resnet26d",  .bottleneck(), [2, 2,  2, 2], stem: .deep(), averages: true),
        resNet("resnet34d",  .basic,        [3, 4,  6, 3], stem: .deep(), averages: true),
        resNet("resnet50d",  .bottleneck(), [3, 4,  6, 3], stem: .deep(), averages: true),
        resNet("resnet101d", .bottleneck(), [3, 4, 23, 3], stem: .deep(), averages: true),
        resNet("resnet152d", .bottleneck(), [3, 8, 36, 3], stem: .deep(), averages: true),
        resNet("resnet200d", .bottleneck(), [3, 24, 36, 3], stem: .deep(), averages: true),
        resNet("resnet10t",  .basic,        [1, 1, 1, 1], size: 176, stem: .tiered, averages: true),
        resNet("resnet14t",  .bottleneck(), [1, 1, 1, 1], size: 176, stem: .tiered, averages: true),
        resNet("resnet26t",  .bottleneck(), [2, 2, 2, 2], size: 256, stem: .tiered, averages: true),
        resNet("resnet50t",  .bottleneck(), [3, 4, 6, 3], stem: .tiered, averages: true),
        resNet("resnext50d_32x4d", .bottleneck(groups: 32, width: 4), [3, 4, 6, 3], stem: .deep(), averages: true),
        resNet("resnetrs50",  .bottleneck(), [3, 4,  6, 3], size: 160, stem: .strided, averages: true, gate: .squeezeExcite(4)),
        resNet("resnetrs101", .bottleneck(), [3, 4, 23, 3], size: 192, stem: .strided, averages: true, gate: .squeezeExcite(4)),
        resNet("resnetrs152", .bottleneck(), [3, 8, 36, 3], size: 256, stem: .strided, averages: true, gate: .squeezeExcite(4)),
        resNet("resnetrs200", .bottleneck(), [3, 24, 36, 3], size: 256, stem: .strided, averages: true, gate: .squeezeExcite(4)),
        resNet("resnetrs270", .bottleneck(), [4, 29, 53, 4], size: 256, stem: .strided, averages: true, gate: .squeezeExcite(4)),
        resNet("resnetrs350", .bottleneck(), [4, 36, 72, 4], size: 288, stem: .strided, averages: true, gate: .squeezeExcite(4)),
        resNet("resnetrs420", .bottleneck(), [4, 44, 87, 4], size: 320, stem: .strided, averages: true, gate: .squeezeExcite(4)),
        resNet("resnetaa50",   .bottleneck(), [3, 4,  6, 3], size: 256, smooths: true),
        resNet("resnetaa50d",  .bottleneck(), [3, 4,  6, 3], stem: .deep(), averages: true, smooths: true),
        resNet("resnetaa101d", .bottleneck(), [3, 4, 23, 3], stem: .deep(), averages: true, smooths: true),
        resNet("seresnextaa101d_32x8d", .bottleneck(groups: 32, width: 8), [3, 4, 23, 3], size: 288, stem: .deep(), averages: true, smooths: true, gate: .squeezeExcite(16)),
        resNet("seresnextaa201d_32x8d", .bottleneck(groups: 32, width: 8), [3, 24, 36, 4], size: 320, stem: .deep(64, 64, 128), averages: true, smooths: true, gate: .squeezeExcite(16)),
    ]
}

/// Residual networks with a gate at the end of each block, as timm names them.
///
/// `se`: Hu, Shen, Sun, "Squeeze-and-excitation networks", CVPR 2018, Figure 3. `eca`: Wang et al., "ECA-Net: efficient
/// channel attention for deep convolutional neural networks", CVPR 2020, Figure 2.
extension Architecture {
    // swift-format-ignore
    static let gatedResNets = [
        resNet("seresnet18",   .basic,        [2, 2,  2, 2], gate: .squeezeExcite(16)),
        resNet("seresnet34",   .basic,        [3, 4,  6, 3], gate: .squeezeExcite(16)),
        resNet("seresnet50",   .bottleneck(), [3, 4,  6, 3], gate: .squeezeExcite(16)),
        resNet("seresnet101",  .bottleneck(), [3, 4, 23, 3], gate: .squeezeExcite(16)),
        resNet("seresnet152",  .bottleneck(), [3, 8, 36, 3], gate: .squeezeExcite(16)),
        resNet("seresnet50t",  .bottleneck(), [3, 4,  6, 3], stem: .tiered, averages: true, gate: .squeezeExcite(16)),
        resNet("seresnet152d", .bottleneck(), [3, 8, 36, 3], size: 256, stem: .deep(), averages: true, gate: .squeezeExcite(16)),
        resNet("seresnext26d_32x4d",  .bottleneck(groups: 32, width: 4), [2, 2, 2, 2], stem: .deep(), averages: true, gate: .squeezeExcite(16)),
        resNet("seresnext26t_32x4d",  .bottleneck(groups: 32, width: 4), [2, 2, 2, 2], stem: .tiered, averages: true, gate: .squeezeExcite(16)),
        resNet("seresnext50_32x4d",   .bottleneck(groups: 32, width: 4), [3, 4,  6, 3], gate: .squeezeExcite(16)),
        resNet("seresnext101_32x4d",  .bottleneck(groups: 32, width: 4), [3, 4, 23, 3], gate: .squeezeExcite(16)),
        resNet("seresnext101_32x8d",  .bottleneck(groups: 32, width: 8), [3, 4, 23, 3], gate: .squeezeExcite(16)),
        resNet("seresnext101d_32x8d", .bottleneck(groups: 32, width: 8), [3, 4, 23, 3], stem: .deep(), averages: true, gate: .squeezeExcite(16)),
        resNet("seresnext101_64x4d",  .bottleneck(groups: 64, width: 4), [3, 4, 23, 3], gate: .squeezeExcite(16)),
        resNet("ecaresnet26t",  .bottleneck(), [2, 2,  2, 2], size: 256, stem: .tiered, averages: true, gate: .channelConv),
        resNet("ecaresnet50d",  .bottleneck(), [3, 4,  6, 3], stem: .deep(), averages: true, gate: .channelConv),
        resNet("ecaresnet50t",  .bottleneck(), [3, 4,  6, 3], size: 256, stem: .tiered, averages: true, gate: .channelConv),
        resNet("ecaresnet101d", .bottleneck(), [3, 4, 23, 3], stem: .deep(), averages: true, gate: .channelConv),
        resNet("ecaresnet269d", .bottleneck(), [3, 30, 48, 8], size: 320, stem: .deep(), averages: true, gate: .channelConv),
        resNet("ecaresnetlight", .bottleneck(), [1, 1, 11, 3], averages: true, gate: .channelConv),
        resNet("ecaresnext26t_32x4d", .bottleneck(groups: 32, width: 4), [2, 2, 2, 2], stem: .tiered, averages: true, gate: .channelConv),
        resNet("ecaresnext50t_32x4d", .bottleneck(groups: 32, width: 4), [3, 4, 6, 3], stem: .tiered, averages: true, gate: .channelConv),
    ]
}

extension Architecture {
    static func resNet(
        _ name: String,
        _ block: ResidualBlock,
        _ depths: [Int],
        size: Int = 224,
        stem: ResidualStem = .plain,
        averages: Bool = false,
        smooths: Bool = false,
        gate: ResidualGate? = nil
    ) -> Architecture {
        @Sendable func stage(_ number: Int, width: Int) -> Layer {
            let (stride, outputs) = (number == 1 ? 1 : 2, width * block.expansion)
            let keepsShape = number == 1 && outputs == stem.width
            let projection = averages ? Layer.averagedProjection : Layer.projection
            let layers = block.stage(
                depths[number - 1],
                width: width,
                stride: stride,
                smooths: smooths,
                shortcut: keepsShape ? [] : [projection(outputs, stride)],
                behind: gate.map { [.block("se", [$0.layer(of: outputs)])] } ?? []
            )
            return .block("layer\(number)", layers)
        }
        return Architecture(name, size: Extent(size)) { classes, _ in
            // swift-format-ignore
            stem.layers(smooths: smooths) + [                                   //   C ×   H ×   W; 64 ×  56 ×  56
                stage(1, width:  64),                                           //  64 ×  56 ×  56, bottleneck × 4
                stage(2, width: 128),                                           // 128 ×  28 ×  28
                stage(3, width: 256),                                           // 256 ×  14 ×  14
                stage(4, width: 512),                                           // 512 ×   7 ×   7
                .globalAveragePool, .flatten, .linear("fc", classes), .softmax,
            ]
        }
    }
}

/// What comes before the blocks: a quarter of the image's height and width.
enum ResidualStem {
    /// A convolution of 7×7.
    case plain
    /// Three of 3×3.
    case deep(Int = 32, Int = 32, Int = 64)
    /// Three of 3×3, and a fourth for the pool.
    case strided

    /// Three of 3×3 of growing widths.
    static let tiered = ResidualStem.deep(24, 32, 64)

    /// Channels that leave it.
    var width: Int { if case .deep(_, _, let width) = self { width } else { 64 } }

    /// Its layers, whose pool takes means where it `smooths`.
    func layers(smooths: Bool) -> [Layer] {
        let pool = smooths ? Layer.averagePool(2, stride: 2) : .maxPool(3, stride: 2, pad: 1)
        switch self {
        case .plain:
            return [
                .conv("conv1", 64, kernel: 7, stride: 2, pad: 3, bias: false), .batchNorm("bn1"), .relu, pool,
            ]
        case .deep(let first, let second, let third):
            return Self.convolutions(first, second, third) + [pool]
        case .strided:
            let last = Layer.normed(("maxpool.0", "maxpool.1"), 64, kernel: 3, stride: 2)
            return Self.convolutions(32, 32, 64) + last + [.relu]
        }
    }

    private static func convolutions(_ first: Int, _ second: Int, _ third: Int) -> [Layer] {
        Layer.normed(("conv1.0", "conv1.1"), first, kernel: 3, stride: 2) + [.relu]
            + Layer.normed(("conv1.3", "conv1.4"), second, kernel: 3) + [.relu]
            + Layer.normed(("conv1.6", "bn1"), third, kernel: 3) + [.relu]
    }
}

/// The gate at the end of a block.
enum ResidualGate {
    /// Two layers, the first of which has so many times fewer channels.
    case squeezeExcite(Int)
    /// A convolution over the channels.
    case channelConv

    func layer(of channels: Int) -> Layer {
        switch self {
        case .squeezeExcite(let reduction): .squeezeExcite(max(8, channels / reduction), of: channels)
        case .channelConv: .channelAttention("conv", of: channels)
        }
    }
}

/// The two residual blocks of He et al.'s Figure 5.
enum ResidualBlock {
    case basic
    /// The middle convolution has `groups` groups, each of `width` channels when the stage's width is 64.
    case bottleneck(groups: Int = 1, width: Int = 64)
    /// A bottleneck whose middle convolution is one of each of several parts of its channels.
    case scales(groups: Int = 1, width: Int, scales: Int)

    /// Channels that leave a block for each of its width.
    var expansion: Int {
        switch self {
        case .basic: 1
        case .bottleneck, .scales: 4
        }
    }

    /// The blocks of one resolution, the first of which has the stride and the shortcut.
    ///
    /// All have the layers `behind` their own. A bottleneck that `smooths` takes means of 2×2 pixels for its stride.
    func stage(
        _ depth: Int,
        width: Int,
        stride: Int,
        smooths: Bool = false,
        shortcut: [Layer],
        behind: [Layer] = []
    ) -> [Layer] {
        (0..<depth).map { index in
            let isFirst = index == 0
            let layers =
                layers(width, stride: isFirst ? stride : 1, smooths: smooths, isFirst: isFirst) + behind
            return .block("\(index)", [.residual(layers, shortcut: isFirst ? shortcut : []), .relu])
        }
    }

    private func layers(_ width: Int, stride: Int, smooths: Bool, isFirst: Bool) -> [Layer] {
        switch self {
        case .basic:
            return Layer.normed(("conv1", "bn1"), width, kernel: 3, stride: stride) + [.relu]
                + Layer.normed(("conv2", "bn2"), width, kernel: 3)
        case .bottleneck(let groups, let groupWidth):
            let inner = width * groupWidth / 64 * groups
            let mean: [Layer] = smooths && stride == 2 ? [.averagePool(2, stride: 2)] : []
            return Layer.normed(("conv1", "bn1"), inner) + [.relu]
                + Layer.normed(
                    ("conv2", "bn2"),
                    inner,
                    kernel: 3,
                    stride: smooths ? 1 : stride,
                    groups: groups
                )
                + [.relu] + mean
                + Layer.normed(("conv3", "bn3"), width * 4)
        case .scales(let groups, let groupWidth, let scales):
            let middle = ScaledConvolutions(
                groups: groups,
                width: width * groupWidth / 64 * groups,
                scales: scales,
                stride: stride,
                isFirst: isFirst
            )
            return Layer.normed(("conv1", "bn1"), middle.width * scales) + [.relu] + middle.layers
                + Layer.normed(("conv3", "bn3"), width * 4)
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
