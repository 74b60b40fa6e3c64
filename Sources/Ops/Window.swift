internal import CKernels
package import Tensors

/// A height and a width: `3` for a square, `[1, 7]` otherwise.
package struct Extent: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    package let height: Int
    package let width: Int

    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// A square.
    package init(_ side: Int) { self.init(height: side, width: side) }

    package init(integerLiteral side: Int) { self.init(side) }

    /// Height and width.
    ///
    /// - Precondition: there are two.
    package init(arrayLiteral sides: Int...) {
        precondition(sides.count == 2, "an extent is height and width, not \(sides)")
        self.init(height: sides[0], width: sides[1])
    }

    /// As `3×3`.
    var description: String { "\(height)×\(width)" }

    /// As `3` where both are the same, else as `3×1`.
    fileprivate var short: String { height == width ? "\(height)" : description }
}

/// The zeros around an image, by side.
package struct Pads: Hashable, Sendable {
    package let top: Int
    package let left: Int
    package let bottom: Int
    package let right: Int

    package init(top: Int, left: Int, bottom: Int, right: Int) {
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }

    /// As many above as below, as many left as right.
    package init(_ pad: Extent) {
        self.init(top: pad.height, left: pad.width, bottom: pad.height, right: pad.width)
    }

    /// None.
    package static let zero = Pads(0)

    /// The pads of opposite sides, where these are equal.
    fileprivate var even: Extent? {
        top == bottom && left == right ? Extent(height: top, width: left) : nil
    }

    /// As `1×0`, rows × columns, or all four in their order: `0, 0, 1, 1`.
    fileprivate var description: String { even?.description ?? "\(top), \(left), \(bottom), \(right)" }
}

/// A window that slides over an image: its size, steps, and the zeros around the image.
package struct Window: Hashable, Sendable {
    /// The taps.
    package let kernel: Extent
    /// From one position to the next.
    package let strides: Extent
    package let pads: Pads
    /// From one tap to the next.
    package let dilations: Extent
    /// Whether a last, incomplete window counts (Caffe's pooling, PyTorch's `ceil_mode`).
    package let roundsUp: Bool

    /// The most that a size, step or pad may be, so that sums of them stay numbers.
    package static let limit = 1 << 31

    /// - Precondition: sizes and steps are from 1, pads from 0, to `limit`.
    package init(
        kernel: Extent,
        strides: Extent = 1,
        pads: Pads = .zero,
        dilations: Extent = 1,
        roundsUp: Bool = false
    ) {
        let steps = [kernel, strides, dilations].flatMap { [$0.height, $0.width] }
        let sides = [pads.top, pads.left, pads.bottom, pads.right]
        precondition(
            steps.allSatisfy { 1...Self.limit ~= $0 } && sides.allSatisfy { 0...Self.limit ~= $0 },
            "window \(kernel), strides \(strides), pads \(pads), dilations \(dilations)"
        )
        self.kernel = kernel
        self.strides = strides
        self.pads = pads
        self.dilations = dilations
        self.roundsUp = roundsUp
    }

    /// A window with the same steps and padding both ways.
    package init(
        height: Int,
        width: Int,
        stride: Int = 1,
        padHeight: Int = 0,
        padWidth: Int = 0,
        dilation: Int = 1,
        roundsUp: Bool = false
    ) {
        self.init(
            kernel: Extent(height: height, width: width),
            strides: Extent(stride),
            pads: Pads(Extent(height: padHeight, width: padWidth)),
            dilations: Extent(dilation),
            roundsUp: roundsUp
        )
    }

    /// A square window with the same padding on all sides.
    package init(_ size: Int, stride: Int = 1, pad: Int = 0, dilation: Int = 1, roundsUp: Bool = false) {
        self.init(
            kernel: Extent(size),
            strides: Extent(stride),
            pads: Pads(Extent(pad)),
            dilations: Extent(dilation),
            roundsUp: roundsUp
        )
    }

    /// How many taps there are.
    package var taps: Int { kernel.height * kernel.width }

    /// What a position covers of an image: the taps with what lies between them.
    package var extent: Extent {
        Extent(
            height: dilations.height * (kernel.height - 1) + 1,
            width: dilations.width * (kernel.width - 1) + 1
        )
    }

    /// Whether every pixel is a position, and neighbouring taps are neighbouring pixels.
    package var isDense: Bool { strides == 1 && dilations == 1 }

    /// The positions of the window over an image.
    ///
    /// - Throws: `ShapeError` when the padded image is smaller than the window.
    package func positions(height: Int, width: Int) throws(ShapeError) -> (height: Int, width: Int) {
        guard let rows = count(height, pads.top, pads.bottom, extent.height, stride: strides.height),
            let columns = count(width, pads.left, pads.right, extent.width, stride: strides.width)
        else {
            throw ShapeError(
                "a \(kernel.description) window does not fit an image of \(height)×\(width)"
                    + " with padding \(pads.description)"
            )
        }
        return (rows, columns)
    }

    /// The same with as many zeros around an image as give it ⌈size/stride⌉ positions, the odd one behind.
    func same(height: Int, width: Int) -> Window {
        func pads(_ size: Int, _ stride: Int, _ extent: Int) -> (before: Int, behind: Int) {
            let all = max(0, ((size + stride - 1) / stride - 1) * stride + extent - size)
            return (all / 2, all - all / 2)
        }
        let rows = pads(height, strides.height, extent.height)
        let columns = pads(width, strides.width, extent.width)
        return Window(
            kernel: kernel,
            strides: strides,
            pads: Pads(top: rows.before, left: columns.before, bottom: rows.behind, right: columns.behind),
            dilations: dilations,
            roundsUp: roundsUp
        )
    }

    /// `floor` or `ceil` of (size + pads − extent) / stride, plus 1; a window must start inside the image.
    private func count(_ size: Int, _ before: Int, _ behind: Int, _ extent: Int, stride: Int) -> Int? {
        let slack = size + before + behind - extent + (roundsUp ? stride - 1 : 0)
        guard slack >= 0 else { return nil }
        let count = slack / stride + 1
        return roundsUp && (count - 1) * stride >= size + before ? count - 1 : count
    }

    /// As a cell of a layer table: `3×3, stride 2, pad 1`.
    package var description: String {
        var parts = [kernel.description]
        if strides != 1 { parts.append("stride \(strides.short)") }
        if pads != .zero { parts.append("pad \(pads.even?.short ?? pads.description)") }
        if dilations != 1 { parts.append("dilation \(dilations.short)") }
        return parts.joined(separator: ", ")
    }
}

extension Window {
    /// The form that the kernels take.
    var kernelWindow: kernel_window {
        kernel_window(
            kernel_height: kernel.height,
            kernel_width: kernel.width,
            stride_height: strides.height,
            stride_width: strides.width,
            pad_top: pads.top,
            pad_left: pads.left,
            pad_bottom: pads.bottom,
            pad_right: pads.right,
            dilation_height: dilations.height,
            dilation_width: dilations.width
        )
    }
}

extension kernel_image {
    /// An image of channels × height × width and the positions of a window over it.
    init(_ shape: Shape, output: Shape) {
        self.init(
            channels: shape[0],
            height: shape[1],
            width: shape[2],
            output_height: output[1],
            output_width: output[2]
        )
    }
}
