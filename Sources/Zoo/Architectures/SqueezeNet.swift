internal import Engine

/// SqueezeNet. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model size",
/// 2016, Table 1; 1.1 is the authors' faster version. Tensor names are torchvision's.
extension Architecture {
    static let squeezeNets = [
        squeezeNet("squeezenet1_0") {
            // swift-format-ignore
            [                                                                 //   C × H × W
                .conv("0", 96, kernel: 7, stride: 2), .relu,                  //  96 × 109 × 109
                .maxPool(3, stride: 2, roundsUp: true),                       //  96 ×  54 ×  54
                fire(3, 16, 64), fire(4, 16, 64), fire(5, 32, 128),           // 256 ×  54 ×  54
                .maxPool(3, stride: 2, roundsUp: true),                       // 256 ×  27 ×  27
                fire(7, 32, 128), fire(8, 48, 192), fire(9, 48, 192), fire(10, 64, 256),
                .maxPool(3, stride: 2, roundsUp: true),                       // 512 ×  13 ×  13
                fire(12, 64, 256),
            ]
        },
        squeezeNet("squeezenet1_1") {
            // swift-format-ignore
            [
                .conv("0", 64, kernel: 3, stride: 2), .relu,                  //  64 × 111 × 111
                .maxPool(3, stride: 2, roundsUp: true),                       //  64 ×  55 ×  55
                fire(3, 16, 64), fire(4, 16, 64),                             // 128 ×  55 ×  55
                .maxPool(3, stride: 2, roundsUp: true),                       // 128 ×  27 ×  27
                fire(6, 32, 128), fire(7, 32, 128),                           // 256 ×  27 ×  27
                .maxPool(3, stride: 2, roundsUp: true),                       // 256 ×  13 ×  13
                fire(9, 48, 192), fire(10, 48, 192), fire(11, 64, 256), fire(12, 64, 256),
            ]
        },
    ]

    private static func squeezeNet(_ name: String, features: @escaping @Sendable () -> [Layer])
        -> Architecture
    {
        Architecture(name, size: 224) { classes, _ in
            [
                .block("features", features()),
                .dropout, .conv("classifier.1", classes, kernel: 1), .relu,
                .globalAveragePool, .flatten, .softmax,
            ]
        }
    }

    /// The paper's Figure 1: `squeeze` 1×1 filters, then `expand` of 1×1 beside as many of 3×3.
    private static func fire(_ number: Int, _ squeeze: Int, _ expand: Int) -> Layer {
        .block(
            "\(number)",
            [
                .conv("squeeze", squeeze, kernel: 1), .relu,
                .concat([
                    [.conv("expand1x1", expand, kernel: 1), .relu],
                    [.conv("expand3x3", expand, kernel: 3, pad: 1), .relu],
                ]),
            ]
        )
    }
}
