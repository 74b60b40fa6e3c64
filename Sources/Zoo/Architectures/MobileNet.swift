internal import Engine

/// MobileNets, of depthwise separable convolutions with ReLU6.
///
/// v1: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017,
/// Table 1; tensor names are timm's (`mobilenetv1_100`). v2: Sandler et al., "MobileNetV2: inverted residuals and
/// linear bottlenecks", CVPR 2018, Table 2; names are torchvision's, or timm's (`mobilenetv2_100`) when the weights have
/// `blocks`.
extension Architecture {
    static let mobileNets = [mobileNetV1, mobileNetV2]

    private static let mobileNetV1 = Architecture("mobilenet_v1", size: 224) { classes, _ in
        // swift-format-ignore
        [                                                                            //    C ×   H ×   W
            .conv("conv_stem", 32, kernel: 3, stride: 2, pad: 1, bias: false), .batchNorm("bn1"), .relu6,
            separableStage(0, widths: [64], stride: 1),                              //   64 × 112 × 112
            separableStage(1, widths: [128, 128], stride: 2),                        //  128 ×  56 ×  56
            separableStage(2, widths: [256, 256], stride: 2),                        //  256 ×  28 ×  28
            separableStage(3, widths: [512, 512, 512, 512, 512, 512], stride: 2),    //  512 ×  14 ×  14
            separableStage(4, widths: [1024, 1024], stride: 2),                      // 1024 ×   7 ×   7
            .globalAveragePool, .flatten, .linear("classifier", classes), .softmax,
        ]
    }

    private static func separableStage(_ number: Int, widths: [Int], stride: Int) -> Layer {
        let inputs = number == 0 ? 32 : widths[0] / 2
        return .block(
            "blocks.\(number)",
            widths.enumerated().map { index, width in
                let (channels, stride) = index == 0 ? (inputs, stride) : (width, 1)
                return .block(
                    "\(index)",
                    depthwise("conv_dw", "bn1", channels, stride: stride)
                        + pointwise("conv_pw", "bn2", width) + [.relu6]
                )
            }
        )
    }

    private static let mobileNetV2 = Architecture("mobilenet_v2", size: 224) { classes, model in
        let names: any InvertedResidualNames =
            model.hasTensors(under: "blocks.") ? TimmNames() : TorchvisionNames()
        var layers = [
            .conv(names.stem.conv, 32, kernel: 3, stride: 2, pad: 1, bias: false),
            .batchNorm(names.stem.norm), Layer.relu6, //   32 × 112 × 112
        ]
        // swift-format-ignore
        let table = [  // t    c  n  s                                               //    C ×   H ×   W
            Inverted(t: 1, c:  16, n: 1, s: 1),                                      //   16 × 112 × 112
            Inverted(t: 6, c:  24, n: 2, s: 2),                                      //   24 ×  56 ×  56
            Inverted(t: 6, c:  32, n: 3, s: 2),                                      //   32 ×  28 ×  28
            Inverted(t: 6, c:  64, n: 4, s: 2),                                      //   64 ×  14 ×  14
            Inverted(t: 6, c:  96, n: 3, s: 1),                                      //   96 ×  14 ×  14
            Inverted(t: 6, c: 160, n: 3, s: 2),                                      //  160 ×   7 ×   7
            Inverted(t: 6, c: 320, n: 1, s: 1),                                      //  320 ×   7 ×   7
        ]
        var inputs = 32
        var count = 0
        for (stage, row) in table.enumerated() {
            for index in 0..<row.n {
                let name = names.block(stage: stage, index: index, count: count)
                let parts = names.parts(isExpanded: row.t > 1)
                layers.append(.block(name, row.layers(index, inputs: inputs, parts: parts)))
                inputs = row.c
                count += 1
            }
        }
        return layers + pointwise(names.head.conv, names.head.norm, 1280) + [
            .relu6, .globalAveragePool, .flatten, .dropout, .linear(names.classifier, classes), .softmax,
        ]
    }

    fileprivate static func depthwise(_ conv: String, _ norm: String, _ channels: Int, stride: Int) -> [Layer]
    {
        [
            .conv(conv, channels, kernel: 3, stride: stride, pad: 1, groups: channels, bias: false),
            .batchNorm(norm), .relu6,
        ]
    }

    fileprivate static func pointwise(_ conv: String, _ norm: String, _ channels: Int) -> [Layer] {
        [.conv(conv, channels, kernel: 1, bias: false), .batchNorm(norm)]
    }
}

/// A row of v2's Table 2: expansion, channels, repetitions, stride of the first.
private struct Inverted {
    let t: Int
    let c: Int
    let n: Int
    let s: Int

    /// One block of the row; the projection at its end has no activation.
    func layers(_ index: Int, inputs: Int, parts: [ConvNames]) -> [Layer] {
        let stride = index == 0 ? s : 1
        var parts = parts[...]
        var layers: [Layer] = []
        if t > 1, let expand = parts.popFirst() {
            layers += Architecture.pointwise(expand.conv, expand.norm, inputs * t) + [.relu6]
        }
        for (part, isLast) in zip(parts, [false, true]) {
            layers +=
                isLast
                ? Architecture.pointwise(part.conv, part.norm, c)
                : Architecture.depthwise(part.conv, part.norm, inputs * t, stride: stride)
        }
        return stride == 1 && inputs == c ? [.residual(layers)] : layers
    }
}

private typealias ConvNames = (conv: String, norm: String)

/// What a library calls the parts of MobileNetV2.
private protocol InvertedResidualNames: Sendable {
    var stem: ConvNames { get }
    var head: ConvNames { get }
    var classifier: String { get }
    func block(stage: Int, index: Int, count: Int) -> String
    /// The expansion, if there is one, the depthwise convolution and the projection.
    func parts(isExpanded: Bool) -> [ConvNames]
}

private struct TorchvisionNames: InvertedResidualNames {
    let stem: ConvNames = ("features.0.0", "features.0.1")
    let head: ConvNames = ("features.18.0", "features.18.1")
    let classifier = "classifier.1"

    func block(stage: Int, index: Int, count: Int) -> String { "features.\(count + 1).conv" }

    func parts(isExpanded: Bool) -> [ConvNames] {
        isExpanded ? [("0.0", "0.1"), ("1.0", "1.1"), ("2", "3")] : [("0.0", "0.1"), ("1", "2")]
    }
}

private struct TimmNames: InvertedResidualNames {
    let stem: ConvNames = ("conv_stem", "bn1")
    let head: ConvNames = ("conv_head", "bn2")
    let classifier = "classifier"

    func block(stage: Int, index: Int, count: Int) -> String { "blocks.\(stage).\(index)" }

    func parts(isExpanded: Bool) -> [ConvNames] {
        isExpanded
            ? [("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")]
            : [("conv_dw", "bn1"), ("conv_pw", "bn2")]
    }
}
