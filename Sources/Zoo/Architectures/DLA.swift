internal import Engine

/// Deep layer aggregation. Yu, Wang, Shelhamer, Darrell, "Deep layer aggregation", CVPR 2018, Figures 2 and 3 and Table 1:
/// trees of blocks whose nodes join what their children made. `x`: grouped bottlenecks. `res2net`, `res2next`: with the
/// bottlenecks of Gao et al. 2021. Tensor names are timm's.
extension Architecture {
    // swift-format-ignore
    static let dlas = [
        dla("dla34",    .basic,                            [1, 1, 1, 2, 2, 1], [16, 32,  64, 128, 256,  512]),
        dla("dla46_c",  .bottleneck(),                     [1, 1, 1, 2, 2, 1], [16, 32,  64,  64, 128,  256]),
        dla("dla46x_c", .bottleneck(groups: 32, width: 4), [1, 1, 1, 2, 2, 1], [16, 32,  64,  64, 128,  256]),
        dla("dla60x_c", .bottleneck(groups: 32, width: 4), [1, 1, 1, 2, 3, 1], [16, 32,  64,  64, 128,  256]),
        dla("dla60",    .bottleneck(),                     [1, 1, 1, 2, 3, 1], [16, 32, 128, 256, 512, 1024]),
        dla("dla60x",   .bottleneck(groups: 32, width: 4), [1, 1, 1, 2, 3, 1], [16, 32, 128, 256, 512, 1024]),
        dla("dla102",   .bottleneck(),                     [1, 1, 1, 3, 4, 1], [16, 32, 128, 256, 512, 1024], adds: true),
        dla("dla102x",  .bottleneck(groups: 32, width: 4), [1, 1, 1, 3, 4, 1], [16, 32, 128, 256, 512, 1024], adds: true),
        dla("dla102x2", .bottleneck(groups: 64, width: 4), [1, 1, 1, 3, 4, 1], [16, 32, 128, 256, 512, 1024], adds: true),
        dla("dla169",   .bottleneck(),                     [1, 1, 2, 3, 5, 1], [16, 32, 128, 256, 512, 1024], adds: true),
        dla("dla60_res2net",  .scales(width: 28),           [1, 1, 1, 2, 3, 1], [16, 32, 128, 256, 512, 1024]),
        dla("dla60_res2next", .scales(groups: 8, width: 4), [1, 1, 1, 2, 3, 1], [16, 32, 128, 256, 512, 1024]),
    ]

    private static func dla(
        _ name: String,
        _ block: DLATree.Block,
        _ levels: [Int],
        _ channels: [Int],
        adds: Bool = false
    ) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            func convolutions(_ name: String, _ filters: Int, kernel: Int, stride: Int = 1) -> [Layer] {
                Layer.normed(("\(name).0", "\(name).1"), filters, kernel: kernel, stride: stride) + [.relu]
            }
            var layers = convolutions("base_layer", channels[0], kernel: 7) // 16 × 224 × 224
            layers += convolutions("level0", channels[0], kernel: 3) // 16 × 224 × 224
            layers += convolutions("level1", channels[1], kernel: 3, stride: 2) // 32 × 112 × 112
            for level in 2...5 { // each level half as high and wide
                let tree = DLATree(block: block, adds: adds, levels: levels[level], outputs: channels[level])
                let layersOfTree = tree.layers(
                    inputs: channels[level - 1],
                    stride: 2,
                    keepsBottom: level > 2,
                    path: "level\(level)"
                )
                layers.append(.block("level\(level)", layersOfTree))
            }
            return layers + [.globalAveragePool, .conv("fc", classes, kernel: 1), .flatten, .softmax]
        }
    }
}

/// A tree of so many levels: two trees of a level less, or two blocks and the node that joins them.
private struct DLATree {
    enum Block {
        case basic
        case bottleneck(groups: Int = 1, width: Int = 64)
        case scales(groups: Int = 1, width: Int)
    }

    let block: Block
    /// Whether a node adds its last child to what it makes.
    let adds: Bool
    let levels: Int
    let outputs: Int

    /// The tree's layers, whose marks begin with `path`.
    ///
    /// Its root also joins the values of the marks `children`, and, if it `keepsBottom`, what goes in.
    func layers(
        inputs: Int,
        stride: Int,
        keepsBottom: Bool = false,
        children: [String] = [],
        path: String
    ) -> [Layer] {
        var children = children
        var layers: [Layer] = [.mark("\(path).in")]
        if stride > 1 { layers.append(.maxPool(Extent(stride), stride: stride)) }
        layers.append(.mark("\(path).bottom"))
        if keepsBottom { children.append("\(path).bottom") }
        guard levels == 1 else {
            let half = DLATree(block: block, adds: adds, levels: levels - 1, outputs: outputs)
            let first = half.layers(inputs: inputs, stride: stride, path: "\(path).1")
            layers += [.from(["\(path).in"]), .block("tree1", first), .mark("\(path).1")]
            children.append("\(path).1")
            let second = half.layers(inputs: outputs, stride: 1, children: children, path: "\(path).2")
            return layers + [.block("tree2", second)]
        }
        if inputs != outputs { layers.append(.block("project", Layer.normed(("0", "1"), outputs))) }
        layers += [.mark("\(path).short"), .from(["\(path).in"])]
        let first =
            blockLayers(stride: stride) + [.mark("\(path).own"), .from(["\(path).own", "\(path).short"])]
        layers += [.block("tree1", first + [.relu]), .mark("\(path).1")]
        layers += [.block("tree2", [.residual(blockLayers(stride: 1)), .relu]), .mark("\(path).2")]
        var root: [Layer] = [.from(["\(path).2", "\(path).1"] + children, .concat)]
        root += Layer.normed(("conv", "bn"), outputs)
        if adds { root += [.mark("\(path).own"), .from(["\(path).own", "\(path).2"])] }
        return layers + [.block("root", root + [.relu])]
    }

    private func blockLayers(stride: Int) -> [Layer] {
        switch block {
        case .basic:
            return Layer.normed(("conv1", "bn1"), outputs, kernel: 3, stride: stride) + [.relu]
                + Layer.normed(("conv2", "bn2"), outputs, kernel: 3)
        case .bottleneck(let groups, let groupWidth):
            let width = outputs * groupWidth / 64 * groups / 2
            return Layer.normed(("conv1", "bn1"), width) + [.relu]
                + Layer.normed(("conv2", "bn2"), width, kernel: 3, stride: stride, groups: groups) + [.relu]
                + Layer.normed(("conv3", "bn3"), outputs)
        case .scales(let groups, let groupWidth):
            let width = outputs * groupWidth / 64 * groups / 2
            let middle = ScaledConvolutions(
                groups: groups,
                width: width,
                scales: 4,
                stride: stride,
                isFirst: stride > 1
            )
            return Layer.normed(("conv1", "bn1"), 4 * width) + [.relu] + middle.layers
                + Layer.normed(("conv3", "bn3"), outputs)
        }
    }
}
