internal import Engine

/// Inception-ResNet. Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the impact of residual
/// connections on learning", AAAI 2017, Figures 10 to 19 and §3.3: residuals are scaled before they are added.
///
/// `inception_resnet_v2` has timm's tensor names, after TensorFlow's published network, or those of the pretrained-models
/// collection, whose last layer is `last_linear`. `inception_resnet_v1` has facenet-pytorch's: 160 × 160 faces, an embedding of 512 values (`last_linear`, `last_bn`), then the logits. The v2
/// stem is Inception-v3's with a module behind it, as in every published file, not Figure 3.
extension Architecture {
    static let inceptionResNets = [inceptionResNetV2, inceptionResNetV1]

    private static let inceptionResNetV2 = Architecture("inception_resnet_v2", size: 299) { classes, model in
        let head = model.hasTensors(under: "last_linear.") ? "last_linear" : "classif"
        // swift-format-ignore
        return stem + [                                                             //   C  ×  H ×  W
            .maxPool(3, stride: 2, name: "maxpool_5a"),                             //  192 × 35 × 35
            .block("mixed_5b", [.concat(mixed5b)]),                                 //  320 × 35 × 35
            repeated("repeat", 10, scale: 0.17, block35(32, 48, 64), to: 320),      //  320 × 35 × 35
            .block("mixed_6a", [.concat(reductionA(256, 256, 384))]),               // 1088 × 17 × 17
            repeated("repeat_1", 20, scale: 0.1, block17(128, 160, 192), to: 1088), // 1088 × 17 × 17
            .block("mixed_7a", [.concat(reductionB(288, 288, 320))]),               // 2080 ×  8 ×  8
            repeated("repeat_2", 9, scale: 0.2, block8(192, 224, 256), to: 2080),   // 2080 ×  8 ×  8
            .block("block8", [added(1, block8(192, 224, 256), to: 2080)]),
            .convUnit("conv2d_7b", 1536, kernel: 1),                                // 1536 ×  8 ×  8
            .globalAveragePool, .flatten, .dropout, .linear(head, classes), .softmax,
        ]
    }

    private static let inceptionResNetV1 = Architecture(
        "inception_resnet_v1",
        size: 160,
        classes: 8631
    ) { classes, _ in
        // swift-format-ignore
        stem + [                                                                    //   C  ×  H ×  W
            .convUnit("conv2d_4b", 256, kernel: 3, stride: 2),                      //  256 × 17 × 17
            repeated("repeat_1", 5, scale: 0.17, block35(32, 32, 32), to: 256),     //  256 × 17 × 17
            .block("mixed_6a", [.concat(reductionA(192, 192, 256))]),               //  896 ×  8 ×  8
            repeated("repeat_2", 10, scale: 0.1, block17(128, 128, 128), to: 896),  //  896 ×  8 ×  8
            .block("mixed_7a", [.concat(reductionB(256, 256, 256))]),               // 1792 ×  3 ×  3
            repeated("repeat_3", 5, scale: 0.2, block8(192, 192, 192), to: 1792),   // 1792 ×  3 ×  3
            .block("block8", [added(1, block8(192, 192, 192), to: 1792)]),
            .globalAveragePool, .flatten, .dropout,
            .linear("last_linear", 512, bias: false), .batchNorm("last_bn", epsilon: 1e-3),
            .linear("logits", classes), .softmax,
        ]
    }

    // swift-format-ignore
    private static let stem: [Layer] = [
        .convUnit("conv2d_1a",  32, kernel: 3, stride: 2),
        .convUnit("conv2d_2a",  32, kernel: 3),
        .convUnit("conv2d_2b",  64, kernel: 3, pad: 1),
        .maxPool(3, stride: 2, name: "maxpool_3a"),
        .convUnit("conv2d_3b",  80, kernel: 1),
        .convUnit("conv2d_4a", 192, kernel: 3),
    ]

    private static func repeated(
        _ name: String,
        _ count: Int,
        scale: Float,
        _ branches: [[Layer]],
        to width: Int
    ) -> Layer {
        .block(name, (0..<count).map { .block("\($0)", [added(scale, branches, to: width), .relu]) })
    }

    /// The branches, joined, widened without activation, scaled, and added to what came in.
    private static func added(_ scale: Float, _ branches: [[Layer]], to width: Int) -> Layer {
        let scaling: [Layer] = scale == 1 ? [] : [.scale(scale)]
        return .residual([.concat(branches), .conv("conv2d", width, kernel: 1)] + scaling)
    }

    private static let mixed5b: [[Layer]] = [
        [.convUnit("branch0", 96, kernel: 1)],
        [.convUnit("branch1.0", 48, kernel: 1), .convUnit("branch1.1", 64, kernel: 5, pad: 2)],
        [
            .convUnit("branch2.0", 64, kernel: 1),
            .convUnit("branch2.1", 96, kernel: 3, pad: 1),
            .convUnit("branch2.2", 96, kernel: 3, pad: 1),
        ],
        [.averagePool(3, stride: 1, pad: 1, countsPadding: false), .convUnit("branch3.1", 64, kernel: 1)],
    ]

    /// Figures 10 and 16.
    private static func block35(_ one: Int, _ two: Int, _ three: Int) -> [[Layer]] {
        [
            [.convUnit("branch0", 32, kernel: 1)],
            [.convUnit("branch1.0", 32, kernel: 1), .convUnit("branch1.1", 32, kernel: 3, pad: 1)],
            [
                .convUnit("branch2.0", one, kernel: 1),
                .convUnit("branch2.1", two, kernel: 3, pad: 1),
                .convUnit("branch2.2", three, kernel: 3, pad: 1),
            ],
        ]
    }

    /// Figure 7 with the paper's k, l and m; n is 384.
    private static func reductionA(_ k: Int, _ l: Int, _ m: Int) -> [[Layer]] {
        [
            [.convUnit("branch0", 384, kernel: 3, stride: 2)],
            [
                .convUnit("branch1.0", k, kernel: 1),
                .convUnit("branch1.1", l, kernel: 3, pad: 1),
                .convUnit("branch1.2", m, kernel: 3, stride: 2),
            ],
            [.maxPool(3, stride: 2)],
        ]
    }

    /// Figures 11 and 17.
    private static func block17(_ one: Int, _ two: Int, _ three: Int) -> [[Layer]] {
        [
            [.convUnit("branch0", three, kernel: 1)],
            [
                .convUnit("branch1.0", one, kernel: 1),
                .convUnit("branch1.1", two, kernel: [1, 7], pad: [0, 3]),
                .convUnit("branch1.2", three, kernel: [7, 1], pad: [3, 0]),
            ],
        ]
    }

    /// Figures 12 and 18.
    private static func reductionB(_ one: Int, _ two: Int, _ three: Int) -> [[Layer]] {
        [
            [.convUnit("branch0.0", 256, kernel: 1), .convUnit("branch0.1", 384, kernel: 3, stride: 2)],
            [.convUnit("branch1.0", 256, kernel: 1), .convUnit("branch1.1", one, kernel: 3, stride: 2)],
            [
                .convUnit("branch2.0", 256, kernel: 1),
                .convUnit("branch2.1", two, kernel: 3, pad: 1),
                .convUnit("branch2.2", three, kernel: 3, stride: 2),
            ],
            [.maxPool(3, stride: 2)],
        ]
    }

    /// Figures 13 and 19.
    private static func block8(_ one: Int, _ two: Int, _ three: Int) -> [[Layer]] {
        [
            [.convUnit("branch0", 192, kernel: 1)],
            [
                .convUnit("branch1.0", one, kernel: 1),
                .convUnit("branch1.1", two, kernel: [1, 3], pad: [0, 1]),
                .convUnit("branch1.2", three, kernel: [3, 1], pad: [1, 0]),
            ],
        ]
    }
}
