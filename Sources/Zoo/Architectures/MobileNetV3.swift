internal import Engine

/// MobileNetV3. Howard et al., "Searching for MobileNetV3", ICCV 2019, Tables 1 and 2. Tensor names are torchvision's, or
/// timm's (`mobilenetv3_large_100`, `mobilenetv3_small_100`) when the weights have `blocks`.
extension Architecture {
    // swift-format-ignore
    static let mobileNetV3s = [
        mobileNetV3("mobilenet_v3_large", last: 1280, epsilon: 1e-3, stages: [            //   C ×   H ×   W
            [(3,  16,  16, false, .relu, 1)],                                             //  16 × 112 × 112
            [(3,  64,  24, false, .relu, 2), (3,  72,  24, false, .relu, 1)],             //  24 ×  56 ×  56
            [(5,  72,  40, true, .relu, 2), (5, 120, 40, true, .relu, 1), (5, 120, 40, true, .relu, 1)],
            [(3, 240,  80, false, .hardSwish, 2), (3, 200, 80, false, .hardSwish, 1),     //  80 ×  14 ×  14
             (3, 184,  80, false, .hardSwish, 1), (3, 184, 80, false, .hardSwish, 1)],
            [(3, 480, 112, true, .hardSwish, 1), (3, 672, 112, true, .hardSwish, 1)],     // 112 ×  14 ×  14
            [(5, 672, 160, true, .hardSwish, 2), (5, 960, 160, true, .hardSwish, 1),      // 160 ×   7 ×   7
             (5, 960, 160, true, .hardSwish, 1)],
        ]),
        mobileNetV3("mobilenet_v3_small", last: 1024, epsilon: 1e-3, stages: [
            [(3,  16,  16, true, .relu, 2)],                                              //  16 ×  56 ×  56
            [(3,  72,  24, false, .relu, 2), (3,  88,  24, false, .relu, 1)],             //  24 ×  28 ×  28
            [(5,  96,  40, true, .hardSwish, 2), (5, 240, 40, true, .hardSwish, 1),       //  40 ×  14 ×  14
             (5, 240,  40, true, .hardSwish, 1)],
            [(5, 120,  48, true, .hardSwish, 1), (5, 144, 48, true, .hardSwish, 1)],      //  48 ×  14 ×  14
            [(5, 288,  96, true, .hardSwish, 2), (5, 576, 96, true, .hardSwish, 1),       //  96 ×   7 ×   7
             (5, 576,  96, true, .hardSwish, 1)],
        ]),
    ]

    /// A row of the paper's tables: kernel, expansion, output channels, gate, activation, stride.
    private typealias Row = (
        kernel: Int, expanded: Int, outputs: Int, isGated: Bool, activation: Layer, stride: Int
    )

    private static func mobileNetV3(
        _ name: String,
        last: Int,
        epsilon: Float,
        stages: [[Row]]
    ) -> Architecture {
        Architecture(name, size: 224) { classes, model in
            let isTimm = model.hasTensors(under: "blocks.")
            // timm leaves ε at PyTorch's own.
            let epsilon = isTimm ? 1e-5 : epsilon
            let stem = isTimm ? ("conv_stem", "bn1") : ("features.0.0", "features.0.1")
            var layers = Layer.normed(stem, 16, kernel: 3, stride: 2, epsilon: epsilon) + [.hardSwish]
            var (inputs, count) = (16, 0)
            for (stage, rows) in stages.enumerated() {
                for (index, row) in rows.enumerated() {
                    count += 1
                    let block = InvertedResidual(
                        inputs: inputs,
                        expanded: row.expanded,
                        outputs: row.outputs,
                        kernel: row.kernel,
                        stride: row.stride,
                        squeezed: row.isGated ? Int(channels: Double(row.expanded / 4)) : nil,
                        activation: row.activation,
                        gate: (.relu, .hardSigmoid),
                        epsilon: epsilon
                    )
                    let name = isTimm ? "blocks.\(stage).\(index)" : "features.\(count)"
                    layers.append(.block(name, block.layers(isTimm ? .timm : .torchvision)))
                    inputs = row.outputs
                }
            }
            let head =
                isTimm
                ? ("blocks.\(stages.count).0.conv", "blocks.\(stages.count).0.bn1")
                : ("features.\(count + 1).0", "features.\(count + 1).1")
            layers += Layer.normed(head, 6 * inputs, epsilon: epsilon) + [.hardSwish, .globalAveragePool]
            return layers
                + (isTimm
                    ? [
                        .conv("conv_head", last, kernel: 1), .hardSwish, .flatten,
                        .linear("classifier", classes),
                    ]
                    : [
                        .flatten, .linear("classifier.0", last), .hardSwish, .dropout,
                        .linear("classifier.3", classes),
                    ]) + [.softmax]
        }
    }
}
