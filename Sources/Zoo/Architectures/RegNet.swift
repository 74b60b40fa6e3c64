internal import Engine

/// RegNets. Radosavovic, Kosaraju, Girshick, He, Dollár, "Designing network design spaces", CVPR 2020: X of residual
/// bottlenecks without a bottleneck, Y with gates. Depths and widths are those that the paper's rule of three numbers gives
/// (Figures 16 and 17 there).
///
/// `regnet_…` are as torchvision rounds them and have its tensor names, or timm's when the weights have those; the others,
/// which timm alone has or rounds otherwise, have timm's.
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
        regNet("regnet_y_128gf", [2, 7, 17,  1], [528, 1056, 2904, 7392], 264, isGated: true),
        regNet("regnetx_002",    [1, 1,  4,  7], [ 24,  56,  152,  368],   8, .timm),
        regNet("regnetx_004",    [1, 2,  7, 12], [ 32,  64,  160,  384],  16, .timm),
        regNet("regnetx_006",    [1, 3,  5,  7], [ 48,  96,  240,  528],  24, .timm),
        regNet("regnetx_040",    [2, 5, 14,  2], [ 80, 240,  560, 1360],  40, .timm),
        regNet("regnetx_064",    [2, 4, 10,  1], [168, 392,  784, 1624],  56, .timm),
        regNet("regnetx_120",    [2, 5, 11,  1], [224, 448,  896, 2240], 112, .timm),
        regNet("regnety_002",    [1, 1,  4,  7], [ 24,  56,  152,  368],   8, .timm, isGated: true),
        regNet("regnety_006",    [1, 3,  7,  4], [ 48, 112,  256,  608],  16, .timm, isGated: true),
        regNet("regnety_008",    [1, 3,  8,  2], [ 64, 128,  320,  768],  16, .timm, isGated: true),
        regNet("regnety_040",    [2, 6, 12,  2], [128, 192,  512, 1088],  64, .timm, isGated: true),
        regNet("regnety_064",    [2, 7, 14,  2], [144, 288,  576, 1296],  72, .timm, isGated: true),
        regNet("regnety_080",    [2, 4, 10,  1], [168, 448,  896, 2016],  56, .timm, isGated: true),
        regNet("regnety_120",    [2, 5, 11,  1], [224, 448,  896, 2240], 112, .timm, isGated: true),
        regNet("regnety_640",    [2, 5, 12,  1], [328, 984, 1968, 4920], 328, .timm, isGated: true, size: 384),
    ]

    private static func regNet(
        _ name: String,
        _ depths: [Int],
        _ widths: [Int],
        _ groupWidth: Int,
        _ library: RegNetNaming = .torchvision,
        isGated: Bool = false,
        size: Int = 224
    ) -> Architecture {
        Architecture(name, size: Extent(size)) { classes, model in
            let naming = model.hasTensors(under: "s1.") ? .timm : library
            var inputs = 32
            let stages = zip(depths, widths).enumerated().map { number, stage in
                let (depth, width) = stage
                let blocks = (0..<depth).map { index in
                    defer { inputs = width }
                    let block = RegNetBlock(
                        inputs: inputs,
                        width: width,
                        groups: width / min(groupWidth, width),
                        isGated: isGated,
                        isFirst: index == 0
                    )
                    return Layer.block(naming.block(number + 1, index), block.layers(naming))
                }
                return Layer.block(naming.stage(number + 1), blocks)
            }
            return Layer.normed(naming.stem, 32, kernel: 3, stride: 2) + [.relu] // 32 × 112 × 112
                + stages // each half as high and wide as the one before
                + [.globalAveragePool, .flatten, .linear(naming.head, classes), .softmax]
        }
    }
}

/// A residual bottleneck of which nothing is narrower.
private struct RegNetBlock {
    let inputs: Int
    let width: Int
    let groups: Int
    let isGated: Bool
    let isFirst: Bool

    func layers(_ naming: RegNetNaming) -> [Layer] {
        let stride = isFirst ? 2 : 1
        let names = naming.parts
        var layers = Layer.normed(names[0], width) + [.relu]
        layers += Layer.normed(names[1], width, kernel: 3, stride: stride, groups: groups) + [.relu]
        if isGated {
            // A quarter of what comes into the block, half to even.
            let squeezed = Int((Double(inputs) / 4).rounded(.toNearestOrEven))
            layers.append(.block(naming.gate, [.squeezeExcite(squeezed, of: width)]))
        }
        layers += Layer.normed(names[2], width)
        let shortcut = isFirst ? Layer.normed(naming.shortcut, width, stride: stride) : []
        return [.residual(layers, shortcut: shortcut), .relu]
    }
}

/// What a library calls the parts.
private enum RegNetNaming {
    case torchvision
    case timm

    typealias Unit = (conv: String, norm: String)

    var stem: Unit { self == .timm ? ("stem.conv", "stem.bn") : ("stem.0", "stem.1") }
    var head: String { self == .timm ? "head.fc" : "fc" }
    var gate: String { self == .timm ? "se" : "f.se" }
    var shortcut: Unit { self == .timm ? ("downsample.conv", "downsample.bn") : ("proj.0", "proj.1") }
    /// The block's three convolutions.
    var parts: [Unit] {
        self == .timm
            ? (1...3).map { ("conv\($0).conv", "conv\($0).bn") }
            : ["f.a", "f.b", "f.c"].map { ("\($0).0", "\($0).1") }
    }

    /// From 1.
    func stage(_ number: Int) -> String { self == .timm ? "s\(number)" : "trunk_output.block\(number)" }

    /// Of a stage from 1, the block from 0.
    func block(_ stage: Int, _ index: Int) -> String {
        self == .timm ? "b\(index + 1)" : "block\(stage)-\(index)"
    }
}
