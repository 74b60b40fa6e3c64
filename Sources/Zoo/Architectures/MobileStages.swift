internal import Engine

/// A row of a mobile network's table: so many blocks of one kind, the first of which has the stride.
///
/// The blocks and what their parts are called are those of timm.
struct MobileRow: Sendable {
    enum Kind: Sendable {
        /// A convolution of each channel, then a 1×1, which an activation may follow; nothing is added to it then.
        case separable(isActive: Bool)
        /// An inverted residual: a 1×1 to more channels, one of each of these, and a 1×1 back.
        case inverted
        /// An inverted residual with one full convolution for the first two.
        case fused
        /// An inverted residual whose convolution of each channel has other kernels for other parts of the channels, and
        /// whose 1×1 are of so many parts.
        case mixed(kernels: [Int], before: Int, behind: Int)
        /// A plain convolution.
        case conv
        /// MobileNetV4's: one of each channel of so large a kernel before an inverted residual, which itself may have none;
        /// 0 for none.
        case universal(before: Int)
    }

    let kind: Kind
    /// The kernel; 0 for none.
    let k: Int
    let s: Int
    /// The expansion.
    let e: Double
    /// The channels, of width 1.
    let c: Int
    var n: Int
    /// The part of the channels inside the gate; 0 without one.
    let gate: Double
    /// nil: the network's.
    let activation: Layer?
    /// Whether what comes in is added where it has the same shape.
    let skips: Bool
    /// What the expansion is of; nil: what comes in.
    let expanding: Int?

    private init(
        _ kind: Kind,
        _ k: Int,
        _ s: Int,
        _ e: Double,
        _ c: Int,
        _ n: Int,
        gate: Double = 0,
        activation: Layer? = nil,
        skips: Bool = true,
        expanding: Int? = nil
    ) {
        (self.kind, self.k, self.s, self.e, self.c, self.n) = (kind, k, s, e, c, n)
        (self.gate, self.activation, self.skips, self.expanding) = (gate, activation, skips, expanding)
    }

    static func separable(
        k: Int,
        s: Int,
        c: Int,
        n: Int = 1,
        gate: Double = 0,
        _ activation: Layer? = nil,
        skips: Bool = true,
        isActive: Bool = false
    ) -> MobileRow {
        MobileRow(
            .separable(isActive: isActive),
            k,
            s,
            1,
            c,
            n,
            gate: gate,
            activation: activation,
            skips: skips && !isActive
        )
    }

    static func inverted(
        k: Int,
        s: Int,
        e: Double,
        c: Int,
        n: Int = 1,
        gate: Double = 0,
        _ activation: Layer? = nil,
        skips: Bool = true
    ) -> MobileRow {
        MobileRow(.inverted, k, s, e, c, n, gate: gate, activation: activation, skips: skips)
    }

    static func fused(
        s: Int,
        e: Double,
        c: Int,
        n: Int = 1,
        skips: Bool = true,
        expanding: Int? = nil
    ) -> MobileRow {
        MobileRow(.fused, 3, s, e, c, n, skips: skips, expanding: expanding)
    }

    static func mixed(
        _ kernels: [Int],
        s: Int,
        e: Double,
        c: Int,
        n: Int = 1,
        gate: Double = 0,
        _ activation: Layer? = nil,
        before: Int = 1,
        behind: Int = 1
    ) -> MobileRow {
        let kind = Kind.mixed(kernels: kernels, before: before, behind: behind)
        return MobileRow(kind, 0, s, e, c, n, gate: gate, activation: activation)
    }

    static func conv(k: Int, s: Int, c: Int, n: Int = 1, skips: Bool = false) -> MobileRow {
        MobileRow(.conv, k, s, 1, c, n, skips: skips)
    }

    static func universal(before: Int = 0, k: Int = 0, s: Int = 1, e: Double, c: Int, n: Int = 1) -> MobileRow
    {
        MobileRow(.universal(before: before), k, s, e, c, n)
    }
}

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

extension [[MobileRow]] {
    /// The stages with more or fewer blocks: each as many times as many, its rows in proportion.
    ///
    /// - Source: timm's builder, which gives TensorFlow's depths.
    func scaled(
        depth: Double,
        keepsEnds: Bool = false,
        rounding: FloatingPointRoundingRule = .up
    ) -> [[MobileRow]] {
        enumerated().map { number, stage in
            let isEnd = number == 0 || number == count - 1
            return keepsEnds && isEnd ? stage : Self.scaled(stage, depth: depth, rounding: rounding)
        }
    }

    private static func scaled(
        _ stage: [MobileRow],
        depth: Double,
        rounding: FloatingPointRoundingRule
    ) -> [MobileRow] {
        var blocks = stage.reduce(0) { $0 + $1.n }
        var wanted = Swift.max(1, Int((Double(blocks) * depth).rounded(rounding)))
        let rows = stage.reversed().map { row in
            var scaled = row
            let share = Double(row.n) / Double(blocks) * Double(wanted)
            scaled.n = Swift.max(1, Int(share.rounded(.toNearestOrEven)))
            blocks -= row.n
            wanted -= scaled.n
            return scaled
        }
        return rows.reversed()
    }
}
