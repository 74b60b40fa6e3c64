internal import Engine

/// Xception. Chollet, "Xception: deep learning with depthwise separable convolutions", CVPR 2017, Figure 5: entry,
/// middle and exit flow. Tensor names are timm's (`legacy_xception`), or those of the pretrained-models collection, whose
/// last layer is `last_linear`.
extension Architecture {
    static let xceptions = [
        Architecture("xception", size: 299) { classes, model in
            let head = model.hasTensors(under: "last_linear.") ? "last_linear" : "fc"
            // swift-format-ignore
            let entry: [Layer] = [                                                     //    C ×   H ×   W
                .conv("conv1", 32, kernel: 3, stride: 2, bias: false), .batchNorm("bn1"), .relu,
                .conv("conv2", 64, kernel: 3, bias: false), .batchNorm("bn2"), .relu,  //   64 × 147 × 147
                xceptionBlock(1, [64, 128, 128], beginsWithReLU: false),               //  128 ×  74 ×  74
                xceptionBlock(2, [128, 256, 256]),                                     //  256 ×  37 ×  37
                xceptionBlock(3, [256, 728, 728]),                                     //  728 ×  19 ×  19
            ]
            let middle = (4...11).map { xceptionBlock($0, [728, 728, 728, 728], isStrided: false) }
            // swift-format-ignore
            let exit: [Layer] = [
                xceptionBlock(12, [728, 728, 1024]),                                   // 1024 ×  10 ×  10
                .block("conv3", separable(1024, 1536)), .batchNorm("bn3"), .relu,      // 1536 ×  10 ×  10
                .block("conv4", separable(1536, 2048)), .batchNorm("bn4"), .relu,      // 2048 ×  10 ×  10
                .globalAveragePool, .flatten, .linear(head, classes), .softmax,
            ]
            return entry + middle + exit
        }
    ]

    /// Separable convolutions with a shortcut, which is a projection when the block halves the image.
    private static func xceptionBlock(
        _ number: Int,
        _ widths: [Int],
        isStrided: Bool = true,
        beginsWithReLU: Bool = true
    ) -> Layer {
        var layers: [Layer] = []
        for (inputs, outputs) in zip(widths, widths.dropFirst()) {
            if beginsWithReLU || !layers.isEmpty { layers.append(.relu) }
            layers.append(.block("rep.\(layers.count)", separable(inputs, outputs)))
            layers.append(.batchNorm("rep.\(layers.count)"))
        }
        guard isStrided else { return .block("block\(number)", [.residual(layers)]) }
        let width = widths[widths.count - 1]
        let shortcut: [Layer] = [
            .conv("skip", width, kernel: 1, stride: 2, bias: false), .batchNorm("skipbn"),
        ]
        layers.append(.maxPool(3, stride: 2, pad: 1))
        return .block("block\(number)", [.residual(layers, shortcut: shortcut)])
    }

    private static func separable(_ inputs: Int, _ outputs: Int) -> [Layer] {
        [
            .conv("conv1", inputs, kernel: 3, pad: 1, groups: inputs, bias: false),
            .conv("pointwise", outputs, kernel: 1, bias: false),
        ]
    }
}
