internal import Engine

/// A mobile network: a strided convolution, stages of rows, and a head.
struct MobileNetwork: Sendable {
    enum Head: Sendable {
        /// A 1×1 convolution to so many channels and its norm, then the pool.
        case beforePool(Int)
        /// The pool, then the convolution, with a bias or none.
        case behindPool(Int, bias: Bool)
        /// The pool, then the convolution and its norm.
        case normedBehindPool(Int)
    }

    /// The gates that it has.
    struct Gate: Sendable {
        /// nil: the block's.
        var activation: Layer?
        var end = Layer.sigmoid
        /// Whether their part is one of the expanded channels, not of those that come in.
        var isOfExpanded = false
        /// Whether their channels are rounded as others are.
        var rounds = false
    }

    let stages: [[MobileRow]]
    var width = 1.0
    /// A rounded number of channels is not below the number itself by more.
    var roundLimit = 0.9
    let stem: Int
    /// Whether the stem is as wide in every width.
    var keepsStem = false
    let activation: Layer
    var gate = Gate()
    let head: Head
    var epsilon: Float = 1e-5
    /// Whether strided convolutions are padded as in TensorFlow.
    var isSame = false

    /// Channels of the network's width.
    func channels(_ number: Int) -> Int { rounded(Double(number) * width) }

    private func rounded(_ number: Double) -> Int { Int(channels: number, limit: roundLimit) }

    func layers(_ classes: Int) -> [Layer] {
        var inputs = keepsStem ? stem : channels(stem)
        var layers = unit(("conv_stem", "bn1"), inputs, kernel: 3, stride: 2) + [activation]
        for (number, stage) in stages.enumerated() {
            var blocks: [Layer] = []
            for row in stage {
                for _ in 0..<row.n {
                    // Only the first block of a stage is strided.
                    let stride = blocks.isEmpty ? row.s : 1
                    blocks.append(.block("\(blocks.count)", block(row, inputs: inputs, stride: stride)))
                    inputs = channels(row.c)
                }
            }
            layers.append(.block("blocks.\(number)", blocks))
        }
        switch head {
        case .beforePool(let width):
            layers += unit(("conv_head", "bn2"), width) + [activation, .globalAveragePool]
        case .behindPool(let width, let bias):
            layers += [.globalAveragePool, .conv("conv_head", width, kernel: 1, bias: bias), activation]
        case .normedBehindPool(let width):
            layers += [.globalAveragePool] + unit(("conv_head", "norm_head"), width) + [activation]
        }
        return layers + [.flatten, .dropout, .linear("classifier", classes), .softmax]
    }

    /// A convolution and its norm, by these names.
    private func unit(
        _ names: (conv: String, norm: String),
        _ filters: Int,
        kernel: Int = 1,
        stride: Int = 1,
        groups: Int = 1
    ) -> [Layer] {
        Layer.normed(
            names,
            filters,
            kernel: kernel,
            stride: stride,
            groups: groups,
            epsilon: epsilon,
            isSame: isSame
        )
    }

    private func block(_ row: MobileRow, inputs: Int, stride: Int) -> [Layer] {
        let outputs = channels(row.c)
        let active = row.activation ?? activation
        let expanded = Int(channels: Double(row.expanding.map(channels) ?? inputs) * row.e)
        var layers: [Layer]
        switch row.kind {
        case .separable(let isActive):
            layers =
                unit(("conv_dw", "bn1"), inputs, kernel: row.k, stride: stride, groups: inputs) + [active]
            layers += squeezeExcite(row, of: inputs, active)
            layers += unit(("conv_pw", "bn2"), outputs) + (isActive ? [active] : [])
        case .inverted:
            layers = unit(("conv_pw", "bn1"), expanded) + [active]
            layers += unit(("conv_dw", "bn2"), expanded, kernel: row.k, stride: stride, groups: expanded)
            layers += [active] + squeezeExcite(row, of: expanded, active)
            layers += unit(("conv_pwl", "bn3"), outputs)
        case .fused:
            layers = unit(("conv_exp", "bn1"), expanded, kernel: row.k, stride: stride) + [active]
            layers += unit(("conv_pwl", "bn2"), outputs)
        case .mixed(let kernels, let before, let behind):
            let expansion = Mixed(name: "conv_pw", inputs: inputs, outputs: expanded, isSame: isSame)
            let middle = Mixed(
                name: "conv_dw",
                inputs: expanded,
                outputs: expanded,
                isDepthwise: true,
                isSame: isSame
            )
            let projection = Mixed(name: "conv_pwl", inputs: expanded, outputs: outputs, isSame: isSame)
            let ones = [Int](repeating: 1, count: before)
            layers = expansion.layers(ones) + [.batchNorm("bn1", epsilon: epsilon), active]
            layers += middle.layers(kernels, stride: stride) + [.batchNorm("bn2", epsilon: epsilon), active]
            layers += squeezeExcite(row, of: expanded, active)
            layers += projection.layers([Int](repeating: 1, count: behind))
            layers += [.batchNorm("bn3", epsilon: epsilon)]
        case .conv:
            layers = unit(("conv", "bn1"), outputs, kernel: row.k, stride: stride) + [active]
        case .universal(let before):
            layers = universal(row, before, inputs: inputs, expanded: expanded, stride: stride)
        }
        return row.skips && stride == 1 && inputs == outputs ? [.residual(layers)] : layers
    }

    private func universal(
        _ row: MobileRow,
        _ before: Int,
        inputs: Int,
        expanded: Int,
        stride: Int
    ) -> [Layer] {
        func names(_ part: String) -> (conv: String, norm: String) { (part + ".conv", part + ".bn") }
        var layers: [Layer] = []
        if before > 0 {
            let stride = row.k == 0 ? stride : 1
            layers += unit(names("dw_start"), inputs, kernel: before, stride: stride, groups: inputs)
        }
        layers += unit(names("pw_exp"), expanded) + [activation]
        if row.k > 0 {
            layers += unit(names("dw_mid"), expanded, kernel: row.k, stride: stride, groups: expanded)
            layers += [activation]
        }
        return layers + unit(names("pw_proj"), channels(row.c))
    }

    private func squeezeExcite(_ row: MobileRow, of channels: Int, _ active: Layer) -> [Layer] {
        guard row.gate > 0 else { return [] }
        let squeezed = Double(channels) * (gate.isOfExpanded ? row.gate : row.gate / row.e)
        return [
            .squeezeExcite(
                gate.rounds ? rounded(squeezed) : Int(squeezed.rounded(.toNearestOrEven)),
                of: channels,
                gate.activation ?? active,
                gate: gate.end,
                names: ("se.conv_reduce", "se.conv_expand")
            )
        ]
    }
}

/// Convolutions of parts of the channels, whose outputs are joined.
///
/// - Source: Tan, Le, "MixConv: mixed depthwise convolutional kernels", BMVC 2019, §3.
private struct Mixed {
    let name: String
    let inputs: Int
    let outputs: Int
    var isDepthwise = false
    let isSame: Bool

    /// One for each kernel; a single one is a plain convolution.
    func layers(_ kernels: [Int], stride: Int = 1) -> [Layer] {
        guard kernels.count > 1 else { return [conv(name, kernels[0], stride, outputs)] }
        let (ends, filters) = (Self.ends(inputs, kernels.count), Self.ends(outputs, kernels.count))
        let branches = kernels.enumerated().map { part, kernel in
            [
                Layer.selectChannels(Array(ends[part]..<ends[part + 1])),
                conv("\(name).\(part)", kernel, stride, filters[part + 1] - filters[part]),
            ]
        }
        return [.concat(branches)]
    }

    private func conv(_ name: String, _ kernel: Int, _ stride: Int, _ filters: Int) -> Layer {
        .conv(
            name,
            filters,
            kernel: Extent(kernel),
            stride: stride,
            pad: Extent(kernel / 2),
            groups: isDepthwise ? filters : 1,
            bias: false,
            isSame: isSame
        )
    }

    /// Where the parts begin and end; the first has what does not divide.
    private static func ends(_ channels: Int, _ parts: Int) -> [Int] {
        (0...parts).map { $0 == 0 ? 0 : channels - (parts - $0) * (channels / parts) }
    }
}
