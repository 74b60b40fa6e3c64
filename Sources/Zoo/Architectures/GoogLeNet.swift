internal import Engine

/// GoogLeNet. Szegedy et al., "Going deeper with convolutions", CVPR 2015, Table 1; the modules keep its columns.
///
/// `googlenet` is torchvision's, with its names: batch norm instead of local response normalisation, and 3×3 in the
/// place of 5×5. Its option `transform_input` turns pixels normalised with ImageNet's statistics into −1 … 1, which
/// torchvision's pretrained weights need. `googlenet_2014` is the paper's, with Caffe's names (`/` reads `.`), and
/// Caffe's constants of normalisation. Both ignore the auxiliary heads.
extension Architecture {
    static let googLeNets = [googLeNet, googLeNet2014]

    private static let googLeNet = Architecture(
        "googlenet",
        size: 224,
        options: ["transform_input": .bool],
        ignoredPrefixes: ["aux1.", "aux2."]
    ) { classes, model in
        // swift-format-ignore
        (model.options.bool("transform_input") == true ? [.transformInput] : []) + [
                                                                            //  C  ×   H ×   W
            .convUnit("conv1", 64, kernel: 7, stride: 2, pad: 3),           //  64 × 112 × 112
            .maxPool(3, stride: 2, roundsUp: true, name: "maxpool1"),       //  64 ×  56 ×  56
            .convUnit("conv2", 64, kernel: 1),                              //  64 ×  56 ×  56
            .convUnit("conv3", 192, kernel: 3, pad: 1),                     // 192 ×  56 ×  56
            .maxPool(3, stride: 2, roundsUp: true, name: "maxpool2"),       // 192 ×  28 ×  28
        ]
            + googLeNetModules(torchvisionModule, pools: ("maxpool3", 3), ("maxpool4", 2)) + [
                .globalAveragePool, .flatten, .dropout, .linear("fc", classes), .softmax,
            ]
    }

    private static let googLeNet2014 = Architecture(
        "googlenet_2014",
        size: 224,
        options: ["lrn": .lrn],
        ignoredPrefixes: ["loss1.", "loss2."]
    ) { classes, model in
        let norm = Layer.localResponseNorm(model.options.object("lrn"), alpha: 2e-5, k: 1)
        // swift-format-ignore
        return [                                                            //  C  ×   H ×   W
            .conv("conv1.7x7_s2", 64, kernel: 7, stride: 2, pad: 3), .relu, //  64 × 112 × 112
            .maxPool(3, stride: 2, roundsUp: true, name: "pool1"), norm,    //  64 ×  56 ×  56
            .conv("conv2.3x3_reduce", 64, kernel: 1), .relu,                //  64 ×  56 ×  56
            .conv("conv2.3x3", 192, kernel: 3, pad: 1), .relu, norm,        // 192 ×  56 ×  56
            .maxPool(3, stride: 2, roundsUp: true, name: "pool2"),          // 192 ×  28 ×  28
        ]
            + googLeNetModules(caffeModule, pools: ("pool3", 3), ("pool4", 3)) + [
                .globalAveragePool, .flatten, .dropout, .linear("loss3.classifier", classes), .softmax,
            ]
    }

    /// Table 1 from inception (3a) to (5b), with the pools between.
    private static func googLeNetModules(
        _ module: (String, Int, Int, Int, Int, Int, Int) -> Layer,
        pools pool3: (name: String, size: Int),
        _ pool4: (name: String, size: Int)
    ) -> [Layer] {
        // swift-format-ignore
        [           // #1×1  #3×3r  #3×3  #5×5r  #5×5  pool                 //   C  ×  H ×  W
            module("3a",  64,    96,  128,    16,   32,   32),              //  256 × 28 × 28
            module("3b", 128,   128,  192,    32,   96,   64),              //  480 × 28 × 28
            .maxPool(Extent(pool3.size), stride: 2, roundsUp: true, name: pool3.name), // 480 × 14 × 14
            module("4a", 192,    96,  208,    16,   48,   64),              //  512 × 14 × 14
            module("4b", 160,   112,  224,    24,   64,   64),              //  512 × 14 × 14
            module("4c", 128,   128,  256,    24,   64,   64),              //  512 × 14 × 14
            module("4d", 112,   144,  288,    32,   64,   64),              //  528 × 14 × 14
            module("4e", 256,   160,  320,    32,  128,  128),              //  832 × 14 × 14
            .maxPool(Extent(pool4.size), stride: 2, roundsUp: true, name: pool4.name), // 832 × 7 × 7
            module("5a", 256,   160,  320,    32,  128,  128),              //  832 ×  7 ×  7
            module("5b", 384,   192,  384,    48,  128,  128),              // 1024 ×  7 ×  7
        ]
    }

    // swift-format-ignore
    private static func torchvisionModule(
        _ name: String, one: Int, reduce3: Int, three: Int, reduce5: Int, five: Int, pool: Int
    ) -> Layer {
        .block("inception\(name)", [.concat([
            [.convUnit("branch1", one, kernel: 1)],
            [.convUnit("branch2.0", reduce3, kernel: 1), .convUnit("branch2.1", three, kernel: 3, pad: 1)],
            [.convUnit("branch3.0", reduce5, kernel: 1), .convUnit("branch3.1", five, kernel: 3, pad: 1)],
            [.maxPool(3, stride: 1, pad: 1, roundsUp: true), .convUnit("branch4.1", pool, kernel: 1)],
        ])])
    }

    // swift-format-ignore
    private static func caffeModule(
        _ name: String, one: Int, reduce3: Int, three: Int, reduce5: Int, five: Int, pool: Int
    ) -> Layer {
        .block("inception_\(name)", [.concat([
            [.conv("1x1", one, kernel: 1), .relu],
            [.conv("3x3_reduce", reduce3, kernel: 1), .relu, .conv("3x3", three, kernel: 3, pad: 1), .relu],
            [.conv("5x5_reduce", reduce5, kernel: 1), .relu, .conv("5x5", five, kernel: 5, pad: 2), .relu],
            [.maxPool(3, stride: 1, pad: 1, roundsUp: true), .conv("pool_proj", pool, kernel: 1), .relu],
        ])])
    }
}
