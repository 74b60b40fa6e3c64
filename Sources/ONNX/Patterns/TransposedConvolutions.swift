internal import Engine

/// A transposed convolution with a step as a convolution that makes all pixels of a step at once, as channels, which are
/// dealt out behind it.
///
/// Output o gets input i by tap k where o = i · stride − pad + k. With o = stride · q + r, all outputs of phase r are a
/// convolution whose taps j = q − i are k = j · stride + r + pad; one window holds those of all phases, zeros elsewhere.
struct TransposedWindow {
    /// One axis.
    struct Side {
        let axis: Slide.Axis
        /// The least and the largest q − i of all phases.
        let first: Int
        let last: Int

        /// Nil where the window would have to leave out a part of the image.
        init?(_ axis: Slide.Axis) {
            let (size, step, pad) = (axis.window, axis.stride, axis.pad)
            guard size == 1 || axis.dilation == 1 else { return nil }
            var taps: [Int] = []
            for k in 0..<size {
                for phase in 0..<step where (k - phase - pad) % step == 0 {
                    taps.append((k - phase - pad) / step)
                }
            }
            guard let first = taps.min(), let last = taps.max(), last >= 0 else { return nil }
            self.axis = axis
            self.first = first
            self.last = last
        }

        var taps: Int { last - first + 1 }
        /// The steps that the output takes.
        var cells: Int { (axis.output + axis.stride - 1) / axis.stride }
        var padEnd: Int { max(0, cells - axis.input - first) }

        /// The tap of the transposed window that a phase has at a tap of the convolution's.
        func tap(_ place: Int, phase: Int) -> Int? {
            let tap = (last - place) * axis.stride + phase + axis.pad
            return (0..<axis.window).contains(tap) ? tap : nil
        }
    }

    let rows: Side
    let columns: Side

    /// Nil where it is along other than one or two axes, or has no such form.
    init?(_ axes: [Slide.Axis]) {
        guard (1...2).contains(axes.count) else { return nil }
        let none = Slide.Axis(input: 1, output: 1, window: 1, stride: 1, dilation: 1, pad: 0, padEnd: 0)
        guard let rows = Side(axes.count == 2 ? axes[0] : none), let columns = Side(axes[axes.count - 1]),
            rows.taps * columns.taps <= 256
        else { return nil }
        self.rows = rows
        self.columns = columns
    }

    /// The pixels of a step.
    var cell: Extent { Extent(height: rows.axis.stride, width: columns.axis.stride) }

    var window: Window {
        Window(
            kernel: Extent(height: rows.taps, width: columns.taps),
            pads: Pads(top: rows.last, left: columns.last, bottom: rows.padEnd, right: columns.padEnd)
        )
    }

    /// The convolution's filters, of filters inputs × outputs × window; each phase's outputs begin `stride` behind the last's.
    func filters(_ filters: [Float], inputs: Int, outputs: Int, stride: Int) -> [Float] {
        let (phases, taps) = (cell.height * cell.width, rows.taps * columns.taps)
        let window = rows.axis.window * columns.axis.window
        var result = [Float](repeating: 0, count: phases * stride * inputs * taps)
        for phase in 0..<phases {
            for tap in 0..<taps {
                guard let row = rows.tap(tap / columns.taps, phase: phase / cell.width),
                    let column = columns.tap(tap % columns.taps, phase: phase % cell.width)
                else { continue }
                let place = row * columns.axis.window + column
                for output in 0..<outputs {
                    for input in 0..<inputs {
                        result[((phase * stride + output) * inputs + input) * taps + tap] =
                            filters[(input * outputs + output) * window + place]
                    }
                }
            }
        }
        return result
    }
}

extension GraphBuilder {
    /// A transposed convolution of one image with constant filters; nil where it is none.
    func transposed(_ node: Node, _ window: TransposedWindow, _ dimensions: [Int]) throws(NodeFault) -> Known?
    {
        let x = try node.input(0)
        guard case .value(let value) = x, x.dimensions[0] == 1, let filters = try node.input(1).constant
        else {
            return nil
        }
        let (inputs, outputs) = (x.dimensions[1], dimensions[1])
        let phases = window.cell.height * window.cell.width
        let stride = phases == 1 ? outputs : DepthToSpace.stride(channels: outputs)
        guard [phases * stride, inputs, window.window.taps].count(upTo: mostNumbers) != nil else {
            return nil
        }
        let numbers = window.filters(filters.floats, inputs: inputs, outputs: outputs, stride: stride)
        let kernel = window.window.kernel
        var weights = [
            Tensor(shape: [phases * stride, inputs, kernel.height, kernel.width], values: numbers)
        ]
        if let bias = node.optional(2) {
            guard let constant = bias.constant else { return nil }
            let padded = constant.floats + [Float](repeating: 0, count: stride - outputs)
            let all = (0..<phases).flatMap { _ in padded }
            weights.append(Tensor(shape: [phases * stride], values: all))
        }
        let conv = Conv(
            inputChannels: inputs,
            outputChannels: phases * stride,
            window: window.window,
            hasBias: weights.count > 1
        )
        let image = try view(value, as: Window.image(x.dimensions))
        let cells = try append(conv, [image], weights)[0]
        let size = Window.image(dimensions)
        if graph.shape(of: cells) == size {
            return .value(RunValue(value: cells, dimensions: dimensions, type: x.type))
        }
        guard phases > 1 else { return nil }
        let spread = DepthToSpace(cell: window.cell, channels: outputs, height: size[1], width: size[2])
        let result = try append(spread, [cells], [])[0]
        return .value(RunValue(value: result, dimensions: dimensions, type: x.type))
    }

    /// A function of what is behind a transposed convolution, done before the pixels are dealt out, where the convolution
    /// takes it in; nil where there is none.
    func beforeSpread(_ value: RunValue, _ function: Activation) throws(NodeFault) -> Known? {
        guard let origin = origins[value.value], origin.op is DepthToSpace else { return nil }
        return try spread(append(function, origin.inputs, []), origin.op, value)
    }

    /// The same of a batch norm with its four arrays of numbers.
    func beforeSpread(_ value: RunValue, norm: [Tensor], epsilon: Float) throws(NodeFault) -> Known? {
        guard let origin = origins[value.value], let op = origin.op as? DepthToSpace else { return nil }
        let stride = DepthToSpace.stride(channels: op.channels)
        let phases = op.cell.height * op.cell.width
        let weights = norm.map { tensor in
            // Channels that fill up the blocks are read by nobody.
            let padded = tensor.values + [Float](repeating: 1, count: stride - op.channels)
            return Tensor(shape: [phases * stride], values: (0..<phases).flatMap { _ in padded })
        }
        let wide = BatchNorm(channels: phases * stride, epsilon: epsilon)
        return try spread(append(wide, origin.inputs, weights), op, value)
    }

    private func spread(_ cells: [Graph.Value], _ op: any Op, _ value: RunValue) throws(NodeFault) -> Known {
        let result = try append(op, cells, [])[0]
        return .value(RunValue(value: result, dimensions: value.dimensions, type: value.type))
    }
}
