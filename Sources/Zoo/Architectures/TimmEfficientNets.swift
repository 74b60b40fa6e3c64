internal import Engine

/// EfficientNets that timm has and torchvision has not, or has otherwise: their names and their tensors' are timm's.
///
/// `tf_`: with TensorFlow's padding and its ε of 0.001. v1: Tan, Le, ICML 2019, Table 1. v2: Tan, Le, ICML 2021, Table 4, and
/// the smaller ones of their code; `rw` are timm's own. Lite: without gates, with ReLU6, the first and last stage as deep in
/// all. `es`, `em`, `el`: Gupta, Akin, "Accelerator-aware neural network design using AutoML", 2020.
extension Architecture {
    // swift-format-ignore
    static let timmEfficientNets = [
        efficientNet("tf_efficientnet_b0", size: 224, width: 1.0, depth: 1.0),
        efficientNet("tf_efficientnet_b1", size: 240, width: 1.0, depth: 1.1),
        efficientNet("tf_efficientnet_b2", size: 260, width: 1.1, depth: 1.2),
        efficientNet("tf_efficientnet_b3", size: 300, width: 1.2, depth: 1.4),
        efficientNet("tf_efficientnet_b4", size: 380, width: 1.4, depth: 1.8),
        efficientNet("tf_efficientnet_b5", size: 456, width: 1.6, depth: 2.2),
        efficientNet("tf_efficientnet_b6", size: 528, width: 1.8, depth: 2.6),
        efficientNet("tf_efficientnet_b7", size: 600, width: 2.0, depth: 3.1),
        efficientNet("tf_efficientnet_b8", size: 672, width: 2.2, depth: 3.6),
        lite("efficientnet_lite0", size: 224, width: 1.0, depth: 1.0),
        lite("efficientnet_lite1", size: 240, width: 1.0, depth: 1.1),
        lite("efficientnet_lite2", size: 260, width: 1.1, depth: 1.2),
        lite("efficientnet_lite3", size: 300, width: 1.2, depth: 1.4),
        lite("efficientnet_lite4", size: 380, width: 1.4, depth: 1.8),
        lite("tf_efficientnet_lite0", size: 224, width: 1.0, depth: 1.0),
        lite("tf_efficientnet_lite1", size: 240, width: 1.0, depth: 1.1),
        lite("tf_efficientnet_lite2", size: 260, width: 1.1, depth: 1.2),
        lite("tf_efficientnet_lite3", size: 300, width: 1.2, depth: 1.4),
        lite("tf_efficientnet_lite4", size: 380, width: 1.4, depth: 1.8),
        edge("efficientnet_es", size: 224, width: 1.0, depth: 1.0),
        edge("efficientnet_em", size: 240, width: 1.0, depth: 1.1),
        edge("efficientnet_el", size: 300, width: 1.2, depth: 1.4),
        edge("tf_efficientnet_es", size: 224, width: 1.0, depth: 1.0),
        edge("tf_efficientnet_em", size: 240, width: 1.0, depth: 1.1),
        edge("tf_efficientnet_el", size: 300, width: 1.2, depth: 1.4),
        efficientNetV2("tf_efficientnetv2_b0", size: 192, stem: 32, v2Base, roundLimit: 0),
        efficientNetV2("tf_efficientnetv2_b1", size: 192, stem: 32, v2Base.scaled(depth: 1.1), roundLimit: 0),
        efficientNetV2("tf_efficientnetv2_b2", size: 208, stem: 32, v2Base.scaled(depth: 1.2), width: 1.1, roundLimit: 0, head: 1408),
        efficientNetV2("tf_efficientnetv2_b3", size: 240, stem: 32, v2Base.scaled(depth: 1.4), width: 1.2, roundLimit: 0, head: 1536),
        efficientNetV2("tf_efficientnetv2_s",  size: 300, stem: 24, v2Small()),
        efficientNetV2("tf_efficientnetv2_m",  size: 384, stem: 24, v2Medium),
        efficientNetV2("tf_efficientnetv2_l",  size: 384, stem: 32, v2Large),
        efficientNetV2("tf_efficientnetv2_xl", size: 384, stem: 32, v2ExtraLarge),
        efficientNetV2("efficientnetv2_rw_t",  size: 224, stem: 24, v2Small().scaled(depth: 0.9), width: 0.8, head: 1024),
        efficientNetV2("efficientnetv2_rw_s",  size: 288, stem: 24, v2Small(isFirst: true), head: 1792),
        efficientNetV2("efficientnetv2_rw_m",  size: 320, stem: 24, v2Small(isFirst: true, depths: [1.2, 1.2, 1.2, 1.2, 1.6, 1.6]), width: 1.2, head: 2152),
    ]

    // swift-format-ignore
    static let efficientNetB0: [[MobileRow]] = [                          //   C ×   H ×   W
        [.separable(k: 3, s: 1, c: 16, gate: 0.25)],                      //  16 × 112 × 112
        [.inverted(k: 3, s: 2, e: 6, c:  24, n: 2, gate: 0.25)],          //  24 ×  56 ×  56
        [.inverted(k: 5, s: 2, e: 6, c:  40, n: 2, gate: 0.25)],          //  40 ×  28 ×  28
        [.inverted(k: 3, s: 2, e: 6, c:  80, n: 3, gate: 0.25)],          //  80 ×  14 ×  14
        [.inverted(k: 5, s: 1, e: 6, c: 112, n: 3, gate: 0.25)],          // 112 ×  14 ×  14
        [.inverted(k: 5, s: 2, e: 6, c: 192, n: 4, gate: 0.25)],          // 192 ×   7 ×   7
        [.inverted(k: 3, s: 1, e: 6, c: 320, gate: 0.25)],                // 320 ×   7 ×   7
    ]

    private static func efficientNet(_ name: String, size: Int, width: Double, depth: Double) -> Architecture
    {
        scaled(name, size: size, efficientNetB0.scaled(depth: depth), width: width, .silu)
    }

    private static func lite(_ name: String, size: Int, width: Double, depth: Double) -> Architecture {
        // swift-format-ignore
        let stages: [[MobileRow]] = [
            [.separable(k: 3, s: 1, c: 16)],
            [.inverted(k: 3, s: 2, e: 6, c:  24, n: 2)],
            [.inverted(k: 5, s: 2, e: 6, c:  40, n: 2)],
            [.inverted(k: 3, s: 2, e: 6, c:  80, n: 3)],
            [.inverted(k: 5, s: 1, e: 6, c: 112, n: 3)],
            [.inverted(k: 5, s: 2, e: 6, c: 192, n: 4)],
            [.inverted(k: 3, s: 1, e: 6, c: 320)],
        ]
        let deeper = stages.scaled(depth: depth, keepsEnds: true)
        return scaled(name, size: size, deeper, width: width, keepsStem: true, head: 1280, .relu6)
    }

    private static func edge(_ name: String, size: Int, width: Double, depth: Double) -> Architecture {
        // swift-format-ignore
        let stages: [[MobileRow]] = [
            [.fused(s: 1, e: 4, c: 24, skips: false, expanding: 24)],
            [.fused(s: 2, e: 8, c: 32, n: 2)],
            [.fused(s: 2, e: 8, c: 48, n: 4)],
            [.inverted(k: 5, s: 2, e: 8, c:  96, n: 5)],
            [.inverted(k: 5, s: 1, e: 8, c: 144, n: 4)],
            [.inverted(k: 5, s: 2, e: 8, c: 192, n: 2)],
        ]
        return scaled(name, size: size, stages.scaled(depth: depth), width: width, .relu)
    }

    /// A network of another width than its table's.
    private static func scaled(
        _ name: String,
        size: Int,
        _ stages: [[MobileRow]],
        width: Double,
        keepsStem: Bool = false,
        head: Int? = nil,
        _ activation: Layer
    ) -> Architecture {
        let isTensorFlows = name.hasPrefix("tf_")
        let network = MobileNetwork(
            stages: stages,
            width: width,
            stem: 32,
            keepsStem: keepsStem,
            activation: activation,
            head: .beforePool(head ?? Int(channels: 1280 * width)),
            epsilon: isTensorFlows ? 1e-3 : 1e-5,
            isSame: isTensorFlows
        )
        return mobile(name, size: size, network)
    }

    private static func efficientNetV2(
        _ name: String,
        size: Int,
        stem: Int,
        _ stages: [[MobileRow]],
        width: Double = 1,
        roundLimit: Double = 0.9,
        head: Int = 1280
    ) -> Architecture {
        let isTensorFlows = name.hasPrefix("tf_")
        let network = MobileNetwork(
            stages: stages,
            width: width,
            roundLimit: roundLimit,
            stem: stem,
            activation: .silu,
            head: .beforePool(head),
            epsilon: isTensorFlows ? 1e-3 : 1e-5,
            isSame: isTensorFlows
        )
        return mobile(name, size: size, network)
    }

    // swift-format-ignore
    private static let v2Base: [[MobileRow]] = [
        [.conv(k: 3, s: 1, c: 16, skips: true)],
        [.fused(s: 2, e: 4, c: 32, n: 2)],
        [.fused(s: 2, e: 4, c: 48, n: 2)],
        [.inverted(k: 3, s: 2, e: 4, c:  96, n: 3, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 112, n: 5, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c: 192, n: 8, gate: 0.25)],
    ]

    /// The small one, or what timm had before its authors' code came out.
    private static func v2Small(isFirst: Bool = false, depths: [Double] = []) -> [[MobileRow]] {
        // swift-format-ignore
        let stages: [[MobileRow]] = [
            [isFirst ? .fused(s: 1, e: 1, c: 24, n: 2) : .conv(k: 3, s: 1, c: 24, n: 2, skips: true)],
            [.fused(s: 2, e: 4, c: 48, n: 4)],
            [.fused(s: 2, e: 4, c: 64, n: 4)],
            [.inverted(k: 3, s: 2, e: 4, c: 128, n: 6, gate: 0.25)],
            [.inverted(k: 3, s: 1, e: 6, c: 160, n: 9, gate: 0.25)],
            [.inverted(k: 3, s: 2, e: 6, c: isFirst ? 272 : 256, n: 15, gate: 0.25)],
        ]
        return depths.isEmpty ? stages : zip(stages, depths).flatMap { [$0].scaled(depth: $1) }
    }

    // swift-format-ignore
    private static let v2Medium: [[MobileRow]] = [
        [.conv(k: 3, s: 1, c: 24, n: 3, skips: true)],
        [.fused(s: 2, e: 4, c: 48, n: 5)],
        [.fused(s: 2, e: 4, c: 80, n: 5)],
        [.inverted(k: 3, s: 2, e: 4, c: 160, n:  7, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 176, n: 14, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c: 304, n: 18, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 512, n:  5, gate: 0.25)],
    ]

    // swift-format-ignore
    private static let v2Large: [[MobileRow]] = [
        [.conv(k: 3, s: 1, c: 32, n: 4, skips: true)],
        [.fused(s: 2, e: 4, c: 64, n: 7)],
        [.fused(s: 2, e: 4, c: 96, n: 7)],
        [.inverted(k: 3, s: 2, e: 4, c: 192, n: 10, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 224, n: 19, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c: 384, n: 25, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 640, n:  7, gate: 0.25)],
    ]

    // swift-format-ignore
    private static let v2ExtraLarge: [[MobileRow]] = [
        [.conv(k: 3, s: 1, c: 32, n: 4, skips: true)],
        [.fused(s: 2, e: 4, c: 64, n: 8)],
        [.fused(s: 2, e: 4, c: 96, n: 8)],
        [.inverted(k: 3, s: 2, e: 4, c: 192, n: 16, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 256, n: 24, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c: 512, n: 32, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 640, n:  8, gate: 0.25)],
    ]
}
