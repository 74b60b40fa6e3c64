internal import Engine

/// AlexNet. Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
/// NIPS 2012, §3.5 and Figure 2; the two GPUs are `groups: 2`.
///
/// The paper prints 224 × 224; 227 is what its own arithmetic needs. Tensor names are Caffe's. `alexnet` is
/// torchvision's, after Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014: one
/// tower, no normalisation, and an average pool that lets it take other sizes. `caffenet` is Caffe's reference model,
/// Jia et al. 2014: it pools before it normalises, with Caffe's constants.
extension Architecture {
    static let alexNets = [alexNet2012, caffeNet, alexNetTorchvision]

    private static let alexNet2012 = Architecture(
        "alexnet_2012",
        size: 227,
        options: ["lrn": .lrn]
    ) { classes, configuration in
        let norm = Layer.localResponseNorm(configuration.options.object("lrn"))
        return twoTowers(classes) { name in [norm, .maxPool(3, stride: 2, name: name)] }
    }

    private static let caffeNet = Architecture("caffenet", size: 227, options: ["lrn": .lrn]) {
        classes,
        model in
        let norm = Layer.localResponseNorm(model.options.object("lrn"), alpha: 2e-5, k: 1)
        return twoTowers(classes) { name in [.maxPool(3, stride: 2, name: name), norm] }
    }

    private static func twoTowers(_ classes: Int, pool: (_ name: String) -> [Layer]) -> [Layer] {
        // swift-format-ignore
        [                                                                       //  C  ×  H ×  W
            .conv("conv1",  96, kernel: 11, stride: 4),           .relu,        //  96 × 55 × 55
        ] + pool("pool1") + [                                                   //  96 × 27 × 27
            .conv("conv2", 256, kernel: 5, pad: 2, groups: 2),    .relu,        // 256 × 27 × 27
        ] + pool("pool2") + [                                                   // 256 × 13 × 13
            .conv("conv3", 384, kernel: 3, pad: 1),               .relu,        // 384 × 13 × 13
            .conv("conv4", 384, kernel: 3, pad: 1, groups: 2),    .relu,        // 384 × 13 × 13
            .conv("conv5", 256, kernel: 3, pad: 1, groups: 2),    .relu,        // 256 × 13 × 13
            .maxPool(3, stride: 2, name: "pool5"), .flatten,                    // 256 ×  6 ×  6
            .linear("fc6", 4096), .relu, .dropout,
            .linear("fc7", 4096), .relu, .dropout,
            .linear("fc8", classes), .softmax,
        ]
    }

    private static let alexNetTorchvision = Architecture("alexnet", size: 224) { classes, _ in
        // swift-format-ignore
        [                                                                 //  C  ×  H ×  W
            .block("features", [
                .conv("0",   64, kernel: 11, stride: 4, pad: 2), .relu,   //  64 × 55 × 55
                .maxPool(3, stride: 2),                                   //  64 × 27 × 27
                .conv("3",  192, kernel: 5, pad: 2),             .relu,   // 192 × 27 × 27
                .maxPool(3, stride: 2),                                   // 192 × 13 × 13
                .conv("6",  384, kernel: 3, pad: 1),             .relu,   // 384 × 13 × 13
                .conv("8",  256, kernel: 3, pad: 1),             .relu,   // 256 × 13 × 13
                .conv("10", 256, kernel: 3, pad: 1),             .relu,   // 256 × 13 × 13
                .maxPool(3, stride: 2),                                   // 256 ×  6 ×  6
            ]),
            .adaptiveAveragePool(6), .flatten,                            // 256 ×  6 ×  6
            .block("classifier", [
                .dropout, .linear("1", 4096), .relu,
                .dropout, .linear("4", 4096), .relu,
                .linear("6", classes),
            ]),
            .softmax,
        ]
    }
}

extension OptionRule {
    /// The constants of local response normalisation; `alpha` is the paper's, not divided by the size.
    static let lrn = OptionRule.object([
        "size": .integer(1...255), "alpha": .number(0...1e6), "beta": .number(0...100),
        "k": .number(1e-6...1e6),
    ])
}

extension Layer {
    /// Local response normalisation with the network's constants where the options name no others.
    static func localResponseNorm(
        _ options: [String: OptionValue],
        alpha: Double = 1e-4,
        k: Double = 2
    ) -> Layer {
        .localResponseNorm(
            size: options.integer("size") ?? 5,
            alpha: Float(options.number("alpha") ?? alpha),
            beta: Float(options.number("beta") ?? 0.75),
            k: Float(options.number("k") ?? k)
        )
    }
}
