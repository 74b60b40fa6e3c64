internal import Engine

/// Network in network. Lin, Chen, Yan, ICLR 2014: a convolution and two 1×1 convolutions (`cccp`) make a layer, the
/// average of the last map of each class is its logit.
///
/// Tensor names and the layers are those of the authors' Caffe models: `nin` for ImageNet, `nin_cifar10` the paper's
/// §4.2. Windows that do not fit evenly count, as in Caffe.
extension Architecture {
    static let niNs = [nin, ninCIFAR10]

    private static let nin = Architecture("nin", size: 224) { classes, _ in
        // swift-format-ignore
        [                                                                                     //  C  ×  H ×  W
            mlpConv(.conv("conv1", 96, kernel: 11, stride: 4), ("cccp1", 96), ("cccp2", 96)), //  96 × 54 × 54
            [.maxPool(3, stride: 2, roundsUp: true, name: "pool1")],                          //  96 × 27 × 27
            mlpConv(.conv("conv2", 256, kernel: 5, pad: 2), ("cccp3", 256), ("cccp4", 256)),  // 256 × 27 × 27
            [.maxPool(3, stride: 2, roundsUp: true, name: "pool2")],                          // 256 × 13 × 13
            mlpConv(.conv("conv3", 384, kernel: 3, pad: 1), ("cccp5", 384), ("cccp6", 384)),  // 384 × 13 × 13
            [.maxPool(3, stride: 2, roundsUp: true, name: "pool3"), .dropout],                // 384 ×  6 ×  6
            mlpConv(.conv("conv4-1024", 1024, kernel: 3, pad: 1), ("cccp7-1024", 1024), ("cccp8-1024", classes)),
            [.globalAveragePool, .flatten, .softmax],
        ].flatMap(\.self)
    }

    private static let ninCIFAR10 = Architecture("nin_cifar10", size: 32, classes: 10) { classes, _ in
        // swift-format-ignore
        [                                                                                     //  C  ×  H ×  W
            mlpConv(.conv("conv1", 192, kernel: 5, pad: 2), ("cccp1", 160), ("cccp2", 96)),   //  96 × 32 × 32
            [.maxPool(3, stride: 2, roundsUp: true, name: "pool1"), .dropout],                //  96 × 16 × 16
            mlpConv(.conv("conv2", 192, kernel: 5, pad: 2), ("cccp3", 192), ("cccp4", 192)),  // 192 × 16 × 16
            [.averagePool(3, stride: 2, roundsUp: true, name: "pool2"), .dropout],            // 192 ×  8 ×  8
            mlpConv(.conv("conv3", 192, kernel: 3, pad: 1), ("cccp5", 192), ("cccp6", classes)),
            [.globalAveragePool, .flatten, .softmax],
        ].flatMap(\.self)
    }

    /// A convolution and the two fully connected layers that slide over its maps as 1×1 convolutions.
    private static func mlpConv(
        _ convolution: Layer,
        _ first: (name: String, filters: Int),
        _ second: (name: String, filters: Int)
    ) -> [Layer] {
        [
            convolution, .relu, .conv(first.name, first.filters, kernel: 1), .relu,
            .conv(second.name, second.filters, kernel: 1), .relu,
        ]
    }
}
