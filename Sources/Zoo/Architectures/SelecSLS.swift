internal import Engine

/// SelecSLS networks. Mehta et al., "XNect: real-time multi-person 3D motion capture with a single RGB camera", SIGGRAPH 2020,
/// Figure 4 and Table 1: blocks that join what their layers made, and those of a resolution the first one's output. Tensor
/// names are timm's.
extension Architecture {
    // swift-format-ignore
    static let selecSLSs = [
        selecSLS("selecsls42b", blocks42, head: [(960, 3, 2), (1024, 3, 1), (1280, 3, 2), (1024, 1, 1)]),
        selecSLS("selecsls60",  blocks60, head: [(756, 3, 2), (1024, 3, 1), (1024, 3, 2), (1280, 1, 1)]),
        selecSLS("selecsls60b", blocks60, head: [(756, 3, 2), (1024, 3, 1), (1280, 3, 2), (1024, 1, 1)]),
    ]

    /// Channels of a block's layers and of its output; whether it is the first of a resolution.
    private typealias Block = (width: Int, outputs: Int, isFirst: Bool)

    // swift-format-ignore
    private static let blocks42: [Block] = [
        ( 64,  64, true), ( 64, 128, false),                    // 56 × 56
        (144, 144, true), (144, 288, false),                    // 28 × 28
        (304, 304, true), (304, 480, false),                    // 14 × 14
    ]

    // swift-format-ignore
    private static let blocks60: [Block] = [
        ( 64,  64, true), ( 64, 128, false),
        (128, 128, true), (128, 128, false), (128, 288, false),
        (288, 288, true), (288, 288, false), (288, 288, false), (288, 416, false),
    ]

    private static func selecSLS(
        _ name: String,
        _ blocks: [Block],
        head: [(width: Int, kernel: Int, stride: Int)]
    ) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            var layers = unit("stem", 32, kernel: 3, stride: 2) // 32 × 112 × 112
            for (index, block) in blocks.enumerated() {
                layers.append(.block("features.\(index)", layersOf(block)))
                if block.isFirst { layers.append(.mark("first")) }
            }
            for (index, row) in head.enumerated() {
                layers += unit("head.\(index)", row.width, kernel: row.kernel, stride: row.stride)
            }
            return layers + [.globalAveragePool, .flatten, .linear("fc", classes), .softmax]
        }
    }

    private static func layersOf(_ block: Block) -> [Layer] {
        let (width, half) = (block.width, block.width / 2)
        return unit("conv1", width, kernel: 3, stride: block.isFirst ? 2 : 1) + [.mark("layer1")]
            + unit("conv2", width) + unit("conv3", half, kernel: 3) + [.mark("layer3")]
            + unit("conv4", width) + unit("conv5", half, kernel: 3) + [.mark("layer5")]
            + [.from(["layer1", "layer3", "layer5"] + (block.isFirst ? [] : ["first"]), .concat)]
            + unit("conv6", block.outputs)
    }

    private static func unit(_ name: String, _ filters: Int, kernel: Int = 1, stride: Int = 1) -> [Layer] {
        Layer.normed(("\(name).0", "\(name).1"), filters, kernel: kernel, stride: stride) + [.relu]
    }
}
