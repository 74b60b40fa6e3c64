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

    private let inputs: Int
    /// The pixels that outputs are fewer than inputs; negative when there are more.
    private let shrinkage: Int
    let kind: Kind
    /// The first input of each output; never decreasing.
    let starts: [Int]

    /// Prepares all outputs of an axis that is a part of a longer one, whose inputs are counted from that one's first.
    init(_ interpolation: Interpolation, part: Range<Int>, to: Int) {
        let whole = Axis(interpolation, from: part.count, to: to, first: 0, count: to)
        self.init(whole.inputs, whole.shrinkage, whole.kind, whole.starts.map { $0 + part.lowerBound })
    }

    /// Prepares the outputs first … first + count − 1 of an axis of `from` pixels that becomes `to`.
    init(_ interpolation: Interpolation, from: Int, to: Int, first: Int, count: Int) {
        inputs = from
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

    private init(_ inputs: Int, _ shrinkage: Int, _ kind: Kind, _ starts: [Int]) {
        self.inputs = inputs
        self.shrinkage = shrinkage
        self.kind = kind
        self.starts = starts
    }

    /// The same outputs of the inputs in reverse, in reverse.
    func reflected() -> Axis {
        guard case .weighted(let weights) = kind else {
            return Axis(inputs, shrinkage, kind, starts.reversed().map { inputs - 1 - $0 })
        }
        let count = starts.count
        var mirrored = weights
        mirrored.counts.reverse()
        for output in 0..<count {
            let (from, to) = ((count - 1 - output) * weights.taps, output * weights.taps)
            let taps = mirrored.counts[output]
            for tap in 0..<taps { mirrored.values[to + tap] = weights.values[from + taps - 1 - tap] }
        }
        let places = (0..<count).reversed().map { inputs - starts[$0] - weights.counts[$0] }
        return Axis(inputs, shrinkage, .weighted(mirrored), places)
    }

    /// Whether outputs are sums of several inputs.
    var isWeighted: Bool {
        if case .weighted = kind { true } else { false }
    }

    /// The most inputs that one output is made of.
    static func taps(_ interpolation: Interpolation, from: Int, to: Int) -> Int {
        switch interpolation {
        case _ where from == to: 1
        case .nearest: 1
        case .bilinear: kernel_resample_taps(KERNEL_FILTER_BILINEAR, from, to)
        case .bicubic: kernel_resample_taps(KERNEL_FILTER_BICUBIC, from, to)
        case .lanczos: kernel_resample_taps(KERNEL_FILTER_LANCZOS, from, to)
        }
    }

    /// How many inputs must be kept, when they come group by group, for each output to find all of its own; whole groups.
    func reach(inGroupsOf group: Int) -> Int {
        guard case .weighted(let weights) = kind else { return group }
        var (end, reach) = (0, 0)
        for (start, count) in zip(starts, weights.counts) {
            end = max(end, start + count)
            reach = max(reach, (end + group - 1) / group * group - start / group * group)
        }
        return reach
    }

    /// Whether this axis loses pixels, and more than twice as many as the other.
    func shrinks(moreThanTwice other: Axis) -> Bool {
        Self.shrinks(shrinkage, moreThanTwice: other.shrinkage)
    }

    /// Whether an axis that has so many pixels less afterwards loses any, and more than twice as many as another.
    static func shrinks(_ shrinkage: Int, moreThanTwice other: Int) -> Bool {
        shrinkage > 0 && shrinkage > 2 * other
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

    /// Resamples along `count` rows that follow each other, into rows that follow each other.
    func resample(
        _ rows: UnsafePointer<UInt8>,
        _ count: Int,
        width from: Int,
        channels: Int,
        into out: UnsafeMutablePointer<UInt8>
    ) {
        let width = starts.count
        switch kind {
        case .copied:
            for y in 0..<count {
                let row = unsafe rows + (y * from + starts[0]) * channels
                unsafe (out + y * width * channels).update(from: row, count: width * channels)
            }
        case .picked:
            for y in 0..<count {
                for (i, x) in starts.enumerated() {
                    let (pixel, source) = (y * width + i, y * from + x)
                    for c in 0..<channels {
                        unsafe out[pixel * channels + c] = unsafe rows[source * channels + c]
                    }
                }
            }
        case .weighted(let weights):
            unsafe starts.withUnsafeBufferPointer { starts in
                unsafe weights.counts.withUnsafeBufferPointer { counts in
                    unsafe weights.values.withUnsafeBufferPointer { values in
                        guard let starts = starts.baseAddress, let counts = counts.baseAddress,
                            let values = values.baseAddress
                        else { return }
                        unsafe kernel_resample_columns(
                            rows,
                            count,
                            from,
                            channels,
                            width,
                            weights.taps,
                            starts,
                            counts,
                            values,
                            out
                        )
                    }
                }
            }
        }
    }
}
