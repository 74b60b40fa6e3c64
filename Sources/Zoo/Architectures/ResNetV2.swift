internal import Engine

/// Residual networks whose blocks normalise before they convolve. He, Zhang, Ren, Sun, "Identity mappings in deep residual
/// networks", ECCV 2016, Figure 1 (b) and §4: nothing stands on the way of the sums, and a last norm comes behind them.
///
/// `d` and `t` as for `resNetVariants`. Tensor names are timm's; as there, a bottleneck's stride is in its 3×3 convolution.
extension Architecture {
    // swift-format-ignore
    static let resNetV2s = [
        resNetV2("resnetv2_18",   isBasic: true,  [2, 2,  2, 2]),
        resNetV2("resnetv2_34",   isBasic: true,  [3, 4,  6, 3]),
        resNetV2("resnetv2_50",   isBasic: false, [3, 4,  6, 3]),
        resNetV2("resnetv2_101",  isBasic: false, [3, 4, 23, 3]),
        resNetV2("resnetv2_152",  isBasic: false, [3, 8, 36, 3]),
        resNetV2("resnetv2_18d",  isBasic: true,  [2, 2,  2, 2], stem: (32, 32)),
        resNetV2("resnetv2_34d",  isBasic: true,  [3, 4,  6, 3], stem: (32, 32)),
        resNetV2("resnetv2_50d",  isBasic: false, [3, 4,  6, 3], stem: (32, 32)),
        resNetV2("resnetv2_50t",  isBasic: false, [3, 4,  6, 3], stem: (24, 32)),
        resNetV2("resnetv2_101d", isBasic: false, [3, 4, 23, 3], stem: (32, 32)),
        resNetV2("resnetv2_152d", isBasic: false, [3, 8, 36, 3], stem: (32, 32)),
    ]

    /// `stem` has the widths of the first two of three 3×3 convolutions, and shortcuts average then; without, it is one of 7×7.
    private static func resNetV2(
        _ name: String,
        isBasic: Bool,
        _ depths: [Int],
        stem: (first: Int, second: Int)? = nil
    ) -> Architecture {
        @Sendable func block(_ stage: Int, _ index: Int) -> Layer {
            let width = 64 << stage
            let stride = index == 0 && stage > 0 ? 2 : 1
            let inner = isBasic ? basic(width, stride: stride) : bottleneck(width, stride: stride)
            let active: [Layer] = [.batchNorm("norm1"), .relu]
            guard index == 0, !isBasic || stage > 0 else {
                return .block("\(index)", [.residual(active + inner)])
            }
            // Where the shortcut projects, it too begins behind the norm.
            let averages = stem != nil
            let pool = Layer.averagePool(2, stride: 2, roundsUp: true, countsPadding: false)
            let projection = plain("conv", isBasic ? width : 4 * width, stride: averages ? 1 : stride)
            let shortcut = Layer.block("downsample", (averages && stride == 2 ? [pool] : []) + [projection])
            return .block("\(index)", active + [.residual(inner, shortcut: [shortcut])])
        }
        return Architecture(name, size: 224) { classes, _ in
            let stages = depths.indices.map { stage in
                Layer.block("stages.\(stage).blocks", (0..<depths[stage]).map { block(stage, $0) })
            }
            let head: [Layer] = [
                .globalAveragePool, .conv("head.fc", classes, kernel: 1), .flatten, .softmax,
            ]
            return [.block("stem", stemLayers(stem))] + stages + [.batchNorm("norm"), .relu] + head
        }
    }

    private static func stemLayers(_ widths: (first: Int, second: Int)?) -> [Layer] {
        let pool = Layer.maxPool(3, stride: 2, pad: 1)
        guard let widths else { return [plain("conv", 64, kernel: 7, stride: 2), pool] }
        return [plain("conv1", widths.first, kernel: 3, stride: 2), .batchNorm("norm1"), .relu]
            + [plain("conv2", widths.second, kernel: 3), .batchNorm("norm2"), .relu]
            + [plain("conv3", 64, kernel: 3), pool]
    }

    private static func basic(_ width: Int, stride: Int) -> [Layer] {
        [
            plain("conv1", width, kernel: 3, stride: stride), .batchNorm("norm2"), .relu,
            plain("conv2", width, kernel: 3),
        ]
    }

    private static func bottleneck(_ width: Int, stride: Int) -> [Layer] {
        [plain("conv1", width), .batchNorm("norm2"), .relu]
            + [plain("conv2", width, kernel: 3, stride: stride), .batchNorm("norm3"), .relu]
            + [plain("conv3", 4 * width)]
    }

    private static func plain(_ name: String, _ filters: Int, kernel: Int = 1, stride: Int = 1) -> Layer {
        .conv(name, filters, kernel: Extent(kernel), stride: stride, pad: Extent(kernel / 2), bias: false)
    }
}
