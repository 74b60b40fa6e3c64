internal import Engine

/// PP-HGNet, of which PaddleClas is the source: blocks of plain 3×3 convolutions, all of whose outputs are joined and gated.
/// Tensor names are timm's.
extension Architecture {
    // swift-format-ignore
    static let hgNets = [
        hgNet("hgnet_tiny",  stem: [48, 48,  96], layers: 5, [( 96, 224, 1), (128, 448, 1), (160, 512, 2), (192,  768, 1)]),
        hgNet("hgnet_small", stem: [64, 64, 128], layers: 6, [(128, 256, 1), (160, 512, 1), (192, 768, 2), (224, 1024, 1)]),
        hgNet("hgnet_base",  stem: [96, 96, 160], layers: 7, [(192, 320, 1), (224, 640, 2), (256, 960, 3), (288, 1280, 2)]),
    ]

    /// Blocks of so many layers each; `stages` has the channels of a block's layers and of its output, and how many blocks.
    private static func hgNet(
        _ name: String,
        stem: [Int],
        layers: Int,
        _ stages: [(width: Int, outputs: Int, depth: Int)]
    ) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            var all = stem.indices.flatMap { unit("stem.stem.\($0)", stem[$0], stride: $0 == 0 ? 2 : 1) }
            all.append(.maxPool(3, stride: 2, pad: 1))
            var channels = stem[stem.count - 1]
            for (index, stage) in stages.enumerated() {
                var parts: [Layer] = []
                if index > 0 {
                    let names = ("downsample.conv", "downsample.bn")
                    parts += Layer.normed(names, channels, kernel: 3, stride: 2, groups: channels)
                }
                channels = stage.outputs
                parts += (0..<stage.depth).map { block in
                    let body = joined(stage.width, channels, layers)
                    return .block("blocks.\(block)", block == 0 ? body : [.residual(body)])
                }
                all.append(.block("stages.\(index)", parts))
            }
            return all + [
                .globalAveragePool, .conv("head.last_conv.0", 2048, kernel: 1, bias: false), .relu, .flatten,
                .linear("head.fc", classes), .softmax,
            ]
        }
    }

    private static func joined(_ width: Int, _ outputs: Int, _ count: Int) -> [Layer] {
        let marks = (0...count).map { "joined\($0)" }
        let layers = (0..<count).flatMap { unit("layers.\($0)", width) + [.mark(marks[$0 + 1])] }
        let gate: [Layer] = [.globalAveragePool, .conv("aggregation.1.conv", outputs, kernel: 1), .sigmoid]
        return [.mark(marks[0])] + layers + [.from(marks, .concat)]
            + unit("aggregation.0", outputs, kernel: 1) + [.gate(gate)]
    }

    private static func unit(_ name: String, _ filters: Int, kernel: Int = 3, stride: Int = 1) -> [Layer] {
        Layer.normed(("\(name).conv", "\(name).bn"), filters, kernel: kernel, stride: stride) + [.relu]
    }
}
