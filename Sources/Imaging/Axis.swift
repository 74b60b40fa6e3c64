internal import CKernels

/// How a resized pixel is made from the pixels around it; all but `nearest` are antialiased when shrinking.
package enum Interpolation: String, Sendable, CaseIterable {
    /// The pixel at the centre.
    case nearest
    /// A triangle over two pixels.
    case bilinear
    /// Keys's cubic with a = −0.5, over four pixels.
    case bicubic
    /// The sinc windowed to three lobes, over six pixels.
    case lanczos
}

/// One axis of a resize: for each output of a range, the inputs it is made of.
struct Axis {
    /// How outputs are made.
    enum Kind {
        /// Inputs starts[0], starts[0] + 1, …: the axis keeps its size.
        case copied
        /// Input starts[i] alone.
        case picked
        /// A weighted sum from input starts[i] on.
        case weighted(Weights)
    }

    /// The fixed-point weights of every output, `taps` apart.
    struct Weights {
        let taps: Int
        var counts: [Int]
        var values: [Int32]
    }

    /// The pixels that outputs are fewer than inputs; negative when there are more.
    private let shrinkage: Int
    let kind: Kind
    /// The first input of each output; never decreasing.
    let starts: [Int]

    /// Prepares the outputs first … first + count − 1 of an axis of `from` pixels that becomes `to`.
    init(_ interpolation: Interpolation, from: Int, to: Int, first: Int, count: Int) {
        shrinkage = from - to
        guard from != to else {
            kind = .copied
            starts = Array(first..<first + count)
            return
        }
        switch interpolation {
        case .nearest:
            kind = .picked
            starts = Self.centres(from: from, to: to, first: first, count: count)
        case .bilinear:
            (kind, starts) = Self.weights(
                KERNEL_FILTER_BILINEAR,
                from: from,
                to: to,
                first: first,
                count: count
            )
        case .bicubic:
            (kind, starts) = Self.weights(
                KERNEL_FILTER_BICUBIC,
                from: from,
                to: to,
                first: first,
                count: count
            )
        case .lanczos:
            (kind, starts) = Self.weights(
                KERNEL_FILTER_LANCZOS,
                from: from,
                to: to,
                first: first,
                count: count
            )
        }
    }

    /// Whether this axis loses pixels, and more than twice as many as the other.
    func shrinks(moreThanTwice other: Axis) -> Bool {
        shrinkage > 0 && shrinkage > 2 * other.shrinkage
    }

    /// The input under the centre of each output; the position is a running sum, as in Pillow, so that it rounds alike.
    private static func centres(from: Int, to: Int, first: Int, count: Int) -> [Int] {
        let scale = Double(from) / Double(to)
        var position = scale * 0.5
        var centres: [Int] = []
        centres.reserveCapacity(count)
        for i in 0..<first + count {
            if i >= first { centres.append(min(Int(position), from - 1)) }
            position += scale
        }
        return centres
    }

    private static func weights(
        _ filter: kernel_filter,
        from: Int,
        to: Int,
        first: Int,
        count: Int
    ) -> (Kind, [Int]) {
        let taps = kernel_resample_taps(filter, from, to)
        var starts = [Int](repeating: 0, count: count)
        var weights = Weights(
            taps: taps,
            counts: [Int](repeating: 0, count: count),
            values: [Int32](repeating: 0, count: count * taps)
        )
        var scratch = [Double](repeating: 0, count: taps)
        unsafe kernel_resample_weights(
            filter,
            from,
            to,
            first,
            count,
            &starts,
            &weights.counts,
            &weights.values,
            &scratch
        )
        return (.weighted(weights), starts)
    }
}
