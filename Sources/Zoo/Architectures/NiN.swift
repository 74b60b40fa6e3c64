/// Network in network. Lin, Chen, Yan, ICLR 2014: a convolution and two 1×1 convolutions (`cccp`) make a layer, the
/// average of the last map of each class is its logit.
///
/// Tensor names and the layers are those of the authors' Caffe models: `nin` for ImageNet, `nin_cifar10` the paper's
/// §4.2. Windows that do not fit evenly count, as in Caffe.
extension Architecture {
    static let niNs = [nin, ninCIFAR10]

    private static let nin = Architecture("nin", size: 224) { classes, _ in
        // swift-format-ignore
        [                                                                           //   C  ×  H ×  W
            .conv("conv1", 96, kernel: 11, stride: 4),         .relu,               //   96 × 54 × 54
            .conv("cccp1", 96, kernel: 1),                     .relu,
            .conv("cccp2", 96, kernel: 1),                     .relu,
            .maxPool(3, stride: 2, roundsUp: true, name: "pool1"),                  //   96 × 27 × 27
            .conv("conv2", 256, kernel: 5, pad: 2),            .relu,               //  256 × 27 × 27
            .conv("cccp3", 256, kernel: 1),                    .relu,
            .conv("cccp4", 256, kernel: 1),                    .relu,
            .maxPool(3, stride: 2, roundsUp: true, name: "pool2"),                  //  256 × 13 × 13
            .conv("conv3", 384, kernel: 3, pad: 1),            .relu,               //  384 × 13 × 13
            .conv("cccp5", 384, kernel: 1),                    .relu,
            .conv("cccp6", 384, kernel: 1),                    .relu,
            .maxPool(3, stride: 2, roundsUp: true, name: "pool3"), .dropout,        //  384 ×  6 ×  6
            .conv("conv4-1024", 1024, kernel: 3, pad: 1),      .relu,               // 1024 ×  6 ×  6
            .conv("cccp7-1024", 1024, kernel: 1),              .relu,
            .conv("cccp8-1024", classes, kernel: 1),           .relu,
            .globalAveragePool, .flatten, .softmax,
        ]
    }

    private static let ninCIFAR10 = Architecture("nin_cifar10", size: 32, classes: 10) { classes, _ in
        // swift-format-ignore
        [                                                                           //   C  ×  H ×  W
            .conv("conv1", 192, kernel: 5, pad: 2),            .relu,               //  192 × 32 × 32
            .conv("cccp1", 160, kernel: 1),                    .relu,
            .conv("cccp2", 96, kernel: 1),                     .relu,
            .maxPool(3, stride: 2, roundsUp: true, name: "pool1"), .dropout,        //   96 × 16 × 16
            .conv("conv2", 192, kernel: 5, pad: 2),            .relu,               //  192 × 16 × 16
            .conv("cccp3", 192, kernel: 1),                    .relu,
            .conv("cccp4", 192, kernel: 1),                    .relu,
            .averagePool(3, stride: 2, roundsUp: true, name: "pool2"), .dropout,    //  192 ×  8 ×  8
            .conv("conv3", 192, kernel: 3, pad: 1),            .relu,               //  192 ×  8 ×  8
            .conv("cccp5", 192, kernel: 1),                    .relu,
            .conv("cccp6", classes, kernel: 1),                .relu,
            .globalAveragePool, .flatten, .softmax,
        ]
    }
}
