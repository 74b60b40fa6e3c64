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
