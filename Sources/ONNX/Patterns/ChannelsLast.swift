internal import Engine

/// Images whose channels a file puts last, which stay where they are.
///
/// A transposition that moves the channels behind the rows and columns makes no operation: its result is the same value,
/// marked. Nodes that work on the last axis of such an image work on the channels of the value; for all others it is
/// brought into the order of its dimensions first. A transposition back takes the mark away.
extension GraphBuilder {
    /// The operators that know of the mark.
    private static let operatorsOnChannelsLast: Set<String> = [
        "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Shape",
        "ReduceMean",
        "LayerNormalization", "MatMul", "Gemm", "Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Erf", "Clip",
        "Min", "Max",
        "Relu", "Sigmoid", "Tanh", "Gelu", "HardSigmoid", "HardSwish", "Swish", "LeakyRelu", "Elu",
        "Softplus",
    ]

    /// What a node reads, in the order of its dimensions unless the node knows better.
    func arranged(_ inputs: [Known?], for op: String) throws(NodeFault) -> [Known?] {
        guard !Self.operatorsOnChannelsLast.contains(op) else { return inputs }
        return try inputs.map { known throws(NodeFault) in
            try known.map { known throws(NodeFault) in try plain(known) }
        }
    }

    func plain(_ known: Known) throws(NodeFault) -> Known {
        guard case .value(let value) = known else { return known }
        return .value(try plain(value))
    }

    /// A value in the order of its dimensions.
    func plain(_ value: RunValue) throws(NodeFault) -> RunValue {
        guard value.isChannelsLast else { return value }
        let shape = graph.shape(of: value.value)
        let (channels, pixels) = (shape[0], shape.elementCount / shape[0])
        var source = value.value
        if pixels > 1 {
            if let known = transposed[source] {
                source = known
            } else {
                let tables = [(0..<pixels).map { Int32($0) }, (0..<channels).map { Int32($0 * pixels) }]
                let op = Rearrange(
                    Rearrangement(tables: tables),
                    .value(count: shape.elementCount),
                    kind: "transpose",
                    shape: Self.shape(value.dimensions)
                )
                source = try append(op, [value.value], [])[0]
                transposed[value.value] = source
                expressions[source] = (.transposed(value), value.dimensions)
            }
        }
        return RunValue(value: source, dimensions: value.dimensions, type: value.type)
    }

    /// A marked value as an image.
    func image(_ value: RunValue) -> RunValue {
        let dimensions = [1] + graph.shape(of: value.value).dimensions
        return RunValue(value: value.value, dimensions: dimensions, type: value.type)
    }

    /// Whether dimensions are those of an image of so many channels with these last.
    func isChannelsLast(_ dimensions: [Int], channels: Int?) -> Bool {
        dimensions.count >= 3 && dimensions[0] == 1 && dimensions.last == channels
    }

    /// An image with its channels last.
    func marked(_ known: Known, as dimensions: [Int]) -> Known {
        guard case .value(var value) = known else { return known }
        value = RunValue(value: value.value, dimensions: dimensions, type: value.type, isChannelsLast: true)
        return .value(value)
    }

    /// A transposition that needs no operation, or one on whole channels; nil where there is no such.
    func transposition(_ known: Known, _ order: [Int]) throws(NodeFault) -> Known? {
        guard case .value(let value) = known, value.dimensions.first == 1 else { return nil }
        let dimensions = order.map { value.dimensions[$0] }
        let (rank, shape) = (order.count, graph.shape(of: value.value))
        guard rank >= 3, order[0] == 0, shape.rank == 3 else { return nil }
        if value.isChannelsLast {
            guard order == [0, rank - 1] + Array(1..<rank - 1) else { return nil }
            return .value(RunValue(value: value.value, dimensions: dimensions, type: value.type))
        }
        if order == [0] + Array(2..<rank) + [1], shape[0] == value.dimensions[1] {
            return marked(known, as: dimensions)
        }
        // Channels as a matrix that is transposed: a shuffle. Zhang et al. 2018, §3.1.
        let (groups, width) = (value.dimensions[1], value.dimensions[2])
        guard rank > 3, order == [0, 2, 1] + Array(3..<rank), shape[0] == groups * width else { return nil }
        let channels = (0..<shape[0]).map { $0 % groups * width + $0 / groups }
        let shuffled = try append(SelectChannels(channels), [value.value], [])[0]
        return .value(RunValue(value: shuffled, dimensions: dimensions, type: value.type))
    }

    /// A function of such images and of constants along the channels; nil where that is not all.
    func functionOfChannelsLast(
        _ function: Function,
        _ operands: [Known],
        _ dimensions: [Int],
        _ alpha: Float,
        _ beta: Float,
        _ type: DataType
    ) throws(NodeFault) -> Known? {
        var images: [Known] = []
        var shape: Shape?
        for operand in operands {
            guard operand.dimensions.count <= dimensions.count else { return nil }
            switch operand {
            case .value(let value):
                guard value.isChannelsLast, isChannelsLast(dimensions, channels: value.dimensions.last),
                    value.dimensions.count == dimensions.count
                else { return nil }
                if value.dimensions == dimensions { shape = graph.shape(of: value.value) }
                images.append(.value(image(value)))
            case .constant(let constant):
                guard constant.count != 1 else {
                    images.append(.constant(constant.reshaped(to: [])))
                    continue
                }
                guard constant.count == dimensions.last, constant.dimensions.last == constant.count else {
                    return nil
                }
                images.append(.constant(constant.reshaped(to: [1, constant.count, 1, 1])))
            }
        }
        guard let shape else { return nil }
        let result = try elementwise(function, images, alpha: alpha, beta: beta, type: type)
        guard result.dimensions == [1] + shape.dimensions else { return nil }
        return marked(result, as: dimensions)
    }

    /// The product of each pixel's channels and a constant matrix: a convolution with a window of one pixel.
    func pointwise(_ a: Known, _ b: Known, _ dimensions: [Int]) throws(NodeFault) -> Known? {
        guard case .value(let value) = a, value.isChannelsLast, let matrix = b.constant,
            matrix.dimensions.count == 2
        else { return nil }
        let conv = Conv(
            inputChannels: matrix.dimensions[0],
            outputChannels: matrix.dimensions[1],
            window: Window(1),
            hasBias: false
        )
        let weight = try LayoutNodes.transposed(.constant(matrix), [1, 0], self).constant?.tensor()
        guard let weight else { return nil }
        let result = try append(conv, [value.value], [weight])[0]
        let known = Known.value(RunValue(value: result, dimensions: [], type: value.type))
        return marked(known, as: dimensions)
    }
}
