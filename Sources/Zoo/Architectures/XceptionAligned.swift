internal import Engine

/// Aligned Xceptions. Chen et al., "Encoder-decoder with atrous separable convolution for semantic image segmentation", ECCV
/// 2018, Figure 4: separable convolutions with a norm behind each half, the last of a block strided. `p`: timm's, with norms
/// before the convolutions. Tensor names are timm's.
extension Architecture {
    // swift-format-ignore
    static let alignedXceptions = [
        alignedXception("xception41",  middle:  8),
        alignedXception("xception65",  middle: 16),
        alignedXception("xception71",  middle: 16, isDeep: true),
        preActivatedXception("xception41p", middle:  8, epsilon: 1e-5),
        preActivatedXception("xception65p", middle: 16, epsilon: 1e-3),
    ]

    /// Channels behind each of a block's convolutions, and its stride.
    private typealias Block = (widths: [Int], stride: Int)

    private static func blocks(middle: Int, isDeep: Bool) -> [Block] {
        // swift-format-ignore
        let entry: [Block] =
            isDeep
            ? [([128, 128, 128], 2), ([256, 256, 256], 1), ([256, 256, 256], 2), ([728, 728, 728], 1), ([728, 728, 728], 2)]
            : [([128, 128, 128], 2), ([256, 256, 256], 2), ([728, 728, 728], 2)]
        return entry + [Block](repeating: ([728, 728, 728], 1), count: middle) + [([728, 1024, 1024], 2)]
    }

    private static let last = [1536, 1536, 2048]
    private static let epsilon: Float = 1e-3

    private static func alignedXception(_ name: String, middle: Int, isDeep: Bool = false) -> Architecture {
        Architecture(name, size: 299) { classes, _ in
            var layers =
                unit("stem.0", 32, kernel: 3, stride: 2) + [.relu] + unit("stem.1", 64, kernel: 3) + [.relu]
            var inputs = 64
            let blocks = blocks(middle: middle, isDeep: isDeep)
            for (index, block) in blocks.enumerated() {
                var stack: [Layer] = []
                for (part, width) in block.widths.enumerated() {
                    let stride = part == 2 ? block.stride : 1
                    let before = part == 0 ? inputs : block.widths[part - 1]
                    stack += [
                        .relu,
                        .block("stack.conv\(part + 1)", separable(before, width, stride, isActive: false)),
                    ]
                }
                let keepsShape = block.stride == 1 && block.widths[2] == inputs
                let shortcut = keepsShape ? [] : unit("shortcut", block.widths[2], stride: block.stride)
                layers.append(.block("blocks.\(index)", [.residual(stack, shortcut: shortcut)]))
                inputs = block.widths[2]
            }
            for (part, width) in last.enumerated() {
                let name = "blocks.\(blocks.count).stack.conv\(part + 1)"
                layers.append(
                    .block(name, separable(part == 0 ? inputs : last[part - 1], width, 1, isActive: true))
                )
            }
            return layers + [.globalAveragePool, .flatten, .linear("head.fc", classes), .softmax]
        }
    }

    private static func preActivatedXception(_ name: String, middle: Int, epsilon: Float) -> Architecture {
        Architecture(name, size: 299) { classes, _ in
            var layers = Layer.normed(
                ("stem.0.conv", "stem.0.bn"),
                32,
                kernel: 3,
                stride: 2,
                epsilon: epsilon
            )
            layers += [.relu, .conv("stem.1", 64, kernel: 3, pad: 1, bias: false)]
            var inputs = 64
            let blocks = blocks(middle: middle, isDeep: false) + [(last, 1)]
            for (index, block) in blocks.enumerated() {
                var stack: [Layer] = []
                for (part, width) in block.widths.enumerated() {
                    let before = part == 0 ? inputs : block.widths[part - 1]
                    let stride = part == 2 ? block.stride : 1
                    let norm: [Layer] = part == 0 ? [] : [.batchNorm("norm", epsilon: epsilon), .relu]
                    let convs: [Layer] = [
                        .conv(
                            "conv_dw",
                            before,
                            kernel: 3,
                            stride: stride,
                            pad: 1,
                            groups: before,
                            bias: false
                        ),
                        .conv("conv_pw", width, kernel: 1, bias: false),
                    ]
                    stack.append(.block("stack.conv\(part + 1)", norm + convs))
                }
                let width = block.widths[2]
                let keepsShape = block.stride == 1 && width == inputs
                let shortcut: [Layer] =
                    keepsShape ? [] : [.conv("shortcut", width, kernel: 1, stride: block.stride, bias: false)]
                let isLast = index == blocks.count - 1
                let norm: [Layer] = [.batchNorm("norm", epsilon: epsilon), .relu]
                let body = isLast ? stack : [.residual(stack, shortcut: shortcut)]
                layers.append(.block("blocks.\(index)", norm + body))
                inputs = width
            }
            return layers + [.relu, .globalAveragePool, .flatten, .linear("head.fc", classes), .softmax]
        }
    }

    private static func unit(_ name: String, _ filters: Int, kernel: Int = 1, stride: Int = 1) -> [Layer] {
        Layer.normed(
            ("\(name).conv", "\(name).bn"),
            filters,
            kernel: kernel,
            stride: stride,
            epsilon: epsilon
        )
    }

    /// A convolution of each channel and a 1×1, each with its norm.
    private static func separable(_ inputs: Int, _ outputs: Int, _ stride: Int, isActive: Bool) -> [Layer] {
        let active = isActive ? [Layer.relu] : []
        return Layer.normed(
            ("conv_dw", "bn_dw"),
            inputs,
            kernel: 3,
            stride: stride,
            groups: inputs,
            epsilon: epsilon
        )
            + active + Layer.normed(("conv_pw", "bn_pw"), outputs, epsilon: epsilon) + active
    }
}
