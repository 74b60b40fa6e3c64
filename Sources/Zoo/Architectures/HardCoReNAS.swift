internal import Engine

/// Networks found for a given latency. Nayman et al., "HardCoRe-NAS: hard constrained differentiable neural architecture search",
/// ICML 2021, as timm reads them: MobileNetV3's blocks and head.
extension Architecture {
    static let hardCoReNASs = [
        hardCoReNAS("hardcorenas_a", a), hardCoReNAS("hardcorenas_b", b), hardCoReNAS("hardcorenas_c", c),
        hardCoReNAS("hardcorenas_d", d), hardCoReNAS("hardcorenas_e", e), hardCoReNAS("hardcorenas_f", f),
    ]

    private static func hardCoReNAS(_ name: String, _ stages: [[MobileRow]]) -> Architecture {
        mobileNetV3(name, stages, stem: 32)
    }

    // swift-format-ignore
    private static let a: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 24, .relu), .inverted(k: 5, s: 1, e: 3, c: 24, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 40, .relu), .inverted(k: 5, s: 1, e: 6, c: 40, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 6, c: 80, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 80, gate: 0.25)],
        [.inverted(k: 5, s: 1, e: 6, c: 112, n: 2, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 192, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 960)],
    ]

    // swift-format-ignore
    private static let b: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 24, .relu), .inverted(k: 5, s: 1, e: 3, c: 24, gate: 0.25, .relu),
         .inverted(k: 3, s: 1, e: 3, c: 24, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 40, .relu), .inverted(k: 5, s: 1, e: 3, c: 40, n: 2, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 80), .inverted(k: 5, s: 1, e: 3, c: 80), .inverted(k: 3, s: 1, e: 3, c: 80, n: 2)],
        [.inverted(k: 5, s: 1, e: 3, c: 112), .inverted(k: 3, s: 1, e: 3, c: 112, n: 3)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 192, gate: 0.25),
         .inverted(k: 3, s: 1, e: 3, c: 192, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 960)],
    ]

    // swift-format-ignore
    private static let c: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 24, .relu), .inverted(k: 5, s: 1, e: 3, c: 24, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 40, .relu), .inverted(k: 5, s: 1, e: 3, c: 40, n: 3, .relu)],
        [.inverted(k: 5, s: 2, e: 4, c: 80), .inverted(k: 5, s: 1, e: 6, c: 80, gate: 0.25),
         .inverted(k: 3, s: 1, e: 3, c: 80, n: 2)],
        [.inverted(k: 5, s: 1, e: 6, c: 112, gate: 0.25), .inverted(k: 3, s: 1, e: 3, c: 112, n: 3)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 192, gate: 0.25),
         .inverted(k: 3, s: 1, e: 3, c: 192, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 960)],
    ]

    // swift-format-ignore
    private static let d: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 24, gate: 0.25, .relu), .inverted(k: 5, s: 1, e: 3, c: 24, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 40, gate: 0.25, .relu), .inverted(k: 5, s: 1, e: 4, c: 40, gate: 0.25, .relu),
         .inverted(k: 3, s: 1, e: 3, c: 40, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 4, c: 80, gate: 0.25), .inverted(k: 3, s: 1, e: 3, c: 80, n: 3, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 4, c: 112, gate: 0.25), .inverted(k: 5, s: 1, e: 4, c: 112, gate: 0.25),
         .inverted(k: 3, s: 1, e: 3, c: 112, gate: 0.25), .inverted(k: 5, s: 1, e: 3, c: 112, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 192, n: 2, gate: 0.25),
         .inverted(k: 3, s: 1, e: 6, c: 192, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 960)],
    ]

    // swift-format-ignore
    private static let e: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 24, gate: 0.25, .relu), .inverted(k: 5, s: 1, e: 3, c: 24, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 6, c: 40, gate: 0.25, .relu),
         .inverted(k: 5, s: 1, e: 4, c: 40, n: 2, gate: 0.25, .relu),
         .inverted(k: 3, s: 1, e: 3, c: 40, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 4, c: 80, gate: 0.25), .inverted(k: 3, s: 1, e: 6, c: 80, gate: 0.25)],
        [.inverted(k: 5, s: 1, e: 6, c: 112, n: 3, gate: 0.25), .inverted(k: 5, s: 1, e: 3, c: 112, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 192, n: 2, gate: 0.25),
         .inverted(k: 3, s: 1, e: 6, c: 192, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 960)],
    ]

    // swift-format-ignore
    private static let f: [[MobileRow]] = [
        [.separable(k: 3, s: 1, c: 16, .relu)],
        [.inverted(k: 5, s: 2, e: 3, c: 24, gate: 0.25, .relu), .inverted(k: 5, s: 1, e: 3, c: 24, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 6, c: 40, gate: 0.25, .relu), .inverted(k: 5, s: 1, e: 6, c: 40, gate: 0.25, .relu)],
        [.inverted(k: 5, s: 2, e: 6, c: 80, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 80, gate: 0.25),
         .inverted(k: 3, s: 1, e: 3, c: 80, n: 2, gate: 0.25)],
        [.inverted(k: 3, s: 1, e: 6, c: 112, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 112, n: 2, gate: 0.25),
         .inverted(k: 3, s: 1, e: 3, c: 112, gate: 0.25)],
        [.inverted(k: 5, s: 2, e: 6, c: 192, gate: 0.25), .inverted(k: 5, s: 1, e: 6, c: 192, gate: 0.25),
         .inverted(k: 3, s: 1, e: 6, c: 192, n: 2, gate: 0.25)],
        [.conv(k: 1, s: 1, c: 960)],
    ]
}
