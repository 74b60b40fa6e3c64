internal import Engine

/// ReXNets. Han, Yun, Heo, Yoo, "Rethinking channel dimensions for efficient model design", CVPR 2021, Table 2: inverted
/// residuals of which each is wider than the one before by the same number of channels; what goes in is added to as many.
/// `rexnetr`: timm's, of widths that are multiples. Tensor names are timm's.
extension Architecture {
    static let reXNets = [
        reXNet("rexnet_100", width: 1), reXNet("rexnet_130", width: 1.3), reXNet("rexnet_150", width: 1.5),
        reXNet("rexnet_200", width: 2), reXNet("rexnet_300", width: 3),
        reXNet("rexnetr_200", width: 2, multiple: 8), reXNet("rexnetr_300", width: 3, multiple: 16),
    ]

    private static func reXNet(_ name: String, width: Double, multiple: Int = 1) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            func channels(_ number: Double) -> Int {
                Int(channels: number.rounded(.toNearestOrEven), divisor: multiple)
            }
            var inputs = channels(32 * width)
            var layers = unit("stem", inputs, kernel: 3, stride: 2) + [.silu] // 32 × 112 × 112
            // swift-format-ignore
            let stages = [  // stride, blocks, gated    H ×   W
                (1, 1, false),                     // 112 × 112
                (2, 2, false),                     //  56 ×  56
                (2, 2, true),                      //  28 ×  28
                (2, 3, true),                      //  14 ×  14
                (1, 3, true),                      //  14 ×  14
                (2, 5, true),                      //   7 ×   7
            ]
            var (base, number) = (16.0, 0)
            for (stride, depth, isGated) in stages {
                for index in 0..<depth {
                    let outputs = channels(base * width)
                    let expanded =
                        number == 0 ? inputs : Int(channels: Double(6 * inputs), divisor: multiple)
                    let block = ReXNetBlock(
                        inputs: inputs,
                        expanded: expanded,
                        outputs: outputs,
                        stride: index == 0 ? stride : 1,
                        squeezed: isGated
                            ? Int(channels: Double(Int(Double(expanded) * (1 / 12))), divisor: multiple) : nil
                    )
                    layers.append(.block("features.\(number)", block.layers))
                    base += 180 / 16
                    number += 1
                    inputs = outputs
                }
            }
            layers += unit("features.\(number)", Int(channels: 1280 * width, divisor: multiple)) + [.silu]
            return layers + [.globalAveragePool, .flatten, .linear("head.fc", classes), .softmax]
        }
    }

    fileprivate static func unit(
        _ name: String,
        _ filters: Int,
        kernel: Int = 1,
        stride: Int = 1,
        groups: Int = 1
    ) -> [Layer] {
        Layer.normed(("\(name).conv", "\(name).bn"), filters, kernel: kernel, stride: stride, groups: groups)
    }
}

/// An inverted residual that is wider at its end.
private struct ReXNetBlock {
    let inputs: Int
    let expanded: Int
    let outputs: Int
    let stride: Int
    let squeezed: Int?

    var layers: [Layer] {
        var layers: [Layer] = [.mark("in")]
        if expanded != inputs { layers += Architecture.unit("conv_exp", expanded) + [.silu] }
        layers += Architecture.unit("conv_dw", expanded, kernel: 3, stride: stride, groups: expanded)
        if let squeezed {
            layers.append(
                .gate([
                    .globalAveragePool,
                    .conv("se.fc1", squeezed, kernel: 1), .batchNorm("se.bn"), .relu,
                    .conv("se.fc2", expanded, kernel: 1), .sigmoid,
                ])
            )
        }
        layers += [.relu6] + Architecture.unit("conv_pwl", outputs)
        guard stride == 1, inputs <= outputs else { return layers }
        guard inputs < outputs else { return layers + [.mark("out"), .from(["out", "in"])] }
        return layers + [
            .mark("out"),
            .selectChannels(Array(inputs..<outputs)), .mark("new"),
            .from(["out"]), .selectChannels(Array(0..<inputs)), .mark("old"),
            .from(["old", "in"]), .mark("old"),
            .from(["old", "new"], .concat),
        ]
    }
}
