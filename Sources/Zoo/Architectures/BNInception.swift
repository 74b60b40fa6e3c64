internal import Engine

/// BN-Inception. Ioffe, Szegedy, "Batch normalization: accelerating deep network training by reducing internal
/// covariate shift", ICML 2015, appendix and Figure 5: GoogLeNet with batch norm and two 3×3 for each 5×5.
///
/// Tensor names are those of the pretrained-models collection, after Caffe's: `inception_3a_double_3x3_2` and, for its
/// batch norm, `inception_3a_double_3x3_2_bn`.
extension Architecture {
    static let bnInceptions = [
        Architecture("bn_inception", size: 224) { classes, _ in
            // swift-format-ignore
            [                                                                        //    C ×   H ×   W
                unit("conv1_7x7_s2", 64, kernel: 7, stride: 2, pad: 3),              //   64 × 112 × 112
                [.maxPool(3, stride: 2, roundsUp: true, name: "pool1_3x3_s2")],      //   64 ×  56 ×  56
                unit("conv2_3x3_reduce", 64), unit("conv2_3x3", 192, kernel: 3, pad: 1),
                [.maxPool(3, stride: 2, roundsUp: true, name: "pool2_3x3_s2")],      //  192 ×  28 ×  28
                bnInceptionModules,                                                  // 1024 ×   7 ×   7
                [.globalAveragePool, .flatten, .linear("last_linear", classes), .softmax],
            ].flatMap(\.self)
        }
    ]

    // swift-format-ignore
    private static let bnInceptionModules: [Layer] = [
        //      #1×1  #3×3r #3×3  d3×3r d3×3   pool
        module("3a",  64,   64,  64,    64,  96, .average( 32)),                     //  256 ×  28 ×  28
        module("3b",  64,   64,  96,    64,  96, .average( 64)),                     //  320 ×  28 ×  28
        module("3c",   0,  128, 160,    64,  96, .passThrough),                      //  576 ×  14 ×  14
        module("4a", 224,   64,  96,    96, 128, .average(128)),                     //  576 ×  14 ×  14
        module("4b", 192,   96, 128,    96, 128, .average(128)),                     //  576 ×  14 ×  14
        module("4c", 160,  128, 160,   128, 160, .average(128)),                     //  608 ×  14 ×  14
        module("4d",  96,  128, 192,   160, 192, .average(128)),                     //  608 ×  14 ×  14
        module("4e",   0,  128, 192,   192, 256, .passThrough),                      // 1056 ×   7 ×   7
        module("5a", 352,  192, 320,   160, 224, .average(128)),                     // 1024 ×   7 ×   7
        module("5b", 352,  192, 320,   192, 224, .max(128)),                         // 1024 ×   7 ×   7
    ]

    /// The pooling branch of a module; the number is that of the 1×1 convolution behind it.
    private enum PoolBranch {
        case average(Int), max(Int)
        /// A max pool alone; the other branches have stride 2 as well, and there is no 1×1.
        case passThrough
    }

    private static func module(
        _ name: String,
        _ one: Int,
        _ reduce3: Int,
        _ three: Int,
        _ reduceDouble: Int,
        _ double: Int,
        _ pool: PoolBranch
    ) -> Layer {
        let prefix = "inception_\(name)_"
        let stride = one == 0 ? 2 : 1
        let poolBranch =
            switch pool {
            case .average(let width):
                [.averagePool(3, stride: 1, pad: 1, roundsUp: true)] + unit(prefix + "pool_proj", width)
            case .max(let width):
                [.maxPool(3, stride: 1, pad: 1, roundsUp: true)] + unit(prefix + "pool_proj", width)
            case .passThrough:
                [Layer.maxPool(3, stride: 2, roundsUp: true)]
            }
        let branches = [
            unit(prefix + "3x3_reduce", reduce3)
                + unit(prefix + "3x3", three, kernel: 3, stride: stride, pad: 1),
            unit(prefix + "double_3x3_reduce", reduceDouble)
                + unit(prefix + "double_3x3_1", double, kernel: 3, pad: 1)
                + unit(prefix + "double_3x3_2", double, kernel: 3, stride: stride, pad: 1),
            poolBranch,
        ]
        return .concat((one == 0 ? [] : [unit(prefix + "1x1", one)]) + branches)
    }

    private static func unit(
        _ name: String,
        _ filters: Int,
        kernel: Extent = 1,
        stride: Int = 1,
        pad: Extent = 0
    ) -> [Layer] {
        [
            .conv(name, filters, kernel: kernel, stride: stride, pad: pad), .batchNorm(name + "_bn"), .relu,
        ]
    }
}
