internal import Engine

/// LeNet-5. LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 1998, §II.B
/// and Figure 2.
///
/// `lenet5` is the network as it is trained today: ReLU, max pooling, a full second convolution and a softmax.
/// `lenet5_1998` is the paper's: trainable subsampling, Table I's connections (map i of C3 is the convolution `c3.i` over
/// its inputs), the scaled tanh 1.7159·tanh(⅔·x), and radial basis units, whose rows are the paper's fixed bitmaps.
extension Architecture {
    static let leNets = [
        Architecture("lenet5", channels: 1, size: 32, classes: 10) { classes, _ in
            // swift-format-ignore
            [                                                             //  C  ×  H ×  W
                .conv("conv1",  6, kernel: 5), .relu,                     //   6 × 28 × 28
                .maxPool(2, stride: 2),                                   //   6 × 14 × 14
                .conv("conv2", 16, kernel: 5), .relu,                     //  16 × 10 × 10
                .maxPool(2, stride: 2), .flatten,                         //  16 ×  5 ×  5
                .linear("fc1", 120), .relu, .linear("fc2", 84), .relu, .linear("fc3", classes), .softmax,
            ]
        },
        Architecture("lenet5_1998", channels: 1, size: 32, classes: 10) { classes, _ in
            // swift-format-ignore
            [                                                             //  C  ×  H ×  W
                .conv("c1", 6, kernel: 5),                                //   6 × 28 × 28
            ] + scaledTanh + [
                .subsample("s2"),                                         //   6 × 14 × 14
            ] + scaledTanh + [
                .concat(tableI.enumerated().map { map, inputs in          //  16 × 10 × 10
                    [.selectChannels(inputs), .conv("c3.\(map)", 1, kernel: 5)]
                }),
            ] + scaledTanh + [
                .subsample("s4"),                                         //  16 ×  5 ×  5
            ] + scaledTanh + [
                .conv("c5", 120, kernel: 5),                              // 120 ×  1 ×  1
            ] + scaledTanh + [.flatten, .linear("f6", 84)] + scaledTanh + [
                .radialBasis("rbf", classes), .softmax,
            ]
        },
    ]

    /// A·tanh(S·x) with the constants of the paper's appendix A.
    private static let scaledTanh: [Layer] = [
        .scale(2.0 / 3), .tanh, .scale(1.7159),
    ]

    /// The maps of S2 that each map of C3 sees.
    private static let tableI = [
        [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5],
        [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5],
        [0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5],
        [0, 1, 2, 3, 4, 5],
    ]
}
