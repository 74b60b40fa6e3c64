internal import Engine

/// Densely connected networks for ImageNet. Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional
/// networks", CVPR 2017, Table 1: DenseNet-BC with bottlenecks of four times the growth and transitions that halve.
///
/// Tensor names are torchvision's, which timm shares; those of older files (`norm.1`, `conv.2`) when the weights have
/// them.
extension Architecture {
    static let denseNets = [
        denseNet("densenet121", growth: 32, blocks: [6, 12, 24, 16]),
        denseNet("densenet161", growth: 48, blocks: [6, 12, 36, 24]),
        denseNet("densenet169", growth: 32, blocks: [6, 12, 32, 32]),
        denseNet("densenet201", growth: 32, blocks: [6, 12, 48, 32]),
    ]

    private static func denseNet(_ name: String, growth: Int, blocks: [Int]) -> Architecture {
        Architecture(name, size: 224) { classes, model in
            let isOld = model.hasTensors(under: "features.denseblock1.denselayer1.norm.")
            let dense = DenseConnections(growth: growth, hasBottleneck: true, separator: isOld ? "." : "")
            // swift-format-ignore
            return [.block("features", [                                                      //  H  ×  W
                .conv("conv0", 2 * growth, kernel: 7, stride: 2, pad: 3, bias: false),        // 112 × 112
                .batchNorm("norm0"), .relu, .maxPool(3, stride: 2, pad: 1),                   //  56 ×  56
            ] + dense.stages(blocks, from: 2 * growth, compression: 2) + [                    //   7 ×   7
                .batchNorm("norm5"), .relu,
            ]), .globalAveragePool, .flatten, .linear("classifier", classes), .softmax]
        }
    }
}

/// Densely connected networks for CIFAR-10: the paper's §3 and §4, three dense blocks at 32 × 32, 16 × 16 and 8 × 8.
///
/// Names are those of torchvision's ImageNet networks: `features.denseblock1.denselayer1.conv1` … `classifier`.
extension Architecture {
    static let cifarDenseNets = [
        cifarDenseNet("densenet40_k12", growth: 12, layers: 12, isBC: false),
        cifarDenseNet("densenet100_bc_k12", growth: 12, layers: 16, isBC: true),
    ]

    private static func cifarDenseNet(_ name: String, growth: Int, layers: Int, isBC: Bool) -> Architecture {
        Architecture(name, size: 32, classes: 10) { classes, _ in
            let dense = DenseConnections(growth: growth, hasBottleneck: isBC, separator: "")
            let width = isBC ? 2 * growth : 16
            // swift-format-ignore
            return [.block("features", [
                .conv("conv0", width, kernel: 3, pad: 1, bias: false),                        //  32 ×  32
            ] + dense.stages([layers, layers, layers], from: width, compression: isBC ? 2 : 1) + [
                .batchNorm("norm5"), .relu,                                                   //   8 ×   8
            ]), .globalAveragePool, .flatten, .linear("classifier", classes), .softmax]
        }
    }
}

/// The parts that dense networks are made of.
private struct DenseConnections {
    /// Channels that each layer adds.
    let growth: Int
    /// Whether a 1×1 convolution goes before each 3×3.
    let hasBottleneck: Bool
    /// What stands between a layer's kind and its number.
    let separator: String

    /// Dense blocks and the transitions between them.
    func stages(_ blocks: [Int], from width: Int, compression: Int) -> [Layer] {
        var width = width
        var layers: [Layer] = []
        for (index, depth) in blocks.enumerated() {
            layers += [.block("denseblock\(index + 1)", (1...depth).map(layer))]
            width = (width + depth * growth) / compression
            if index + 1 < blocks.count { layers.append(transition("transition\(index + 1)", to: width)) }
        }
        return layers
    }

    /// What came in, joined with what the layer makes of it.
    private func layer(_ number: Int) -> Layer {
        let reduce: [Layer] = [
            .batchNorm("norm\(separator)1"), .relu,
            .conv("conv\(separator)1", 4 * growth, kernel: 1, bias: false),
        ]
        let last = "\(separator)\(hasBottleneck ? 2 : 1)"
        let grow: [Layer] = [
            .batchNorm("norm\(last)"), .relu, .conv("conv\(last)", growth, kernel: 3, pad: 1, bias: false),
        ]
        return .block("denselayer\(number)", [.concat([[], (hasBottleneck ? reduce : []) + grow])])
    }

    private func transition(_ name: String, to width: Int) -> Layer {
        .block(
            name,
            [
                .batchNorm("norm"), .relu, .conv("conv", width, kernel: 1, bias: false),
                .averagePool(2, stride: 2),
            ]
        )
    }
}
