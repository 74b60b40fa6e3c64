/// A two-dimensional convolution (in the field's sense: cross-correlation), optionally grouped and dilated.
///
/// - Shape: c × h × w → outputChannels × h' × w', with the window's positions h' × w'.
/// - Source: `weight` is outputChannels × c/groups × kh × kw and `bias` outputChannels, as in PyTorch's `Conv2d`.
package struct Conv: Op {
    package let inputChannels: Int
    package let outputChannels: Int
    package let window: Window
    package let groups: Int
    package let hasBias: Bool

    package init(
        inputChannels: Int,
        outputChannels: Int,
        window: Window,
        groups: Int = 1,
        hasBias: Bool = true
    ) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.window = window
        self.groups = groups
        self.hasBias = hasBias
    }

    package var structure: String {
        "\(outputChannels) filters \(window.description)" + (groups > 1 ? ", \(groups) groups" : "")
    }

    package var parameters: [Parameter] {
        let weight = Parameter(
            "weight",
            [outputChannels, inputChannels / groups, window.kernelHeight, window.kernelWidth]
        )
        return hasBias ? [weight, Parameter("bias", [outputChannels])] : [weight]
    }

    package func outputShape(of inputs: [Shape]) throws(ShapeError) -> Shape {
        let (channels, height, width) = try requireImage(inputs[0], for: "conv")
        guard channels == inputChannels else {
            throw ShapeError("conv: expected \(inputChannels) channels, found \(channels)")
        }
        guard channels % groups == 0, outputChannels % groups == 0 else {
            throw ShapeError(
                "conv: \(channels) → \(outputChannels) channels do not split into \(groups) groups"
            )
        }
        let (rows, columns) = try window.positions(height: height, width: width)
        return [outputChannels, rows, columns]
    }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        output.elementCount * (inputChannels / groups) * window.kernelHeight * window.kernelWidth
    }
}
