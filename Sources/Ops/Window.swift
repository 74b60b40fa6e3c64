internal import CKernels
package import Tensors

/// A window that slides over an image: its size, step and the zeros around the image.
package struct Window: Hashable, Sendable {
    package let kernelHeight: Int
    package let kernelWidth: Int
    package let stride: Int
    /// Rows of padding above and below.
    package let padHeight: Int
    /// Columns of padding left and right.
    package let padWidth: Int
    package let dilation: Int
    /// Whether a last, incomplete window counts (Caffe's pooling, PyTorch's `ceil_mode`).
    package let roundsUp: Bool

    package init(
        height: Int,
        width: Int,
        stride: Int = 1,
        padHeight: Int = 0,
        padWidth: Int = 0,
        dilation: Int = 1,
        roundsUp: Bool = false
    ) {
        precondition(
            height > 0 && width > 0 && stride > 0 && dilation > 0 && padHeight >= 0 && padWidth >= 0,
            "window \(height)×\(width), stride \(stride), pad \(padHeight)×\(padWidth), dilation \(dilation)"
        )
        kernelHeight = height
        kernelWidth = width
        self.stride = stride
        self.padHeight = padHeight
        self.padWidth = padWidth
        self.dilation = dilation
        self.roundsUp = roundsUp
    }

    /// A square window with the same padding on all sides.
    package init(_ size: Int, stride: Int = 1, pad: Int = 0, dilation: Int = 1, roundsUp: Bool = false) {
        self.init(
            height: size,
            width: size,
            stride: stride,
            padHeight: pad,
            padWidth: pad,
            dilation: dilation,
            roundsUp: roundsUp
        )
    }

    /// The positions of the window over an image.
    ///
    /// - Throws: `ShapeError` when the padded image is smaller than the window.
    package func positions(height: Int, width: Int) throws(ShapeError) -> (height: Int, width: Int) {
        guard let rows = Self.count(height, kernelHeight, padHeight, stride, dilation, roundsUp),
            let columns = Self.count(width, kernelWidth, padWidth, stride, dilation, roundsUp)
        else {
            throw ShapeError(
                "a \(kernelHeight)×\(kernelWidth) window does not fit an image of \(height)×\(width)"
                    + " with padding \(padHeight)×\(padWidth)"
            )
        }
        return (rows, columns)
    }

    /// `floor` or `ceil` of (size + 2·pad − extent) / stride, plus 1; a window must start inside the image.
    private static func count(
        _ size: Int,
        _ kernel: Int,
        _ pad: Int,
        _ stride: Int,
        _ dilation: Int,
        _ roundsUp: Bool
    ) -> Int? {
        let slack = size + 2 * pad - (dilation * (kernel - 1) + 1) + (roundsUp ? stride - 1 : 0)
        guard slack >= 0 else { return nil }
        let count = slack / stride + 1
        return roundsUp && (count - 1) * stride >= size + pad ? count - 1 : count
    }

    /// As a cell of a layer table: `3×3, stride 2, pad 1`.
    package var description: String {
        var parts = ["\(kernelHeight)×\(kernelWidth)"]
        if stride > 1 { parts.append("stride \(stride)") }
        if padHeight == padWidth, padHeight > 0 { parts.append("pad \(padHeight)") }
        if padHeight != padWidth { parts.append("pad \(padHeight)×\(padWidth)") }
        if dilation > 1 { parts.append("dilation \(dilation)") }
        return parts.joined(separator: ", ")
    }
}

extension Window {
    /// The form that the kernels take.
    var kernelWindow: kernel_window {
        kernel_window(
            kernel_height: kernelHeight,
            kernel_width: kernelWidth,
            stride: stride,
            pad_height: padHeight,
            pad_width: padWidth,
            dilation: dilation
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
