internal import Engine

/// High-resolution networks for ImageNet. Wang et al., "Deep high-resolution representation learning for visual recognition",
/// IEEE TPAMI 2021, Figure 2 and §4.1, with the head of its Figure 4 (d). Tensor names are timm's, which are the authors'.
///
/// Streams of four resolutions are worked on side by side; each module ends in every stream taking the others in, those that
/// are coarser enlarged, those that are finer through strided convolutions.
extension Architecture {
    // swift-format-ignore
    static let hrNets = [  //              width  bottlenecks  blocks  modules
        hrNet("hrnet_w18_small",    16, (1, 32), blocks: 2, modules: [1, 1, 1]),
        hrNet("hrnet_w18_small_v2", 18, (2, 64), blocks: 2, modules: [1, 3, 2]),
        hrNet("hrnet_w18",          18, (4, 64), blocks: 4, modules: [1, 4, 3]),
        hrNet("hrnet_w30",          30, (4, 64), blocks: 4, modules: [1, 4, 3]),
        hrNet("hrnet_w32",          32, (4, 64), blocks: 4, modules: [1, 4, 3]),
        hrNet("hrnet_w40",          40, (4, 64), blocks: 4, modules: [1, 4, 3]),
        hrNet("hrnet_w44",          44, (4, 64), blocks: 4, modules: [1, 4, 3]),
        hrNet("hrnet_w48",          48, (4, 64), blocks: 4, modules: [1, 4, 3]),
        hrNet("hrnet_w64",          64, (4, 64), blocks: 4, modules: [1, 4, 3]),
    ]

    private static func hrNet(
        _ name: String,
        _ width: Int,
        _ first: (depth: Int, width: Int),
        blocks: Int,
        modules: [Int]
    ) -> Architecture {
        Architecture(name, size: 224) { classes, _ in
            let streams = Streams(width: width, blocks: blocks)
            var layers = Layer.normed(("conv1", "bn1"), 64, kernel: 3, stride: 2) + [.relu] // 64 × 112 × 112
            layers += Layer.normed(("conv2", "bn2"), 64, kernel: 3, stride: 2) + [.relu] // 64 ×  56 ×  56
            layers.append(.block("layer1", Streams.bottlenecks(first.depth, width: first.width)))
            for (index, count) in modules.enumerated() {
                layers += streams.transition(index + 1)
                for module in 0..<count {
                    layers.append(.block("stage\(index + 2).\(module)", streams.module(of: index + 2)))
                }
            }
            return layers + streams.head + [
                .globalAveragePool, .flatten, .linear("classifier", classes), .softmax,
            ]
        }
    }
}

/// The streams of a network, which are marked `stream0`, the finest, and so on.
private struct Streams {
    /// Channels of the finest; each other has twice those of the one before.
    let width: Int
    /// Blocks of each stream in a module.
    let blocks: Int

    static func bottlenecks(_ depth: Int, width: Int) -> [Layer] {
        ResidualBlock.bottleneck()
            .stage(depth, width: width, stride: 1, shortcut: [.projection(4 * width, stride: 1)])
    }

    private func mark(_ stream: Int) -> String { "stream\(stream)" }

    private func channels(_ stream: Int) -> Int { width << stream }

    /// From so many streams to one more.
    func transition(_ number: Int) -> [Layer] {
        var layers = [
            Layer.block(
                "transition\(number).\(number)",
                [
                    .block("0", Layer.normed(("0", "1"), channels(number), kernel: 3, stride: 2) + [.relu])
                ]
            )
        ]
        if number == 1 {
            let first = Layer.normed(("0", "1"), channels(0), kernel: 3) + [.relu]
            layers = [.mark("all"), .block("transition1.0", first), .mark(mark(0)), .from(["all"])] + layers
        } else {
            layers.insert(.from([mark(number - 1)]), at: 0)
        }
        return layers + [.mark(mark(number))]
    }

    /// Blocks in each of so many streams, then their exchange.
    func module(of count: Int) -> [Layer] {
        var layers: [Layer] = []
        for stream in 0..<count {
            let branch = ResidualBlock.basic.stage(blocks, width: channels(stream), stride: 1, shortcut: [])
            layers += [.from([mark(stream)]), .block("branches.\(stream)", branch), .mark(mark(stream))]
        }
        for target in 0..<count {
            for source in 0..<count where source != target {
                let path = path(from: source, to: target)
                layers += [
                    .from([mark(source)]), .block("fuse_layers.\(target).\(source)", path),
                    .mark("part\(source)"),
                ]
            }
            let parts = (0..<count).map { $0 == target ? mark($0) : "part\($0)" }
            layers += [.from(parts), .relu, .mark("fused\(target)")]
        }
        for stream in 0..<count { layers += [.from(["fused\(stream)"]), .mark(mark(stream))] }
        return layers
    }

    private func path(from source: Int, to target: Int) -> [Layer] {
        guard source < target else {
            return Layer.normed(("0", "1"), channels(target)) + [.upsample(1 << (source - target))]
        }
        return (0..<target - source).map { step in
            let isLast = step == target - source - 1
            let filters = channels(isLast ? target : source)
            let layers = Layer.normed(("0", "1"), filters, kernel: 3, stride: 2)
            return .block("\(step)", layers + (isLast ? [] : [.relu]))
        }
    }

    /// From the finest stream to the coarsest, each added to the next.
    var head: [Layer] {
        var layers: [Layer] = []
        for stream in 0..<4 {
            if stream > 0 {
                layers += [
                    .conv("downsamp_modules.\(stream - 1).0", 128 << stream, kernel: 3, stride: 2, pad: 1),
                    .batchNorm("downsamp_modules.\(stream - 1).1"), .relu, .mark("finer"),
                ]
            }
            let wider = Self.bottlenecks(1, width: 32 << stream)
            layers += [.from([mark(stream)]), .block("incre_modules.\(stream)", wider)]
            if stream > 0 { layers += [.mark("own"), .from(["own", "finer"])] }
        }
        return layers + [.conv("final_layer.0", 2048, kernel: 1), .batchNorm("final_layer.1"), .relu]
    }
}
