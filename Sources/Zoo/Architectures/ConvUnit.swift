internal import Engine

extension Layer {
    /// A convolution `conv` without bias, its batch norm `bn` and a ReLU.
    ///
    /// The unit of the Inception networks since Szegedy et al. 2016, with their ε.
    static func convUnit(
        _ name: String,
        _ filters: Int,
        kernel: Extent,
        stride: Int = 1,
        pad: Extent = 0
    ) -> Layer {
        .block(
            name,
            [
                .conv("conv", filters, kernel: kernel, stride: stride, pad: pad, bias: false),
                .batchNorm("bn", epsilon: 1e-3), .relu,
            ]
        )
    }

    /// A convolution without bias that keeps the image's size, but for its stride, and its batch norm.
    ///
    /// - Precondition: `kernel` is odd.
    static func normed(
        _ names: (conv: String, norm: String),
        _ filters: Int,
        kernel: Int = 1,
        stride: Int = 1,
        groups: Int = 1,
        epsilon: Float = 1e-5,
        isSame: Bool = false
    ) -> [Layer] {
        let pad = Extent(kernel / 2)
        return [
            .conv(
                names.conv,
                filters,
                kernel: Extent(kernel),
                stride: stride,
                pad: pad,
                groups: groups,
                bias: false,
                isSame: isSame
            ),
            .batchNorm(names.norm, epsilon: epsilon),
        ]
    }

    /// What a layer gives, each channel weighed by a network of two layers that sees the mean of every channel.
    ///
    /// - Source: Hu, Shen, Sun, "Squeeze-and-excitation networks", CVPR 2018, §3.
    static func squeezeExcite(
        _ squeezed: Int,
        of channels: Int,
        _ activation: Layer = .relu,
        gate: Layer = .sigmoid,
        names: (squeeze: String, excite: String) = ("fc1", "fc2")
    ) -> Layer {
        .gate([
            .globalAveragePool,
            .conv(names.squeeze, squeezed, kernel: 1), activation,
            .conv(names.excite, channels, kernel: 1), gate,
        ])
    }

    /// What a layer gives, each channel weighed by what its mean and those of its neighbours say.
    ///
    /// - Source: Wang et al., "ECA-Net", CVPR 2020, equations 9 and 12, with γ of 2 and b of 1.
    static func channelAttention(_ name: String, of channels: Int) -> Layer {
        let half = (bits(of: channels) + 1) / 2
        return .gate([
            .globalAveragePool,
            .channelConv(name, kernel: max(3, half % 2 == 1 ? half : half + 1)), .sigmoid,
        ])
    }

    /// ⌊log₂ n⌋.
    private static func bits(of number: Int) -> Int { Int.bitWidth - 1 - number.leadingZeroBitCount }

    /// A 3×3 unit of the Inception networks' coarsest modules, spread to a 1×3 beside a 3×1 (Figure 7 there).
    static func spread(_ name: String, _ filters: Int) -> Layer {
        .concat([
            [.convUnit(name + "a", filters, kernel: [1, 3], pad: [0, 1])],
            [.convUnit(name + "b", filters, kernel: [3, 1], pad: [1, 0])],
        ])
    }

    /// From the normalisation with ImageNet's statistics to the range −1 … 1, as torchvision's `transform_input` does.
    static let transformInput = Layer.scale(
        [0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5],
        shifts: [(0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5]
    )
}
