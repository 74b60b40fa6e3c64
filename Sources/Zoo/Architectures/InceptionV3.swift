internal import Engine

/// Inception-v3. Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception architecture for computer vision",
/// CVPR 2016, Table 1 and Figures 5 to 7 and 10.
///
/// `inception_v2` is the same network: the paper's v3 is its v2 trained with label smoothing and a normalised auxiliary
/// head, which is ignored. Tensor names are torchvision's, which timm shares. Option `transform_input`: see GoogLeNet.
extension Architecture {
    static let inceptionV3s = ["inception_v3", "inception_v2"].map { name in
        Architecture(
            name,
            size: 299,
            options: ["transform_input": .bool],
            ignoredPrefixes: ["AuxLogits."]
        ) { classes, model in
            (model.options.bool("transform_input") == true ? [.transformInput] : []) + inceptionV3(classes)
        }
    }

    private static func inceptionV3(_ classes: Int) -> [Layer] {
        // swift-format-ignore
        [                                                            //    C ×   H ×   W
            .convUnit("Conv2d_1a_3x3",  32, kernel: 3, stride: 2),   //   32 × 149 × 149
            .convUnit("Conv2d_2a_3x3",  32, kernel: 3),              //   32 × 147 × 147
            .convUnit("Conv2d_2b_3x3",  64, kernel: 3, pad: 1),      //   64 × 147 × 147
            .maxPool(3, stride: 2, name: "maxpool1"),                //   64 ×  73 ×  73
            .convUnit("Conv2d_3b_1x1",  80, kernel: 1),              //   80 ×  73 ×  73
            .convUnit("Conv2d_4a_3x3", 192, kernel: 3),              //  192 ×  71 ×  71
            .maxPool(3, stride: 2, name: "maxpool2"),                //  192 ×  35 ×  35
            .block("Mixed_5b", moduleA(pool: 32)),                   //  256 ×  35 ×  35
            .block("Mixed_5c", moduleA(pool: 64)),                   //  288 ×  35 ×  35
            .block("Mixed_5d", moduleA(pool: 64)),                   //  288 ×  35 ×  35
            .block("Mixed_6a", reductionA),                          //  768 ×  17 ×  17
            .block("Mixed_6b", moduleB(128)),                        //  768 ×  17 ×  17
            .block("Mixed_6c", moduleB(160)),                        //  768 ×  17 ×  17
            .block("Mixed_6d", moduleB(160)),                        //  768 ×  17 ×  17
            .block("Mixed_6e", moduleB(192)),                        //  768 ×  17 ×  17
            .block("Mixed_7a", reductionB),                          // 1280 ×   8 ×   8
            .block("Mixed_7b", moduleC),                             // 2048 ×   8 ×   8
            .block("Mixed_7c", moduleC),                             // 2048 ×   8 ×   8
            .globalAveragePool, .flatten, .dropout, .linear("fc", classes), .softmax,
        ]
    }

    private static func pooled(_ filters: Int) -> [Layer] {
        [.averagePool(3, stride: 1, pad: 1), .convUnit("branch_pool", filters, kernel: 1)]
    }

    /// Figure 5: 5×5 convolutions, one of which is two 3×3.
    // swift-format-ignore
    private static func moduleA(pool: Int) -> [Layer] {
        [.concat([
            [.convUnit("branch1x1", 64, kernel: 1)],
            [.convUnit("branch5x5_1", 48, kernel: 1), .convUnit("branch5x5_2", 64, kernel: 5, pad: 2)],
            [
                .convUnit("branch3x3dbl_1", 64, kernel: 1),
                .convUnit("branch3x3dbl_2", 96, kernel: 3, pad: 1),
                .convUnit("branch3x3dbl_3", 96, kernel: 3, pad: 1),
            ],
            pooled(pool),
        ])]
    }

    /// Figure 10, from 35 × 35 to 17 × 17.
    // swift-format-ignore
    private static let reductionA: [Layer] = [.concat([
        [.convUnit("branch3x3", 384, kernel: 3, stride: 2)],
        [
            .convUnit("branch3x3dbl_1", 64, kernel: 1),
            .convUnit("branch3x3dbl_2", 96, kernel: 3, pad: 1),
            .convUnit("branch3x3dbl_3", 96, kernel: 3, stride: 2),
        ],
        [.maxPool(3, stride: 2)],
    ])]

    /// Figure 6: 7×7 convolutions as 1×7 and 7×1.
    // swift-format-ignore
    private static func moduleB(_ width: Int) -> [Layer] {
        [.concat([
            [.convUnit("branch1x1", 192, kernel: 1)],
            [
                .convUnit("branch7x7_1", width, kernel: 1),
                .convUnit("branch7x7_2", width, kernel: [1, 7], pad: [0, 3]),
                .convUnit("branch7x7_3", 192, kernel: [7, 1], pad: [3, 0]),
            ],
            [
                .convUnit("branch7x7dbl_1", width, kernel: 1),
                .convUnit("branch7x7dbl_2", width, kernel: [7, 1], pad: [3, 0]),
                .convUnit("branch7x7dbl_3", width, kernel: [1, 7], pad: [0, 3]),
                .convUnit("branch7x7dbl_4", width, kernel: [7, 1], pad: [3, 0]),
                .convUnit("branch7x7dbl_5", 192, kernel: [1, 7], pad: [0, 3]),
            ],
            pooled(192),
        ])]
    }

    /// From 17 × 17 to 8 × 8.
    // swift-format-ignore
    private static let reductionB: [Layer] = [.concat([
        [.convUnit("branch3x3_1", 192, kernel: 1), .convUnit("branch3x3_2", 320, kernel: 3, stride: 2)],
        [
            .convUnit("branch7x7x3_1", 192, kernel: 1),
            .convUnit("branch7x7x3_2", 192, kernel: [1, 7], pad: [0, 3]),
            .convUnit("branch7x7x3_3", 192, kernel: [7, 1], pad: [3, 0]),
            .convUnit("branch7x7x3_4", 192, kernel: 3, stride: 2),
        ],
        [.maxPool(3, stride: 2)],
    ])]

    /// Figure 7: 3×3 convolutions spread to 1×3 beside 3×1.
    // swift-format-ignore
    private static let moduleC: [Layer] = [.concat([
        [.convUnit("branch1x1", 320, kernel: 1)],
        [.convUnit("branch3x3_1", 384, kernel: 1), .spread("branch3x3_2", 384)],
        [
            .convUnit("branch3x3dbl_1", 448, kernel: 1),
            .convUnit("branch3x3dbl_2", 384, kernel: 3, pad: 1),
            .spread("branch3x3dbl_3", 384),
        ],
        pooled(192),
    ])]
}
