/// A block of MobileNetV2 and of what came of it: a 1×1 convolution to more channels, one for each of these, their
/// gate, and a 1×1 convolution back, with nothing behind it.
///
/// - Source: Sandler et al., "MobileNetV2", CVPR 2018, Figure 3; with the gate Tan et al., "MnasNet", CVPR 2019,
///   Figure 7, and Howard et al., "Searching for MobileNetV3", ICCV 2019, Figure 4.
struct InvertedResidual {
    /// What the parts of a block are called.
    enum Naming {
        /// torchvision's: numbered, gates among the rest.
        case torchvision
        /// timm's.
        case timm
        /// torchvision's in MNASNet, which numbers activations too.
        case mnasNet
    }

    let inputs: Int
    /// Channels of the convolution in the middle; as many as `inputs` where there is no expansion.
    let expanded: Int
    let outputs: Int
    let kernel: Int
    let stride: Int
    /// Channels inside the gate; nil without one.
    var squeezed: Int?
    var activation = Layer.relu
    /// The activation inside the gate, and its end.
    var gate: (inside: Layer, end: Layer) = (.relu, .sigmoid)
    var epsilon: Float = 1e-5

    /// The block's layers, and the sum with what goes in where the shape is the same.
    func layers(_ naming: Naming) -> [Layer] {
        let names = naming.names(isExpanded: expanded != inputs, isGated: squeezed != nil)
        var layers: [Layer] = []
        if let expand = names.expand {
            layers += Layer.normed(expand, expanded, epsilon: epsilon) + [activation]
        }
        layers +=
            Layer.normed(
                names.depthwise,
                expanded,
                kernel: kernel,
                stride: stride,
                groups: expanded,
                epsilon: epsilon
            ) + [activation]
        if let squeezed {
            layers.append(
                .squeezeExcite(squeezed, of: expanded, gate.inside, gate: gate.end, names: names.gate)
            )
        }
        layers += Layer.normed(names.project, outputs, epsilon: epsilon)
        return stride == 1 && inputs == outputs ? [.residual(layers)] : layers
    }
}

extension InvertedResidual.Naming {
    typealias Unit = (conv: String, norm: String)
    typealias Names = (expand: Unit?, depthwise: Unit, gate: (squeeze: String, excite: String), project: Unit)

    fileprivate func names(isExpanded: Bool, isGated: Bool) -> Names {
        switch self {
        case .torchvision:
            let first = isExpanded ? 1 : 0
            let last = first + (isGated ? 2 : 1)
            return (
                isExpanded ? ("block.0.0", "block.0.1") : nil,
                ("block.\(first).0", "block.\(first).1"),
                ("block.\(first + 1).fc1", "block.\(first + 1).fc2"),
                ("block.\(last).0", "block.\(last).1")
            )
        case .timm:
            let gate = ("se.conv_reduce", "se.conv_expand")
            return isExpanded
                ? (("conv_pw", "bn1"), ("conv_dw", "bn2"), gate, ("conv_pwl", "bn3"))
                : (nil, ("conv_dw", "bn1"), gate, ("conv_pw", "bn2"))
        case .mnasNet:
            return (("layers.0", "layers.1"), ("layers.3", "layers.4"), ("", ""), ("layers.6", "layers.7"))
        }
    }
}

extension Int {
    /// The multiple of `divisor` that is nearest to a number of channels, at least one, and not below its part `limit`.
    ///
    /// - Source: the reference implementation of MobileNets (`_make_divisible`).
    init(channels: Double, divisor: Int = 8, limit: Double = 0.9) {
        let nearest = Swift.max(divisor, Int(channels + Double(divisor) / 2) / divisor * divisor)
        self = Double(nearest) < limit * channels ? nearest + divisor : nearest
    }
}
