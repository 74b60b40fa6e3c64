internal import Engine

/// GhostNets. Han et al., "GhostNet: more features from cheap operations", CVPR 2020, Table 1 and Figures 2 and 3: half of a
/// layer's maps are made of the other half by a convolution of each. Tensor names are timm's.
extension Architecture {
    static let ghostNets = [
        ghostNet("ghostnet_050", width: 0.5), ghostNet("ghostnet_100", width: 1),
        ghostNet("ghostnet_130", width: 1.3),
    ]

    private static func ghostNet(_ name: String, width: Double) -> Architecture {
        // swift-format-ignore
        let table: [[GhostBlock]] = [  // kernel, expansion, output, gate, stride       //   C ×   H ×   W
            [GhostBlock(k: 3, t:  16, c:  16)],                                         //  16 × 112 × 112
            [GhostBlock(k: 3, t:  48, c:  24, s: 2)],                                   //  24 ×  56 ×  56
            [GhostBlock(k: 3, t:  72, c:  24)],                                         //  24 ×  56 ×  56
            [GhostBlock(k: 5, t:  72, c:  40, isGated: true, s: 2)],                    //  40 ×  28 ×  28
            [GhostBlock(k: 5, t: 120, c:  40, isGated: true)],                          //  40 ×  28 ×  28
            [GhostBlock(k: 3, t: 240, c:  80, s: 2)],                                   //  80 ×  14 ×  14
            [GhostBlock(k: 3, t: 200, c:  80), GhostBlock(k: 3, t: 184, c: 80),
             GhostBlock(k: 3, t: 184, c:  80), GhostBlock(k: 3, t: 480, c: 112, isGated: true),
             GhostBlock(k: 3, t: 672, c: 112, isGated: true)],                          // 112 ×  14 ×  14
            [GhostBlock(k: 5, t: 672, c: 160, isGated: true, s: 2)],                    // 160 ×   7 ×   7
            [GhostBlock(k: 5, t: 960, c: 160), GhostBlock(k: 5, t: 960, c: 160, isGated: true),
             GhostBlock(k: 5, t: 960, c: 160), GhostBlock(k: 5, t: 960, c: 160, isGated: true)],
        ]
        return Architecture(name, size: 224) { classes, _ in
            func channels(_ number: Int) -> Int { Int(channels: Double(number) * width, divisor: 4) }
            var inputs = channels(16)
            var layers = Layer.normed(("conv_stem", "bn1"), inputs, kernel: 3, stride: 2) + [.relu]
            for (stage, rows) in table.enumerated() {
                for (index, row) in rows.enumerated() {
                    let (expanded, outputs) = (channels(row.t), channels(row.c))
                    let block = row.layers(inputs: inputs, expanded: expanded, outputs: outputs)
                    layers.append(.block("blocks.\(stage).\(index)", block))
                    inputs = outputs
                }
            }
            layers += Layer.normed(("blocks.9.0.conv", "blocks.9.0.bn1"), channels(960)) + [.relu]
            return layers + [
                .globalAveragePool, .conv("conv_head", 1280, kernel: 1), .relu, .flatten, .dropout,
                .linear("classifier", classes), .softmax,
            ]
        }
    }
}

/// A row of the table.
private struct GhostBlock {
    let k: Int
    let t: Int
    let c: Int
    var isGated = false
    var s = 1

    func layers(inputs: Int, expanded: Int, outputs: Int) -> [Layer] {
        var layers = [ghost("ghost1", expanded, isActive: true)]
        if s > 1 {
            layers += Layer.normed(("conv_dw", "bn_dw"), expanded, kernel: k, stride: s, groups: expanded)
        }
        if isGated {
            let squeezed = Int(channels: Double(expanded) / 4, divisor: 4)
            let names = ("se.conv_reduce", "se.conv_expand")
            layers.append(.squeezeExcite(squeezed, of: expanded, gate: .hardSigmoid, names: names))
        }
        layers.append(ghost("ghost2", outputs, isActive: false))
        guard s > 1 || inputs != outputs else { return [.residual(layers)] }
        let shortcut =
            Layer.normed(("shortcut.0", "shortcut.1"), inputs, kernel: k, stride: s, groups: inputs)
            + Layer.normed(("shortcut.2", "shortcut.3"), outputs)
        return [.residual(layers, shortcut: shortcut)]
    }

    /// As many maps again as a 1×1 convolution makes, each of one of its.
    private func ghost(_ name: String, _ filters: Int, isActive: Bool) -> Layer {
        let (half, active) = (filters / 2, isActive ? [Layer.relu] : [])
        let cheap = Layer.normed(("cheap_operation.0", "cheap_operation.1"), half, kernel: 3, groups: half)
        return .block(
            name,
            Layer.normed(("primary_conv.0", "primary_conv.1"), half) + active + [
                .concat([[], cheap + active])
            ]
        )
    }
}
