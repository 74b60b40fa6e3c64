internal import Engine

/// ConvNeXts. Liu et al., "A ConvNet for the 2020s", CVPR 2022, Table 9 and Figure 4. V2, with a norm between the two layers
/// of a block for the factors behind it: Woo et al., "ConvNeXt V2", CVPR 2023, Figure 5.
///
/// Tensor names are torchvision's, or timm's when the weights have `stages`; sizes below tiny, which are timm's, have timm's,
/// and convolutions for the fully connected layers. `_ols`: timm's, whose stem is two overlapping convolutions.
extension Architecture {
    // swift-format-ignore
    static let convNeXts = [
        convNeXt("convnext_tiny",   [3, 3,  9, 3], width:  96, .torchvision),
        convNeXt("convnext_small",  [3, 3, 27, 3], width:  96, .torchvision),
        convNeXt("convnext_base",   [3, 3, 27, 3], width: 128, .torchvision),
        convNeXt("convnext_large",  [3, 3, 27, 3], width: 192, .torchvision),
        convNeXt("convnext_xlarge", [3, 3, 27, 3], width: 256, .timm()),
        convNeXt("convnext_atto",   [2, 2,  6, 2], width:  40, .timm(isConv: true)),
        convNeXt("convnext_femto",  [2, 2,  6, 2], width:  48, .timm(isConv: true)),
        convNeXt("convnext_pico",   [2, 2,  6, 2], width:  64, .timm(isConv: true)),
        convNeXt("convnext_nano",   [2, 2,  8, 2], width:  80, .timm(isConv: true)),
        convNeXt("convnext_atto_ols",  [2, 2, 6, 2], width: 40, .timm(isConv: true, overlap: 24)),
        convNeXt("convnext_femto_ols", [2, 2, 6, 2], width: 48, .timm(isConv: true, overlap: 24)),
        convNeXt("convnext_pico_ols",  [2, 2, 6, 2], width: 64, .timm(isConv: true, overlap: 32)),
        convNeXt("convnext_nano_ols",  [2, 2, 8, 2], width: 80, .timm(isConv: true, overlap: 80)),
        convNeXt("convnextv2_atto",  [2, 2,  6, 2], width:  40, .timm(isConv: true), isV2: true),
        convNeXt("convnextv2_femto", [2, 2,  6, 2], width:  48, .timm(isConv: true), isV2: true),
        convNeXt("convnextv2_pico",  [2, 2,  6, 2], width:  64, .timm(isConv: true), isV2: true),
        convNeXt("convnextv2_nano",  [2, 2,  8, 2], width:  80, .timm(isConv: true), isV2: true),
        convNeXt("convnextv2_tiny",  [3, 3,  9, 3], width:  96, .timm(), isV2: true),
        convNeXt("convnextv2_base",  [3, 3, 27, 3], width: 128, .timm(), isV2: true),
        convNeXt("convnextv2_large", [3, 3, 27, 3], width: 192, .timm(), isV2: true),
    ]

    private static func convNeXt(
        _ name: String,
        _ depths: [Int],
        width: Int,
        _ library: ConvNeXtNaming,
        isV2: Bool = false
    ) -> Architecture {
        Architecture(name, size: 224) { classes, model in
            let naming = model.hasTensors(under: "stages.") ? library.ofTimm : library
            var layers = naming.stem(width) // width × 56 × 56
            for (stage, depth) in depths.enumerated() {
                let width = width << stage
                // Each stage is half as high and wide.
                if stage > 0 { layers += naming.downsampling(stage, width) }
                layers += (0..<depth).map { index in
                    let branch = naming.branch(width, isV2: isV2)
                    return .block(naming.block(stage, index), [.residual(branch)])
                }
            }
            layers += [.globalAveragePool, .channelNorm(naming.lastNorm), .flatten]
            return layers + [.linear(naming.head, classes), .softmax]
        }
    }
}

/// What a library calls the parts, and how it has the layers at single pixels.
private enum ConvNeXtNaming {
    case torchvision
    /// With convolutions for fully connected layers, and a stem of two convolutions, the first of so many channels.
    case timm(isConv: Bool = false, overlap: Int? = nil)

    /// The same network in timm's names.
    var ofTimm: ConvNeXtNaming { if case .torchvision = self { .timm() } else { self } }

    func stem(_ width: Int) -> [Layer] {
        switch self {
        case .torchvision:
            [.conv("features.0.0", width, kernel: 4, stride: 4), .channelNorm("features.0.1")]
        case .timm(_, nil):
            [.conv("stem.0", width, kernel: 4, stride: 4), .channelNorm("stem.1")]
        case .timm(_, let first?):
            [
                .conv("stem.0", first, kernel: 3, stride: 2, pad: 1),
                .conv("stem.1", width, kernel: 3, stride: 2, pad: 1), .channelNorm("stem.2"),
            ]
        }
    }

    /// Before a stage from 1.
    func downsampling(_ stage: Int, _ width: Int) -> [Layer] {
        let prefix =
            if case .torchvision = self { "features.\(2 * stage)" } else { "stages.\(stage).downsample" }
        return [.channelNorm("\(prefix).0"), .conv("\(prefix).1", width, kernel: 2, stride: 2)]
    }

    func block(_ stage: Int, _ index: Int) -> String {
        if case .torchvision = self {
            "features.\(2 * stage + 1).\(index)"
        } else {
            "stages.\(stage).blocks.\(index)"
        }
    }

    func branch(_ width: Int, isV2: Bool) -> [Layer] {
        let depthwise = { name in Layer.conv(name, width, kernel: 7, pad: 3, groups: width) }
        switch self {
        case .torchvision:
            return [
                depthwise("block.0"), .channelNorm("block.2"),
                .pointwise("block.3", 4 * width), .gelu, .pointwise("block.5", width),
                .layerScale("layer_scale", isImage: true),
            ]
        case .timm(let isConv, _):
            let layer = { name, filters in
                isConv ? Layer.conv(name, filters, kernel: 1) : .pointwise(name, filters)
            }
            return [depthwise("conv_dw"), .channelNorm("norm"), layer("mlp.fc1", 4 * width), .gelu]
                + (isV2 ? [.responseNorm("mlp.grn")] : []) + [layer("mlp.fc2", width)]
                + (isV2 ? [] : [.layerScale("gamma")])
        }
    }

    var lastNorm: String { if case .torchvision = self { "classifier.0" } else { "head.norm" } }
    var head: String { if case .torchvision = self { "classifier.2" } else { "head.fc" } }
}
