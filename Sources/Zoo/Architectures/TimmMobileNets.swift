internal import Engine

/// Mobile networks that timm has: their names and their tensors' are its.
///
/// v2: Sandler et al., "MobileNetV2", CVPR 2018, Table 2, of other widths and depths. MnasNet: Tan et al., CVPR 2019,
/// Figure 7, `se` with gates. FBNet-C: Wu et al., CVPR 2019, Table 8. Single-path NAS: Stamoulis et al., 2019, Figure 5.
/// TinyNet: Han et al., "Model Rubik's cube", NeurIPS 2020, Table 6: EfficientNet-B0 made smaller. LCNet: Cui et al.,
/// "PP-LCNet", 2021, Table 2.
extension Architecture {
    // swift-format-ignore
    static let timmMobileNets = [
        mobileNetV2("mobilenetv2_035",  width: 0.35),
        mobileNetV2("mobilenetv2_050",  width: 0.5),
        mobileNetV2("mobilenetv2_075",  width: 0.75),
        mobileNetV2("mobilenetv2_140",  width: 1.4),
        mobileNetV2("mobilenetv2_110d", width: 1.1, depth: 1.2),
        mobileNetV2("mobilenetv2_120d", width: 1.2, depth: 1.4),
        mobile("mnasnet_100",   MobileNetwork(stages: mnasNetB1, stem: 32, activation: .relu, head: .beforePool(1280))),
        mobile("mnasnet_small", MobileNetwork(stages: mnasNetSmall, stem: 8, activation: .relu, head: .beforePool(1280))),
        mobile("semnasnet_075", MobileNetwork(stages: mnasNetA1, width: 0.75, stem: 32, activation: .relu, head: .beforePool(1280))),
        mobile("semnasnet_100", MobileNetwork(stages: mnasNetA1, stem: 32, activation: .relu, head: .beforePool(1280))),
        mobile("spnasnet_100",  MobileNetwork(stages: singlePathNAS, stem: 32, activation: .relu, head: .beforePool(1280))),
        mobile("fbnetc_100",    MobileNetwork(stages: fbNetC, stem: 16, activation: .relu, head: .beforePool(1984))),
        tinyNet("tinynet_a", size: 192, width: 1,    depth: 1.2),
        tinyNet("tinynet_b", size: 188, width: 0.75, depth: 1.1),
        tinyNet("tinynet_c", size: 184, width: 0.54, depth: 0.85),
        tinyNet("tinynet_d", size: 152, width: 0.54, depth: 0.695),
        tinyNet("tinynet_e", size: 106, width: 0.51, depth: 0.6),
        lcNet("lcnet_035", width: 0.35),
        lcNet("lcnet_050", width: 0.5),
        lcNet("lcnet_075", width: 0.75),
        lcNet("lcnet_100", width: 1),
        lcNet("lcnet_150", width: 1.5),
    ]

    static func mobile(_ name: String, size: Int = 224, _ network: MobileNetwork) -> Architecture {
        Architecture(name, size: Extent(size)) { classes, _ in network.layers(classes) }
    }

    private static func mobileNetV2(_ name: String, width: Double, depth: Double? = nil) -> Architecture {
        // swift-format-ignore
        let stages: [[MobileRow]] = [                         //   C ×   H ×   W
            [.separable(k: 3, s: 1, c: 16)],                  //  16 × 112 × 112
            [.inverted(k: 3, s: 2, e: 6, c:  24, n: 2)],      //  24 ×  56 ×  56
            [.inverted(k: 3, s: 2, e: 6, c:  32, n: 3)],      //  32 ×  28 ×  28
            [.inverted(k: 3, s: 2, e: 6, c:  64, n: 4)],      //  64 ×  14 ×  14
            [.inverted(k: 3, s: 1, e: 6, c:  96, n: 3)],      //  96 ×  14 ×  14
            [.inverted(k: 3, s: 2, e: 6, c: 160, n: 3)],      // 160 ×   7 ×   7
            [.inverted(k: 3, s: 1, e: 6, c: 320)],            // 320 ×   7 ×   7
        ]
        let isDeeper = depth != nil
        let network = MobileNetwork(
            stages: stages.scaled(depth: depth ?? 1, keepsEnds: true),
            width: width,
            stem: 32,
            keepsStem: isDeeper,
            activation: .relu6,
            head: .beforePool(isDeeper ? 1280 : max(1280, Int(channels: 1280 * width)))
        )
        return mobile(name, network)
    }

    // swift-format-ignore
    private static let mnasNetA1: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, skips: false)],
        [.inverted(k: 3, s: 2, e: 6, c:  24, n: 2)],
        [.inverted(k: 5, s: 2, e: 3, c:  40, n: 3, gate: 0.25)],
        [.inverted(k: 3, s: 2, e: 6, c:  80, n: 4)],
        [.inverted(k: 3, s: 1, e: 6, c: 112, n: 2, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 6, c: 160, n: 3, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 320)],
    ]

    // swift-format-ignore
    private static let mnasNetB1: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, skips: false)],
        [.inverted(k: 3, s: 2, e: 3, c:  24, n: 3)],
        [.inverted(k: 5, s: 2, e: 3, c:  40, n: 3)],
        [.inverted(k: 5, s: 2, e: 6, c:  80, n: 3)],
        [.inverted(k: 3, s: 1, e: 6, c:  96, n: 2)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, n: 4)],
        [.inverted(k: 3, s: 1, e: 6, c: 320, skips: false)],
    ]

    // swift-format-ignore
    private static let mnasNetSmall: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 8)],
        [.inverted(k: 3, s: 2, e: 3, c:  16)],
        [.inverted(k: 3, s: 2, e: 6, c:  16, n: 2)],
        [.inverted(k: 5, s: 2, e: 6, c:  32, n: 4, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c:  32, n: 3, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 6, c:  88, n: 3, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 144)],
    ]

    // swift-format-ignore
    private static let singlePathNAS: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, skips: false)],
        [.inverted(k: 3, s: 2, e: 3, c:  24, n: 3)],
        [.inverted(k: 5, s: 2, e: 6, c:  40), .inverted(k: 3, s: 1, e: 3, c: 40, n: 3)],
        [.inverted(k: 5, s: 2, e: 6, c:  80), .inverted(k: 3, s: 1, e: 3, c: 80, n: 3)],
        [.inverted(k: 5, s: 1, e: 6, c:  96), .inverted(k: 5, s: 1, e: 3, c: 96, n: 3)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, n: 4)],
        [.inverted(k: 3, s: 1, e: 6, c: 320, skips: false)],
    ]

    // swift-format-ignore
    private static let fbNetC: [[MobileRow]] = [
        [.inverted(k: 3, s: 1, e: 1, c:  16)],
        [.inverted(k: 3, s: 2, e: 6, c:  24), .inverted(k: 3, s: 1, e: 1, c: 24, n: 2)],
        [.inverted(k: 5, s: 2, e: 6, c:  32), .inverted(k: 5, s: 1, e: 3, c: 32),
         .inverted(k: 5, s: 1, e: 6, c:  32), .inverted(k: 3, s: 1, e: 6, c: 32)],
        [.inverted(k: 5, s: 2, e: 6, c:  64), .inverted(k: 5, s: 1, e: 3, c: 64), .inverted(k: 5, s: 1, e: 6, c: 64, n: 2)],
        [.inverted(k: 5, s: 1, e: 6, c: 112, n: 3), .inverted(k: 5, s: 1, e: 3, c: 112)],
        [.inverted(k: 5, s: 2, e: 6, c: 184, n: 4)],
        [.inverted(k: 3, s: 1, e: 6, c: 352)],
    ]

    private static func tinyNet(_ name: String, size: Int, width: Double, depth: Double) -> Architecture {
        let network = MobileNetwork(
            stages: efficientNetB0.scaled(depth: depth, rounding: .toNearestOrEven),
            width: width,
            stem: 32,
            keepsStem: true,
            activation: .silu,
            head: .beforePool(max(1280, Int(channels: 1280 * width)))
        )
        return mobile(name, size: size, network)
    }

    private static func lcNet(_ name: String, width: Double) -> Architecture {
        // swift-format-ignore
        let stages: [[MobileRow]] = [                                             //   C ×   H ×   W
            [.separable(k: 3, s: 1, c:  32, isActive: true)],                     //  32 × 112 × 112
            [.separable(k: 3, s: 2, c:  64, n: 2, isActive: true)],               //  64 ×  56 ×  56
            [.separable(k: 3, s: 2, c: 128, n: 2, isActive: true)],               // 128 ×  28 ×  28
            [.separable(k: 3, s: 2, c: 256, isActive: true),
             .separable(k: 5, s: 1, c: 256, isActive: true)],                     // 256 ×  14 ×  14
            [.separable(k: 5, s: 1, c: 256, n: 4, isActive: true)],               // 256 ×  14 ×  14
            [.separable(k: 5, s: 2, c: 512, n: 2, gate: 0.25, isActive: true)],   // 512 ×   7 ×   7
        ]
        let network = MobileNetwork(
            stages: stages,
            width: width,
            stem: 16,
            activation: .hardSwish,
            gate: .init(activation: .relu, end: .hardSigmoid, isOfExpanded: true),
            head: .behindPool(1280, bias: true)
        )
        return mobile(name, network)
    }
}
