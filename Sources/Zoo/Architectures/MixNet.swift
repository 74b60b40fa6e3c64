internal import Engine

/// MixNets. Tan, Le, "MixConv: mixed depthwise convolutional kernels", BMVC 2019, Figure 5: inverted residuals whose
/// convolutions have several kernels. `tf_` have TensorFlow's padding and ε. Names are timm's.
extension Architecture {
    // swift-format-ignore
    static let mixNets = [
        mixNet("mixnet_s", stem: 16, small),
        mixNet("mixnet_m", stem: 24, medium),
        mixNet("mixnet_l", stem: 24, medium, width: 1.3),
        mixNet("mixnet_xl", stem: 24, medium.scaled(depth: 1.2, rounding: .toNearestOrEven), width: 1.6),
        mixNet("tf_mixnet_s", stem: 16, small),
        mixNet("tf_mixnet_m", stem: 24, medium),
        mixNet("tf_mixnet_l", stem: 24, medium, width: 1.3),
    ]

    private static func mixNet(
        _ name: String,
        stem: Int,
        _ stages: [[MobileRow]],
        width: Double = 1
    ) -> Architecture {
        let isTensorFlows = name.hasPrefix("tf_")
        let network = MobileNetwork(
            stages: stages,
            width: width,
            stem: stem,
            activation: .relu,
            head: .beforePool(1536),
            epsilon: isTensorFlows ? 1e-3 : 1e-5,
            isSame: isTensorFlows
        )
        return mobile(name, network)
    }

    // swift-format-ignore
    private static let small: [[MobileRow]] = [                                                                       //   C ×   H ×   W
        [.separable(k: 3, s: 1, c: 16)],                                                                              //  16 × 112 × 112
        [.mixed([3], s: 2, e: 6, c: 24, before: 2, behind: 2), .mixed([3], s: 1, e: 3, c: 24, before: 2, behind: 2)], //  24 ×  56 ×  56
        [.mixed([3, 5, 7], s: 2, e: 6, c: 40, gate: 0.5, .silu),
         .mixed([3, 5], s: 1, e: 6, c: 40, n: 3, gate: 0.5, .silu, before: 2, behind: 2)],                            //  40 ×  28 ×  28
        [.mixed([3, 5, 7], s: 2, e: 6, c: 80, gate: 0.25, .silu, behind: 2),
         .mixed([3, 5], s: 1, e: 6, c: 80, n: 2, gate: 0.25, .silu, behind: 2)],                                      //  80 ×  14 ×  14
        [.mixed([3, 5, 7], s: 1, e: 6, c: 120, gate: 0.5, .silu, before: 2, behind: 2),
         .mixed([3, 5, 7, 9], s: 1, e: 3, c: 120, n: 2, gate: 0.5, .silu, before: 2, behind: 2)],                     // 120 ×  14 ×  14
        [.mixed([3, 5, 7, 9, 11], s: 2, e: 6, c: 200, gate: 0.5, .silu),
         .mixed([3, 5, 7, 9], s: 1, e: 6, c: 200, n: 2, gate: 0.5, .silu, behind: 2)],                                // 200 ×   7 ×   7
    ]

    // swift-format-ignore
    private static let medium: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 24)],
        [.mixed([3, 5, 7], s: 2, e: 6, c: 32, before: 2, behind: 2), .mixed([3], s: 1, e: 3, c: 32, before: 2, behind: 2)],
        [.mixed([3, 5, 7, 9], s: 2, e: 6, c: 40, gate: 0.5, .silu),
         .mixed([3, 5], s: 1, e: 6, c: 40, n: 3, gate: 0.5, .silu, before: 2, behind: 2)],
        [.mixed([3, 5, 7], s: 2, e: 6, c: 80, gate: 0.25, .silu),
         .mixed([3, 5, 7, 9], s: 1, e: 6, c: 80, n: 3, gate: 0.25, .silu, before: 2, behind: 2)],
        [.mixed([3], s: 1, e: 6, c: 120, gate: 0.5, .silu),
         .mixed([3, 5, 7, 9], s: 1, e: 3, c: 120, n: 3, gate: 0.5, .silu, before: 2, behind: 2)],
        [.mixed([3, 5, 7, 9], s: 2, e: 6, c: 200, gate: 0.5, .silu),
         .mixed([3, 5, 7, 9], s: 1, e: 6, c: 200, n: 3, gate: 0.5, .silu, behind: 2)],
    ]
}
