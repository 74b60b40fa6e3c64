internal import Engine

/// Dual path networks. Chen et al., "Dual path networks", NIPS 2017, Table 1 and Figure 2 (d): the first channels of a block's
/// output are added to those before, as in a residual network, and the rest are joined to them, as in a dense one. Tensor
/// names are timm's; as it computes them, the last function is a ReLU.
extension Architecture {
    // swift-format-ignore
    static let dpns = [  //     stem  width  groups  depths         growth              factor
        dpn("dpn68",  stem: (3,  10), 128, 32, [3, 4, 12, 3], [16, 32, 32,  64], 1),
        dpn("dpn68b", stem: (3,  10), 128, 32, [3, 4, 12, 3], [16, 32, 32,  64], 1, isB: true),
        dpn("dpn92",  stem: (7,  64),  96, 32, [3, 4, 20, 3], [16, 32, 24, 128], 4),
        dpn("dpn98",  stem: (7,  96), 160, 40, [3, 6, 20, 3], [16, 32, 32, 128], 4),
        dpn("dpn107", stem: (7, 128), 200, 50, [4, 8, 20, 3], [20, 64, 64, 128], 4),
        dpn("dpn131", stem: (7, 128), 160, 40, [4, 8, 28, 3], [16, 32, 32, 128], 4),
    ]

    private static func dpn(
        _ name: String,
        stem: (kernel: Int, width: Int),
        _ width: Int,
        _ groups: Int,
        _ depths: [Int],
        _ growth: [Int],
        _ factor: Int,
        isB: Bool = false
    ) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            let first = ("features.conv1_1.conv", "features.conv1_1.bn")
            var layers = Layer.normed(
                first,
                stem.width,
                kernel: stem.kernel,
                stride: 2,
                epsilon: DualPath.epsilon
            )
            layers += [.relu, .maxPool(3, stride: 2, pad: 1)] //  stem × 56 × 56
            for (stage, (depth, growth)) in zip(depths, growth).enumerated() {
                for index in 0..<depth {
                    let block = DualPath(
                        inner: width << stage,
                        residual: 64 * factor << stage,
                        growth: growth,
                        groups: groups,
                        isB: isB
                    )
                    let kind: DualPath.Kind = index > 0 ? .normal : stage == 0 ? .projecting : .strided
                    let grown = index == 0 ? 0 : (index + 2) * growth
                    layers.append(
                        .block("features.conv\(stage + 2)_\(index + 1)", block.layers(kind, dense: grown))
                    )
                }
            }
            return layers + [
                .batchNorm("features.conv5_bn_ac.bn", epsilon: DualPath.epsilon), .relu,
                .globalAveragePool, .conv("classifier", classes, kernel: 1), .flatten, .softmax,
            ]
        }
    }
}

/// A block with both paths.
private struct DualPath {
    enum Kind {
        case projecting
        case strided
        case normal
    }

    static let epsilon: Float = 1e-3

    /// Channels of the convolutions inside.
    let inner: Int
    /// Channels of the residual path.
    let residual: Int
    /// Channels that the dense path gains.
    let growth: Int
    let groups: Int
    /// Whether the last layer is one for each path.
    let isB: Bool

    /// The layers of a block to which so many dense channels come; one that projects makes two growths of its own.
    func layers(_ kind: Kind, dense: Int) -> [Layer] {
        let stride = kind == .strided ? 2 : 1
        let side = kind == .normal ? dense : 2 * growth
        var layers: [Layer] = [.mark("in")]
        switch kind {
        case .normal: break
        case .projecting: layers += unit("c1x1_w_s1", residual + side)
        case .strided: layers += unit("c1x1_w_s2", residual + side, stride: 2)
        }
        layers += [
            .mark("side"), .selectChannels(Array(0..<residual)), .mark("side.residual"),
            .from(["side"]), .selectChannels(Array(residual..<residual + side)), .mark("side.dense"),
            .from(["in"]),
        ]
        layers += unit("c1x1_a", inner) + unit("c3x3_b", inner, kernel: 3, stride: stride, groups: groups)
        layers += ends
        return layers + [
            .from(["side.residual", "own.residual"]), .mark("sum"),
            .from(["sum", "side.dense", "own.dense"], .concat),
        ]
    }

    /// What the block makes for each path.
    private var ends: [Layer] {
        guard isB else {
            return unit("c1x1_c", residual + growth) + [
                .mark("own"), .selectChannels(Array(0..<residual)), .mark("own.residual"),
                .from(["own"]), .selectChannels(Array(residual..<residual + growth)), .mark("own.dense"),
            ]
        }
        return [
            .batchNorm("c1x1_c.bn", epsilon: Self.epsilon), .relu, .mark("own"),
            .conv("c1x1_c1", residual, kernel: 1, bias: false), .mark("own.residual"),
            .from(["own"]), .conv("c1x1_c2", growth, kernel: 1, bias: false), .mark("own.dense"),
        ]
    }

    /// A norm, a ReLU and a convolution.
    private func unit(
        _ name: String,
        _ filters: Int,
        kernel: Int = 1,
        stride: Int = 1,
        groups: Int = 1
    ) -> [Layer] {
        [
            .batchNorm("\(name).bn", epsilon: Self.epsilon), .relu,
            .conv(
                "\(name).conv",
                filters,
                kernel: Extent(kernel),
                stride: stride,
                pad: Extent(kernel / 2),
                groups: groups,
                bias: false
            ),
        ]
    }
}
