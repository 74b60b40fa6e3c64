internal import Engine

/// Res2Nets. Gao et al., "Res2Net: a new multi-scale backbone architecture", IEEE TPAMI 2021, Figure 2: the 3×3 convolution of
/// a bottleneck is one of each of several parts of its channels, each of which also takes in what the one before made. `d`: as
/// of the residual networks. Tensor names are timm's.
extension Architecture {
    // swift-format-ignore
    static let res2Nets = [
        resNet("res2net50_14w_8s",  .scales(width: 14, scales: 8), [3, 4,  6, 3]),
        resNet("res2net50_26w_4s",  .scales(width: 26, scales: 4), [3, 4,  6, 3]),
        resNet("res2net50_26w_6s",  .scales(width: 26, scales: 6), [3, 4,  6, 3]),
        resNet("res2net50_26w_8s",  .scales(width: 26, scales: 8), [3, 4,  6, 3]),
        resNet("res2net50_48w_2s",  .scales(width: 48, scales: 2), [3, 4,  6, 3]),
        resNet("res2net101_26w_4s", .scales(width: 26, scales: 4), [3, 4, 23, 3]),
        resNet("res2next50",        .scales(groups: 8, width: 4, scales: 4), [3, 4, 6, 3]),
        resNet("res2net50d",        .scales(width: 26, scales: 4), [3, 4,  6, 3], stem: .deep(), averages: true),
        resNet("res2net101d",       .scales(width: 26, scales: 4), [3, 4, 23, 3], stem: .deep(), averages: true),
    ]
}

/// The middle of such a bottleneck.
struct ScaledConvolutions {
    let groups: Int
    /// Channels of a part.
    let width: Int
    let scales: Int
    let stride: Int
    /// Whether the block is the first of its stage: its parts do not take each other in then, and the last is averaged.
    let isFirst: Bool

    /// The layers between the 1×1 convolutions.
    var layers: [Layer] {
        var layers: [Layer] = [.mark("all")]
        var last: String?
        for scale in 0..<max(1, scales - 1) {
            layers += [.from(["all"]), slice(scale)]
            if let last, !isFirst { layers += [.mark("part"), .from([last, "part"])] }
            layers += [
                .conv(
                    "convs.\(scale)",
                    width,
                    kernel: 3,
                    stride: stride,
                    pad: 1,
                    groups: groups,
                    bias: false
                ),
                .batchNorm("bns.\(scale)"), .relu, .mark("scale\(scale)"),
            ]
            last = "scale\(scale)"
        }
        layers += [.from(["all"]), slice(scales - 1)]
        if isFirst { layers.append(.averagePool(3, stride: stride, pad: 1)) }
        layers.append(.mark("scale\(scales - 1)"))
        return layers + [.from((0..<scales).map { "scale\($0)" }, .concat)]
    }

    private func slice(_ scale: Int) -> Layer {
        .selectChannels(Array(scale * width..<(scale + 1) * width))
    }
}
