internal import Engine

/// The attributes of windows, and what they make of an image's extents.
struct SlidingWindow {
    private(set) var extents: [Int]
    let kernel: [Int]
    let strides: [Int]
    let dilations: [Int]
    private(set) var pads: [Int]
    private(set) var mode: String

    /// The most that a size, step or pad may be.
    private static let limit = 1 << 20

    init(_ node: Node, extents: [Int], kernel: [Int]) throws(NodeFault) {
        let ones = extents.map { _ in 1 }
        self.extents = extents
        self.kernel = kernel
        strides = try node.integers("strides") ?? ones
        dilations = try node.integers("dilations") ?? ones
        pads = try node.integers("pads") ?? extents.flatMap { _ in [0, 0] }
        mode = try node.string("auto_pad", "NOTSET")
        if let declared = try node.integers("kernel_shape"), declared != kernel {
            throw .invalid("kernel_shape \(declared) of filters of \(kernel)")
        }
        let steps = [kernel, strides, dilations]
        guard steps.allSatisfy({ $0.count == extents.count }), pads.count == 2 * extents.count,
            steps.joined().allSatisfy({ (1...Self.limit).contains($0) }),
            pads.allSatisfy({ (0...Self.limit).contains($0) })
        else {
            throw .unsupported("a window \(kernel), strides \(strides), dilations \(dilations), pads \(pads)")
        }
    }

    /// The same over an image without what was put around it; nil where the window sees to that itself.
    func unpadded(before: [Int], behind: [Int]) -> SlidingWindow? {
        guard !mode.hasPrefix("SAME"), (before + behind).allSatisfy({ $0 >= 0 }) else { return nil }
        var wider = self
        wider.extents = zip(extents, zip(before, behind)).map { $0 - $1.0 - $1.1 }
        wider.pads = zip(mode == "VALID" ? pads.map { _ in 0 } : pads, before + behind).map { $0 + $1 }
        wider.mode = "NOTSET"
        return wider
    }

    /// The taps of an axis with what lies between them.
    private func extent(_ axis: Int) -> Int { dilations[axis] * (kernel[axis] - 1) + 1 }

    /// Pads that give a result of ⌈size / stride⌉.
    private func samePads(_ axis: Int) -> (before: Int, behind: Int) {
        let output = (extents[axis] + strides[axis] - 1) / strides[axis]
        let total = max(0, (output - 1) * strides[axis] + extent(axis) - extents[axis])
        return mode == "SAME_UPPER" ? (total / 2, total - total / 2) : (total - total / 2, total / 2)
    }

    /// Each axis with the positions of the window; `roundsUp` counts a last, incomplete one that starts inside.
    func axes(roundsUp: Bool) throws(NodeFault) -> [Slide.Axis] {
        try extents.indices.map { axis throws(NodeFault) in
            var (before, behind) = (pads[axis], pads[axis + extents.count])
            switch mode {
            case "NOTSET", "": break
            case "VALID": (before, behind) = (0, 0)
            case "SAME_UPPER", "SAME_LOWER": (before, behind) = samePads(axis)
            default: throw .unsupported("auto_pad '\(mode)'")
            }
            let isSame = mode.hasPrefix("SAME")
            let slack = extents[axis] + before + behind - extent(axis)
            guard slack >= 0 else { throw .invalid("a window of \(extent(axis)) over \(extents[axis])") }
            let stride = strides[axis]
            var output = (slack + (roundsUp && !isSame ? stride - 1 : 0)) / stride + 1
            if roundsUp, !isSame, (output - 1) * stride >= extents[axis] + before { output -= 1 }
            return Slide.Axis(
                input: extents[axis],
                output: output,
                window: kernel[axis],
                stride: stride,
                dilation: dilations[axis],
                pad: before,
                padEnd: behind
            )
        }
    }

    /// Each axis of a transposed convolution.
    func transposed(_ extra: [Int]?, shape: [Int]?, mode: String) throws(NodeFault) -> [Slide.Axis] {
        let extra = extra ?? extents.map { _ in 0 }
        let shape = shape.map { Array($0.suffix(extents.count)) }
        guard extra.count == extents.count, shape.map({ $0.count == extents.count }) ?? true,
            (extra + (shape ?? [])).allSatisfy({ (0...Self.limit).contains($0) })
        else { throw .invalid("output_padding \(extra), output_shape \(shape ?? [])") }
        return try extents.indices.map { axis throws(NodeFault) in
            let full = strides[axis] * (extents[axis] - 1) + extra[axis] + extent(axis)
            let isSame = mode.hasPrefix("SAME")
            var before = pads[axis]
            var output = full - before - pads[axis + extents.count]
            if let wanted = shape?[axis] ?? (isSame ? extents[axis] * strides[axis] : nil) {
                let total = max(0, full - wanted)
                before = mode == "SAME_UPPER" ? total / 2 : total - total / 2
                output = wanted
            }
            guard output > 0 else { throw .invalid("pads \(pads) leave nothing of \(full)") }
            return Slide.Axis(
                input: extents[axis],
                output: output,
                window: kernel[axis],
                stride: strides[axis],
                dilation: dilations[axis],
                pad: before,
                padEnd: 0
            )
        }
    }
}

extension Window {
    /// A window along one or two axes; nil where there are more.
    init?(_ axes: [Slide.Axis], roundsUp: Bool = false) {
        guard (1...2).contains(axes.count) else { return nil }
        let none = Slide.Axis(input: 1, output: 1, window: 1, stride: 1, dilation: 1, pad: 0, padEnd: 0)
        let (rows, columns) = axes.count == 2 ? (axes[0], axes[1]) : (none, axes[0])
        self.init(
            kernel: Extent(height: rows.window, width: columns.window),
            strides: Extent(height: rows.stride, width: columns.stride),
            pads: Pads(top: rows.pad, left: columns.pad, bottom: rows.padEnd, right: columns.padEnd),
            dilations: Extent(height: rows.dilation, width: columns.dilation),
            roundsUp: roundsUp
        )
    }

    /// Images of one axis have a height of 1.
    static func image(_ dimensions: [Int]) -> Shape {
        dimensions.count == 3 ? [dimensions[1], 1, dimensions[2]] : Shape(Array(dimensions.dropFirst()))
    }
}
