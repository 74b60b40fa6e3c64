internal import Engine

/// Nodes that pick, weigh or shift whole channels of an image.
extension GraphBuilder {
    /// Whether a value is an image as the graph has it.
    func isImage(_ value: RunValue) -> Bool {
        value.dimensions.count == 4 && value.dimensions[0] == 1 && !value.isChannelsLast
            && graph.shape(of: value.value) == Self.shape(value.dimensions)
    }

    /// Neighbouring channels of an image; nil where it is none.
    ///
    /// Between blocks of 16 channels that costs nothing.
    func channels(_ range: Range<Int>, of known: Known) throws(NodeFault) -> Known? {
        guard case .value(let value) = known, isImage(value), !range.isEmpty else { return nil }
        let count = value.dimensions[1]
        let result: Graph.Value
        if range.lowerBound % 16 == 0, range.upperBound % 16 == 0 || range.upperBound == count {
            let sizes = [range.lowerBound, range.count, count - range.upperBound]
            let parts = try append(Split(axis: 0, sizes: sizes.filter { $0 > 0 }), [value.value], [])
            result = parts[range.lowerBound > 0 ? 1 : 0]
        } else {
            result = try append(SelectChannels(Array(range)), [value.value], [])[0]
        }
        var dimensions = value.dimensions
        dimensions[1] = range.count
        return .value(RunValue(value: result, dimensions: dimensions, type: value.type))
    }

    /// An image times a number for each channel that the network has made; nil where it is something else.
    func gated(_ first: RunValue, _ second: RunValue) throws(NodeFault) -> Known? {
        for (image, gate) in [(first, second), (second, first)] {
            guard isImage(image), !gate.isChannelsLast, gate.dimensions == [1, image.dimensions[1], 1, 1]
            else {
                continue
            }
            let numbers = try view(gate, as: [image.dimensions[1], 1, 1])
            let result = try append(ChannelGate(), [image.value, numbers], [])[0]
            return .value(RunValue(value: result, dimensions: image.dimensions, type: image.type))
        }
        return nil
    }

    /// A line behind an operation that can have it among its trained numbers: the bias of a product, a norm's scale and shift.
    func withLine(_ value: RunValue, _ lines: [ChannelScale.Line]) throws(NodeFault) -> Known? {
        guard let origin = origins[value.value], case .node(_, output: 0) = value.value else { return nil }
        func all(_ channels: Int, _ number: (ChannelScale.Line) -> Float) -> [Float] {
            (0..<channels).map { number(lines[$0 % lines.count]) }
        }
        func result(_ op: any Op, _ weights: [Tensor]) throws(NodeFault) -> Known {
            let own = try append(op, origin.inputs, weights)[0]
            return .value(RunValue(value: own, dimensions: value.dimensions, type: value.type))
        }
        let isShift = lines.allSatisfy { $0.scale == 1 }
        switch origin.op {
        case let conv as Conv where !conv.hasBias && isShift:
            let biased = Conv(
                inputChannels: conv.inputChannels,
                outputChannels: conv.outputChannels,
                window: conv.window,
                groups: conv.groups
            )
            let bias = Tensor(shape: [conv.outputChannels], values: all(conv.outputChannels, \.shift))
            return try result(biased, origin.weights + [bias])
        case let norm as ChannelNorm:
            let (scales, shifts) = (all(norm.channels, \.scale), all(norm.channels, \.shift))
            let weight = zip(origin.weights[0].values, scales).map { $0 * $1 }
            let bias = zip(origin.weights[1].values, zip(scales, shifts)).map { $0 * $1.0 + $1.1 }
            let weights = [weight, bias].map { Tensor(shape: [norm.channels], values: $0) }
            return try result(norm, weights)
        default: return nil
        }
    }

    /// A constant behind a fully connected layer without a bias as its bias.
    func withBias(_ value: RunValue, _ constant: Constant) throws(NodeFault) -> Known? {
        guard let origin = origins[value.value], let linear = origin.op as? Linear, !linear.hasBias,
            constant.count == linear.outputs, constant.dimensions.last == linear.outputs,
            constant.dimensions.count <= value.dimensions.count, value.dimensions.last == linear.outputs
        else { return nil }
        let biased = Linear(inputs: linear.inputs, outputs: linear.outputs)
        let bias = Tensor(shape: [linear.outputs], values: constant.floats)
        let result = try append(biased, origin.inputs, origin.weights + [bias])[0]
        return .value(RunValue(value: result, dimensions: value.dimensions, type: value.type))
    }

    /// An operand before it was repeated, where the function repeats it itself.
    func unexpanded(_ operands: [Known], _ dimensions: [Int]) throws(NodeFault) -> [Known] {
        guard operands.count == 2 else { return operands }
        for index in operands.indices {
            guard case .expanded(let source)? = expression(of: operands[index]) else { continue }
            var shorter = operands
            shorter[index] = source
            if try Self.broadcast(shorter.map(\.dimensions)) == dimensions { return shorter }
        }
        return operands
    }
}
