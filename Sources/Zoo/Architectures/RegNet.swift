internal import Engine

/// RegNets. Radosavovic, Kosaraju, Girshick, He, Dollár, "Designing network design spaces", CVPR 2020: X of residual
/// bottlenecks without a bottleneck, Y with gates. Depths and widths are those that the paper's rule of three numbers gives
/// (Figures 16 and 17 there, as torchvision rounds them); tensor names are torchvision's.
extension Architecture {
    // swift-format-ignore
    static let regNets = [  //          depths           widths                      group width
        regNet("regnet_x_400mf", [1, 2,  7, 12], [ 32,  64,  160,  400],  16),
        regNet("regnet_x_800mf", [1, 3,  7,  5], [ 64, 128,  288,  672],  16),
        regNet("regnet_x_1_6gf", [2, 4, 10,  2], [ 72, 168,  408,  912],  24),
        regNet("regnet_x_3_2gf", [2, 6, 15,  2], [ 96, 192,  432, 1008],  48),
        regNet("regnet_x_8gf",   [2, 5, 15,  1], [ 80, 240,  720, 1920], 120),
        regNet("regnet_x_16gf",  [2, 6, 13,  1], [256, 512,  896, 2048], 128),
        regNet("regnet_x_32gf",  [2, 7, 13,  1], [336, 672, 1344, 2520], 168),
        regNet("regnet_y_400mf", [1, 3,  6,  6], [ 48, 104,  208,  440],   8, isGated: true),
        regNet("regnet_y_800mf", [1, 3,  8,  2], [ 64, 144,  320,  784],  16, isGated: true),
        regNet("regnet_y_1_6gf", [2, 6, 17,  2], [ 48, 120,  336,  888],  24, isGated: true),
        regNet("regnet_y_3_2gf", [2, 5, 13,  1], [ 72, 216,  576, 1512],  24, isGated: true),
        regNet("regnet_y_8gf",   [2, 4, 10,  1], [224, 448,  896, 2016],  56, isGated: true),
        regNet("regnet_y_16gf",  [2, 4, 11,  1], [224, 448, 1232, 3024], 112, isGated: true),
        regNet("regnet_y_32gf",  [2, 5, 12,  1], [232, 696, 1392, 3712], 232, isGated: true),
    ]

    private static func regNet(
        _ name: String,
        _ depths: [Int],
        _ widths: [Int],
        _ groupWidth: Int,
        isGated: Bool = false
    ) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            var inputs = 32
            let stages = zip(depths, widths).enumerated().map { number, stage in
                let (depth, width) = stage
                let blocks = (0..<depth).map { index in
                    defer { inputs = width }
                    let block = regNetBlock(
                        inputs: inputs,
                        width: width,
                        groups: width / min(groupWidth, width),
                        isGated: isGated,
                        isFirst: index == 0
                    )
                    return Layer.block("block\(number + 1)-\(index)", block)
                }
                return Layer.block("block\(number + 1)", blocks)
            }
            return Layer.normed(("stem.0", "stem.1"), 32, kernel: 3, stride: 2) + [.relu] // 32 × 112 × 112
                + [
                    .block("trunk_output", stages), // each half as high and wide as the one before
                    .globalAveragePool, .flatten, .linear("fc", classes), .softmax,
                ]
        }
    }

    private static func regNetBlock(
        inputs: Int,
        width: Int,
        groups: Int,
        isGated: Bool,
        isFirst: Bool
    ) -> [Layer] {
        let stride = isFirst ? 2 : 1
        var layers = Layer.normed(("a.0", "a.1"), width) + [.relu]
        layers += Layer.normed(("b.0", "b.1"), width, kernel: 3, stride: stride, groups: groups) + [.relu]
        if isGated {
            // A quarter of what comes into the block, half to even.
            let squeezed = Int((Double(inputs) / 4).rounded(.toNearestOrEven))
            layers.append(.block("se", [.squeezeExcite(squeezed, of: width)]))
        }
        layers += Layer.normed(("c.0", "c.1"), width)
        let shortcut = isFirst ? Layer.normed(("proj.0", "proj.1"), width, stride: stride) : []
        return [.residual([.block("f", layers)], shortcut: shortcut), .relu]
    }
}
