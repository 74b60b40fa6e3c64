/// LeNet-5 as it is trained today: ReLU, max pooling, a full second convolution and a softmax.
///
/// LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 1998, §II.B
/// and Figure 2, which has trainable subsampling, Table I's connections, tanh and RBF outputs instead.
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
        }
    ]
}
