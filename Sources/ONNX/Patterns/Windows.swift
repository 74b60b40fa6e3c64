internal import Engine

/// What windows see to themselves: padding before them, and the pixels of cells that were dealt out to channels.
extension GraphBuilder {
    /// An image before it was padded with a number, and a window over it that pads it itself; nil where it was not.
    func unpadded(
        _ known: Known,
        _ window: SlidingWindow,
        fill: Float
    ) -> (source: Known, window: SlidingWindow)? {
        guard case .padded(let source, let before, let behind, let number)? = expression(of: known),
            number == fill || (fill == -.infinity && number <= -.greatestFiniteMagnitude),
            (before[..<2] + behind[..<2]).allSatisfy({ $0 == 0 }),
            let wider = window.unpadded(before: Array(before[2...]), behind: Array(behind[2...]))
        else { return nil }
        return (source, wider)
    }

    /// Remembers that a value is every so many rows and columns of an image, or of one that is that itself.
    func remember(slice result: Known, of source: Known, starts: [Int], steps: [Int]) {
        guard case .value(let value) = result else { return }
        var (whole, start, step) = (source, starts, steps)
        if case .strided(let outer, let first, let outerSteps)? = expression(of: source) {
            start = zip(first, zip(outerSteps, starts)).map { $0 + $1.0 * $1.1 }
            step = zip(outerSteps, steps).map { $0 * $1 }
            whole = outer
        }
        guard zip(step, zip(whole.dimensions[2...], value.dimensions[2...])).allSatisfy({ $1.0 == $0 * $1.1 })
        else {
            return
        }
        remember(.strided(whole, start: start, step: step), of: result)
    }

    /// A convolution over the pixels of cells in the channels of an image, as one over the image that was cut into the cells.
    ///
    /// - Source: YOLOv5's `Focus` layer.
    func stem(
        _ value: RunValue,
        _ window: Window,
        _ weights: [Tensor],
        _ dimensions: [Int]
    ) throws(NodeFault) -> Known? {
        guard window.dilations == 1, isImage(value), let (image, cell, starts) = cells(of: value) else {
            return nil
        }
        let (inputs, outputs) = (image.dimensions[1], dimensions[1])
        let wide = Window(
            kernel: Extent(height: window.kernel.height * cell[0], width: window.kernel.width * cell[1]),
            strides: Extent(height: window.strides.height * cell[0], width: window.strides.width * cell[1]),
            pads: Pads(
                top: window.pads.top * cell[0],
                left: window.pads.left * cell[1],
                bottom: window.pads.bottom * cell[0],
                right: window.pads.right * cell[1]
            )
        )
        guard wide.taps <= 256 else { return nil }
        let filters = weights[0].values
        var values = [Float](repeating: 0, count: outputs * inputs * wide.taps)
        var place = 0
        for output in 0..<outputs {
            for start in starts {
                for input in 0..<inputs {
                    for tap in 0..<window.taps {
                        let row = tap / window.kernel.width * cell[0] + start[0]
                        let column = tap % window.kernel.width * cell[1] + start[1]
                        let filter = (output * inputs + input) * wide.taps
                        values[filter + row * wide.kernel.width + column] += filters[place]
                        place += 1
                    }
                }
            }
        }
        let shape: Shape = [outputs, inputs, wide.kernel.height, wide.kernel.width]
        let conv = Conv(
            inputChannels: inputs,
            outputChannels: outputs,
            window: wide,
            hasBias: weights.count > 1
        )
        let result = try append(
            conv,
            [image.value],
            [Tensor(shape: shape, values: values)] + weights.dropFirst()
        )
        return .value(RunValue(value: result[0], dimensions: dimensions, type: value.type))
    }

    /// The image whose cells were dealt out to the channels of a value, the extents of a cell, and which of its pixels each
    /// of the joined parts has.
    private func cells(of value: RunValue) -> (image: RunValue, cell: [Int], starts: [[Int]])? {
        guard let origin = origins[value.value], origin.op is Concat else { return nil }
        var (source, cell): (Known?, [Int]) = (nil, [])
        var starts: [[Int]] = []
        for part in origin.inputs {
            guard case .strided(let whole, let start, let step)? = expressions[part]?.expression,
                step[0] * step[1] > 1,
                source.map({ areSame($0, whole) && cell == step }) ?? true,
                zip(start, step).allSatisfy({ $0 < $1 })
            else { return nil }
            (source, cell) = (whole, step)
            starts.append(start)
        }
        guard case .value(let image)? = source, isImage(image) else { return nil }
        return (image, cell, starts)
    }
}
