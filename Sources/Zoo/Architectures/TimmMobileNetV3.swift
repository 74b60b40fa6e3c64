internal import Engine

/// MobileNetV3 of other widths and paddings than torchvision's, FBNetV3 and MobileNetV4, as timm names them.
///
/// v3: Howard et al., ICCV 2019, Tables 1 and 2; `tf_` has TensorFlow's padding and ε of 0.001, and `minimal` no gates, no
/// 5×5 and ReLU. FBNetV3: Dai et al., CVPR 2021, as timm reads it. v4: Qin et al., "MobileNetV4: universal models for the
/// mobile ecosystem", ECCV 2024, the convolutional ones of Tables 11 to 13.
extension Architecture {
    // swift-format-ignore
    static let timmMobileNetV3s = [
        mobileNetV3("mobilenetv3_large_075",  large, width: 0.75),
        mobileNetV3("mobilenetv3_large_150d", large.scaled(depth: 1.2), size: 256, width: 1.5),
        mobileNetV3("mobilenetv3_small_050",  small, width: 0.5, last: 1024),
        mobileNetV3("mobilenetv3_small_075",  small, width: 0.75, last: 1024),
        mobileNetV3("tf_mobilenetv3_large_075", large, width: 0.75, isTensorFlows: true),
        mobileNetV3("tf_mobilenetv3_large_100", large, isTensorFlows: true),
        mobileNetV3("tf_mobilenetv3_large_minimal_100", minimalLarge, isTensorFlows: true, .relu),
        mobileNetV3("tf_mobilenetv3_small_075", small, width: 0.75, last: 1024, isTensorFlows: true),
        mobileNetV3("tf_mobilenetv3_small_100", small, last: 1024, isTensorFlows: true),
        mobileNetV3("tf_mobilenetv3_small_minimal_100", minimalSmall, last: 1024, isTensorFlows: true, .relu),
        fbNetV3("fbnetv3_b", stem: 16, fbNetB),
        fbNetV3("fbnetv3_d", stem: 24, fbNetD),
        fbNetV3("fbnetv3_g", size: 240, stem: 32, fbNetG),
        mobileNetV4("mobilenetv4_conv_small_035", stem: 32, width: 0.35, small4),
        mobileNetV4("mobilenetv4_conv_small_050", stem: 32, width: 0.5, small4),
        mobileNetV4("mobilenetv4_conv_small",     stem: 32, small4),
        mobileNetV4("mobilenetv4_conv_medium", size: 256, stem: 32, medium4),
        mobileNetV4("mobilenetv4_conv_large",  size: 384, stem: 24, large4),
    ]

    static func mobileNetV3(
        _ name: String,
        _ stages: [[MobileRow]],
        size: Int = 224,
        width: Double = 1,
        stem: Int = 16,
        last: Int = 1280,
        isTensorFlows: Bool = false,
        _ activation: Layer = .hardSwish
    ) -> Architecture {
        let network = MobileNetwork(
            stages: stages,
            width: width,
            stem: stem,
            keepsStem: width < 0.75,
            activation: activation,
            gate: .init(activation: .relu, end: .hardSigmoid, isOfExpanded: true, rounds: true),
            head: .behindPool(last, bias: true),
            epsilon: isTensorFlows ? 1e-3 : 1e-5,
            isSame: isTensorFlows
        )
        return mobile(name, size: size, network)
    }

    // swift-format-ignore
    private static let large: [[MobileRow]] = [                                            //   C ×   H ×   W
        [.separable(k: 3, s: 1, c: 16, .relu)],                                            //  16 × 112 × 112
        [.inverted(k: 3, s: 2, e: 4, c: 24, .relu), .inverted(k: 3, s: 1, e: 3, c: 24, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 40, n: 3, gate: 0.25, .relu)],                     //  40 ×  28 ×  28
        [.inverted(k: 3, s: 2, e: 6, c: 80), .inverted(k: 3, s: 1, e: 2.5, c: 80),
         .inverted(k: 3, s: 1, e: 2.3, c: 80, n: 2)],                                      //  80 ×  14 ×  14
        [.inverted(k: 3, s: 1, e: 6, c: 112, n: 2, gate: 0.25)],                           // 112 ×  14 ×  14
        [.inverted(k: 5, s: 2, e: 6, c: 160, n: 3, gate: 0.25)],                           // 160 ×   7 ×   7
        [.conv(k: 1, s: 1, c: 960)],                                                       // 960 ×   7 ×   7
    ]

    // swift-format-ignore
    private static let minimalLarge: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16)],
        [.inverted(k: 3, s: 2, e: 4, c: 24), .inverted(k: 3, s: 1, e: 3, c: 24)],
        [.inverted(k: 3, s: 2, e: 3, c: 40, n: 3)],
        [.inverted(k: 3, s: 2, e: 6, c: 80), .inverted(k: 3, s: 1, e: 2.5, c: 80), .inverted(k: 3, s: 1, e: 2.3, c: 80, n: 2)],
        [.inverted(k: 3, s: 1, e: 6, c: 112, n: 2)],
        [.inverted(k: 3, s: 2, e: 6, c: 160, n: 3)],
        [.conv(k: 1, s: 1, c: 960)],
    ]

    // swift-format-ignore
    private static let small: [[MobileRow]] = [                                            //   C ×   H ×   W
        [.separable(k: 3, s: 2, c: 16, gate: 0.25, .relu)],                                //  16 ×  56 ×  56
        [.inverted(k: 3, s: 2, e: 4.5, c: 24, .relu), .inverted(k: 3, s: 1, e: 3.67, c: 24, .relu)],
        [.inverted(k: 5, s: 2, e: 4, c: 40, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 40, n: 2, gate: 0.25)],
        [.inverted(k: 5, s: 1, e: 3, c: 48, n: 2, gate: 0.25)],                            //  48 ×  14 ×  14
        [.inverted(k: 5, s: 2, e: 6, c: 96, n: 3, gate: 0.25)],                            //  96 ×   7 ×   7
        [.conv(k: 1, s: 1, c: 576)],                                                       // 576 ×   7 ×   7
    ]

    // swift-format-ignore
    private static let minimalSmall: [[MobileRow]] = [
        [.separable(k: 3, s: 2, c: 16)],
        [.inverted(k: 3, s: 2, e: 4.5, c: 24), .inverted(k: 3, s: 1, e: 3.67, c: 24)],
        [.inverted(k: 3, s: 2, e: 4, c: 40), .inverted(k: 3, s: 1, e: 6, c: 40, n: 2)],
        [.inverted(k: 3, s: 1, e: 3, c: 48, n: 2)],
        [.inverted(k: 3, s: 2, e: 6, c: 96, n: 3)],
        [.conv(k: 1, s: 1, c: 576)],
    ]

    private static func fbNetV3(_ name: String, size: Int = 224, stem: Int, _ stages: [[MobileRow]])
        -> Architecture
    {
        let network = MobileNetwork(
            stages: stages,
            roundLimit: 0.95,
            stem: stem,
            activation: .hardSwish,
            gate: .init(end: .hardSigmoid, rounds: true),
            head: .behindPool(1984, bias: false)
        )
        return mobile(name, size: size, network)
    }

    // swift-format-ignore
    private static let fbNetB: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, n: 2)],
        [.inverted(k: 5, s: 2, e: 4, c:  24), .inverted(k: 5, s: 1, e: 2, c: 24, n: 3)],
        [.inverted(k: 5, s: 2, e: 5, c:  40, gate: 0.25), .inverted(k: 5, s: 1, e: 3, c: 40, n: 4, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 5, c:  72), .inverted(k: 3, s: 1, e: 3, c: 72, n: 4)],
        [.inverted(k: 3, s: 1, e: 5, c: 120, gate: 0.25), .inverted(k: 5, s: 1, e: 3, c: 120, n: 5, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c: 184, gate: 0.25), .inverted(k: 5, s: 1, e: 4, c: 184, n: 5, gate: 0.25),
         .inverted(k: 5, s: 1, e: 6, c: 224, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 1344)],
    ]

    // swift-format-ignore
    private static let fbNetD: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, n: 2)],
        [.inverted(k: 3, s: 2, e: 5, c:  24), .inverted(k: 3, s: 1, e: 2, c: 24, n: 5)],
        [.inverted(k: 5, s: 2, e: 4, c:  40, gate: 0.25), .inverted(k: 3, s: 1, e: 3, c: 40, n: 4, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 5, c:  72), .inverted(k: 3, s: 1, e: 3, c: 72, n: 4)],
        [.inverted(k: 3, s: 1, e: 5, c: 128, gate: 0.25), .inverted(k: 5, s: 1, e: 3, c: 128, n: 6, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c: 208, gate: 0.25), .inverted(k: 5, s: 1, e: 5, c: 208, n: 5, gate: 0.25),
         .inverted(k: 5, s: 1, e: 6, c: 240, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 1440)],
    ]

    // swift-format-ignore
    private static let fbNetG: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 24, n: 3)],
        [.inverted(k: 5, s: 2, e: 4, c:  40), .inverted(k: 5, s: 1, e: 2, c: 40, n: 4)],
        [.inverted(k: 5, s: 2, e: 4, c:  56, gate: 0.25), .inverted(k: 5, s: 1, e: 3, c: 56, n: 4, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 5, c: 104), .inverted(k: 3, s: 1, e: 3, c: 104, n: 4)],
        [.inverted(k: 3, s: 1, e: 5, c: 160, gate: 0.25), .inverted(k: 5, s: 1, e: 3, c: 160, n: 8, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c: 264, gate: 0.25), .inverted(k: 5, s: 1, e: 5, c: 264, n: 6, gate: 0.25),
         .inverted(k: 5, s: 1, e: 6, c: 288, n: 2, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 1728)],
    ]

    private static func mobileNetV4(
        _ name: String,
        size: Int = 224,
        stem: Int,
        width: Double = 1,
        _ stages: [[MobileRow]]
    ) -> Architecture {
        let network = MobileNetwork(
            stages: stages,
            width: width,
            stem: stem,
            keepsStem: width < 1,
            activation: .relu,
            head: .normedBehindPool(1280)
        )
        return mobile(name, size: size, network)
    }

    // swift-format-ignore
    private static let small4: [[MobileRow]] = [                        //   C ×   H ×   W
        [.conv(k: 3, s: 2, c: 32), .conv(k: 1, s: 1, c: 32)],           //  32 ×  56 ×  56
        [.conv(k: 3, s: 2, c: 96), .conv(k: 1, s: 1, c: 64)],           //  64 ×  28 ×  28
        [.universal(before: 5, k: 5, s: 2, e: 3, c: 96), .universal(k: 3, e: 2, c: 96, n: 4), .universal(before: 3, e: 4, c: 96)],
        [.universal(before: 3, k: 3, s: 2, e: 6, c: 128), .universal(before: 5, k: 5, e: 4, c: 128), .universal(k: 5, e: 4, c: 128),
         .universal(k: 5, e: 3, c: 128), .universal(k: 3, e: 4, c: 128, n: 2)],
        [.conv(k: 1, s: 1, c: 960)],                                    // 960 ×   7 ×   7
    ]

    // swift-format-ignore
    private static let medium4: [[MobileRow]] = [
        [.fused(s: 2, e: 4, c: 48)],
        [.universal(before: 3, k: 5, s: 2, e: 4, c: 80), .universal(before: 3, k: 3, e: 2, c: 80)],
        [.universal(before: 3, k: 5, s: 2, e: 6, c: 160), .universal(before: 3, k: 3, e: 4, c: 160, n: 2),
         .universal(before: 3, k: 5, e: 4, c: 160), .universal(before: 3, k: 3, e: 4, c: 160), .universal(before: 3, e: 4, c: 160),
         .universal(e: 2, c: 160), .universal(before: 3, e: 4, c: 160)],
        [.universal(before: 5, k: 5, s: 2, e: 6, c: 256), .universal(before: 5, k: 5, e: 4, c: 256),
         .universal(before: 3, k: 5, e: 4, c: 256, n: 2), .universal(e: 4, c: 256), .universal(before: 3, e: 4, c: 256),
         .universal(before: 3, k: 5, e: 2, c: 256), .universal(before: 5, k: 5, e: 4, c: 256), .universal(e: 4, c: 256, n: 2),
         .universal(before: 5, e: 2, c: 256)],
        [.conv(k: 1, s: 1, c: 960)],
    ]

    // swift-format-ignore
    private static let large4: [[MobileRow]] = [
        [.fused(s: 2, e: 4, c: 48)],
        [.universal(before: 3, k: 5, s: 2, e: 4, c: 96), .universal(before: 3, k: 3, e: 4, c: 96)],
        [.universal(before: 3, k: 5, s: 2, e: 4, c: 192), .universal(before: 3, k: 3, e: 4, c: 192, n: 3),
         .universal(before: 3, k: 5, e: 4, c: 192), .universal(before: 5, k: 3, e: 4, c: 192, n: 5), .universal(before: 3, e: 4, c: 192)],
        [.universal(before: 5, k: 5, s: 2, e: 4, c: 512, n: 4), .universal(before: 5, e: 4, c: 512), .universal(before: 5, k: 3, e: 4, c: 512),
         .universal(before: 5, e: 4, c: 512, n: 2), .universal(before: 5, k: 3, e: 4, c: 512), .universal(before: 5, k: 5, e: 4, c: 512),
         .universal(before: 5, e: 4, c: 512, n: 3)],
        [.conv(k: 1, s: 1, c: 960)],
    ]
}
