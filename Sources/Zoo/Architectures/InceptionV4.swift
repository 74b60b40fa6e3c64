internal import Engine

/// Inception-v4. Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the impact of residual
/// connections on learning", AAAI 2017, Figures 3 to 9.
///
/// Tensor names are timm's. Average pools leave the padding out.
extension Architecture {
    static let inceptionV4s = [
        Architecture("inception_v4", size: 299) { classes, _ in
            [.block("features", inceptionV4Features)] + [
                .globalAveragePool, .flatten, .dropout, .linear("last_linear", classes), .softmax,
            ]
        }
    ]

    private static let inceptionV4Features: [Layer] = {
        let modules: [Layer] =
            inceptionV4Stem //  384 × 35 × 35
            + (6...9).map { .block("\($0)", [.concat(inceptionA)]) } //  384 × 35 × 35
            + [.block("10", [.concat(inceptionV4ReductionA)])] // 1024 × 17 × 17
            + (11...17).map { .block("\($0)", [.concat(inceptionB)]) } // 1024 × 17 × 17
            + [.block("18", [.concat(inceptionV4ReductionB)])] // 1536 ×  8 ×  8
            + (19...21).map { .block("\($0)", [.concat(inceptionC)]) } // 1536 ×  8 ×  8
        return modules
    }()

    /// Figure 3.
    // swift-format-ignore
    private static let inceptionV4Stem: [Layer] = [                                       //   C ×   H ×   W
        .convUnit("0", 32, kernel: 3, stride: 2),                                         //  32 × 149 × 149
        .convUnit("1", 32, kernel: 3),                                                    //  32 × 147 × 147
        .convUnit("2", 64, kernel: 3, pad: 1),                                            //  64 × 147 × 147
        .block("3", [.concat([                                                            // 160 ×  73 ×  73
            [.maxPool(3, stride: 2)],
            [.convUnit("conv", 96, kernel: 3, stride: 2)],
        ])]),
        .block("4", [.concat([                                                            // 192 ×  71 ×  71
            [.convUnit("branch0.0", 64, kernel: 1), .convUnit("branch0.1", 96, kernel: 3)],
            [
                .convUnit("branch1.0", 64, kernel: 1),
                .convUnit("branch1.1", 64, kernel: [1, 7], pad: [0, 3]),
                .convUnit("branch1.2", 64, kernel: [7, 1], pad: [3, 0]),
                .convUnit("branch1.3", 96, kernel: 3),
            ],
        ])]),
        .block("5", [.concat([                                                            // 384 ×  35 ×  35
            [.convUnit("conv", 192, kernel: 3, stride: 2)],
            [.maxPool(3, stride: 2)],
        ])]),
    ]

    private static func pooled(_ filters: Int) -> [Layer] {
        [
            .averagePool(3, stride: 1, pad: 1, countsPadding: false),
            .convUnit("branch3.1", filters, kernel: 1),
        ]
    }

    /// Figure 4.
    private static let inceptionA: [[Layer]] = [
        [.convUnit("branch0", 96, kernel: 1)],
        [.convUnit("branch1.0", 64, kernel: 1), .convUnit("branch1.1", 96, kernel: 3, pad: 1)],
        [
            .convUnit("branch2.0", 64, kernel: 1),
            .convUnit("branch2.1", 96, kernel: 3, pad: 1),
            .convUnit("branch2.2", 96, kernel: 3, pad: 1),
        ],
        pooled(96),
    ]

    /// Figure 7 with k = 192, l = 224, m = 256, n = 384.
    private static let inceptionV4ReductionA: [[Layer]] = [
        [.convUnit("branch0", 384, kernel: 3, stride: 2)],
        [
            .convUnit("branch1.0", 192, kernel: 1),
            .convUnit("branch1.1", 224, kernel: 3, pad: 1),
            .convUnit("branch1.2", 256, kernel: 3, stride: 2),
        ],
        [.maxPool(3, stride: 2)],
    ]

    /// Figure 5.
    private static let inceptionB: [[Layer]] = [
        [.convUnit("branch0", 384, kernel: 1)],
        [
            .convUnit("branch1.0", 192, kernel: 1),
            .convUnit("branch1.1", 224, kernel: [1, 7], pad: [0, 3]),
            .convUnit("branch1.2", 256, kernel: [7, 1], pad: [3, 0]),
        ],
        [
            .convUnit("branch2.0", 192, kernel: 1),
            .convUnit("branch2.1", 192, kernel: [7, 1], pad: [3, 0]),
            .convUnit("branch2.2", 224, kernel: [1, 7], pad: [0, 3]),
            .convUnit("branch2.3", 224, kernel: [7, 1], pad: [3, 0]),
            .convUnit("branch2.4", 256, kernel: [1, 7], pad: [0, 3]),
        ],
        pooled(128),
    ]

    /// Figure 8.
    private static let inceptionV4ReductionB: [[Layer]] = [
        [.convUnit("branch0.0", 192, kernel: 1), .convUnit("branch0.1", 192, kernel: 3, stride: 2)],
        [
            .convUnit("branch1.0", 256, kernel: 1),
            .convUnit("branch1.1", 256, kernel: [1, 7], pad: [0, 3]),
            .convUnit("branch1.2", 320, kernel: [7, 1], pad: [3, 0]),
            .convUnit("branch1.3", 320, kernel: 3, stride: 2),
        ],
        [.maxPool(3, stride: 2)],
    ]

    /// Figure 6.
    private static let inceptionC: [[Layer]] = [
        [.convUnit("branch0", 256, kernel: 1)],
        [.convUnit("branch1_0", 384, kernel: 1), .spread("branch1_1", 256)],
        [
            .convUnit("branch2_0", 384, kernel: 1),
            .convUnit("branch2_1", 448, kernel: [3, 1], pad: [1, 0]),
            .convUnit("branch2_2", 512, kernel: [1, 3], pad: [0, 1]),
            .spread("branch2_3", 256),
        ],
        pooled(256),
    ]
}
