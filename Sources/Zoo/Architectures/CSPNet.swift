internal import Engine

/// Cross-stage partial networks. Wang et al., "CSPNet: a new backbone that can enhance learning capability of CNN", CVPR
/// workshop 2020, Figure 2: half of a stage's channels go through its blocks, the other half around them. `cspdarknet53`:
/// Bochkovskiy, Wang, Liao, "YOLOv4", 2020. Darknet: Redmon, Farhadi, "YOLOv3", 2018, Table 1. Tensor names are timm's.
extension Architecture {
    // swift-format-ignore
    static let cspNets = [
        cspNet("cspresnet50",  stem: [64], widths: [128, 256,  512, 1024], CSPStage(expands: 2, inner: 0.5)),
        cspNet("cspresnet50d", stem: [32, 32, 64], widths: [128, 256, 512, 1024], CSPStage(expands: 2, inner: 0.5)),
        cspNet("cspresnet50w", stem: [32, 32, 64], widths: [256, 512, 1024, 2048], CSPStage(block: 0.5, inner: 0.25)),
        cspNet("cspresnext50", stem: [64], widths: [256, 512, 1024, 2048], CSPStage(block: 0.5, inner: 1, groups: 32)),
        cspDarkNet53, darkNet53,
    ]

    private static func cspNet(_ name: String, stem: [Int], widths: [Int], _ stage: CSPStage) -> Architecture
    {
        Architecture(name, size: 256) { classes, _ in
            var layers: [Layer] = []
            for (index, width) in stem.enumerated() {
                let (kernel, stride) = (stem.count == 1 ? 7 : 3, index == 0 ? 2 : 1)
                layers += CSPStage.unit("stem.conv\(index + 1)", width, kernel: kernel, stride: stride)
            }
            layers.append(.maxPool(3, stride: 2, pad: 1)) //  64 × 64 × 64
            var inputs = 64
            for (number, (depth, width)) in zip([3, 3, 5, 2], widths).enumerated() {
                var stage = stage
                stage.down = number == 0 ? nil : inputs
                layers.append(.block("stages.\(number)", stage.layers(depth, outputs: width)))
                inputs = width
            }
            return layers + head(classes)
        }
    }

    private static let cspDarkNet53 = Architecture("cspdarknet53", size: 256) { classes, _ in
        var layers = CSPStage.unit("stem.conv1", 32, kernel: 3) //  32 × 256 × 256
        for (number, (depth, width)) in zip([1, 2, 8, 8, 4], [64, 128, 256, 512, 1024]).enumerated() {
            let isFirst = number == 0
            var stage = CSPStage(
                expands: isFirst ? 2 : 1,
                block: isFirst ? 1 : 0.5,
                inner: isFirst ? 0.5 : 1,
                isDark: true
            )
            stage.down = width
            layers.append(.block("stages.\(number)", stage.layers(depth, outputs: width)))
        }
        return layers + head(classes)
    }

    private static let darkNet53 = Architecture("darknet53", size: 256) { classes, _ in
        var layers = CSPStage.unit("stem.conv1", 32, kernel: 3)
        for (number, (depth, width)) in zip([1, 2, 8, 8, 4], [64, 128, 256, 512, 1024]).enumerated() {
            let down = CSPStage.unit("conv_down", width, kernel: 3, stride: 2)
            let blocks = (0..<depth).map { index in
                let block =
                    CSPStage.unit("conv1", width / 2) + CSPStage.unit("conv2", width, kernel: 3)
                return Layer.block("blocks.\(index)", [.residual(block)])
            }
            layers.append(.block("stages.\(number)", down + blocks))
        }
        return layers + head(classes)
    }

    private static func head(_ classes: Int) -> [Layer] {
        [.globalAveragePool, .flatten, .linear("head.fc", classes), .softmax]
    }
}

/// A stage with a way around its blocks.
private struct CSPStage {
    /// How much wider than the stage's output what is divided is.
    var expands = 1
    /// The part of the output's channels that a block has, and of those the part inside it.
    var block = 1.0
    var inner: Double
    var groups = 1
    /// Whether a block is Darknet's, without a third layer, and the expansion has an activation.
    var isDark = false
    /// Channels of the strided convolution before; nil without one.
    var down: Int?

    func layers(_ depth: Int, outputs: Int) -> [Layer] {
        let (expanded, width) = (outputs * expands, Int((Double(outputs) * block).rounded()))
        let half = expanded / 2
        var layers: [Layer] = []
        if let down { layers += Self.unit("conv_down", down, kernel: 3, stride: 2, groups: groups) }
        layers += Self.unit("conv_exp", expanded, isActive: isDark) + [.mark("all")]
        layers += [.selectChannels(Array(half..<expanded))]
        layers += (0..<depth).map { .block("blocks.\($0)", blockLayers(width)) }
        layers += Self.unit("conv_transition_b", half) + [.mark("through")]
        layers += [.from(["all"]), .selectChannels(Array(0..<half)), .mark("around")]
        return layers + [.from(["around", "through"], .concat)] + Self.unit("conv_transition", outputs)
    }

    private func blockLayers(_ width: Int) -> [Layer] {
        let narrow = Int((Double(width) * inner).rounded())
        guard !isDark else {
            return [.residual(Self.unit("conv1", narrow) + Self.unit("conv2", width, kernel: 3))]
        }
        let layers =
            Self.unit("conv1", narrow) + Self.unit("conv2", narrow, kernel: 3, groups: groups)
            + Self.unit("conv3", width, isActive: false)
        return [.residual(layers), .leakyReLU]
    }

    static func unit(
        _ name: String,
        _ filters: Int,
        kernel: Int = 1,
        stride: Int = 1,
        groups: Int = 1,
        isActive: Bool = true
    ) -> [Layer] {
        Layer.normed(("\(name).conv", "\(name).bn"), filters, kernel: kernel, stride: stride, groups: groups)
            + (isActive ? [.leakyReLU] : [])
    }
}
