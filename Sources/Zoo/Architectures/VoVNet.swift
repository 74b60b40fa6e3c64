internal import Engine

/// VoVNets. Lee et al., "An energy and GPU-computation efficient backbone network for real-time object detection", CVPR
/// workshop 2019, Table 1; `ese`, with a gate and a shortcut: Lee, Park, "CenterMask", CVPR 2020, §3.3. Tensor names are
/// timm's. Layers that follow each other are joined only once, at the end of a block.
extension Architecture {
    // swift-format-ignore
    static let voVNets = [
        voVNet("ese_vovnet19b_dw", layers: 3, blocks: [1, 1, 1, 1], isSeparable: true),
        voVNet("ese_vovnet39b",    layers: 5, blocks: [1, 1, 2, 2]),
        voVNet("ese_vovnet57b",    layers: 5, blocks: [1, 1, 4, 3], size: 256),
        voVNet("ese_vovnet99b",    layers: 5, blocks: [1, 3, 9, 3]),
    ]

    private static func voVNet(
        _ name: String,
        layers depth: Int,
        blocks: [Int],
        isSeparable: Bool = false,
        size: Int = 224
    ) -> Architecture {
        Architecture(name, size: Extent(size)) { classes, _ in
            let last = isSeparable ? 64 : 128
            let stem: [(width: Int, stride: Int)] = [(64, 2), (64, 1), (last, 2)]
            var inputs = 3
            var layers: [Layer] = []
            for (index, row) in stem.enumerated() {
                let isPlain = index == 0 || !isSeparable
                layers +=
                    isPlain
                    ? unit("stem.\(index)", row.width, kernel: 3, stride: row.stride)
                    : separable("stem.\(index)", inputs, row.width, stride: row.stride)
                inputs = row.width
            }
            // swift-format-ignore
            let stages = [  //  layer  output     H ×  W
                (128,  256),                  // 56 × 56
                (160,  512),                  // 28 × 28
                (192,  768),                  // 14 × 14
                (224, 1024),                  //  7 ×  7
            ]
            for (number, (width, outputs)) in stages.enumerated() {
                if number > 0 {
                    layers.append(.maxPool(3, stride: 2, roundsUp: true, name: "stages.\(number).pool"))
                }
                for index in 0..<blocks[number] {
                    let reduced = isSeparable && inputs != width ? unit("conv_reduction", width) : []
                    let path = (0..<depth).flatMap { layer in
                        (isSeparable
                            ? separable("conv_mid.\(layer)", width, width)
                            : unit("conv_mid.\(layer)", width, kernel: 3))
                            + [Layer.mark("layer\(layer)")]
                    }
                    let all = ["in"] + (0..<depth).map { "layer\($0)" }
                    var block = [.mark("in")] + reduced + path + [.from(all, .concat)]
                    block += unit("conv_concat", outputs)
                    if index == blocks[number] - 1 {
                        block.append(
                            .gate([.globalAveragePool, .conv("attn.fc", outputs, kernel: 1), .hardSigmoid])
                        )
                    }
                    layers.append(
                        .block("stages.\(number).blocks.\(index)", index > 0 ? [.residual(block)] : block)
                    )
                    inputs = outputs
                }
            }
            return layers + [.globalAveragePool, .flatten, .linear("head.fc", classes), .softmax]
        }
    }

    private static func unit(_ name: String, _ filters: Int, kernel: Int = 1, stride: Int = 1) -> [Layer] {
        Layer.normed(("\(name).conv", "\(name).bn"), filters, kernel: kernel, stride: stride) + [.relu]
    }

    private static func separable(_ name: String, _ inputs: Int, _ filters: Int, stride: Int = 1) -> [Layer] {
        [
            .conv("\(name).conv_dw", inputs, kernel: 3, stride: stride, pad: 1, groups: inputs, bias: false),
            .conv("\(name).conv_pw", filters, kernel: 1, bias: false), .batchNorm("\(name).bn"), .relu,
        ]
    }
}
