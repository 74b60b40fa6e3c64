package import Engine

/// Turns a network's table into a graph: the one switch over the kinds of layers.
package struct Lowering {
    var graph: Graph
    /// How many parameter-free layers of each kind there are, by prefix and kind.
    private var counts: [String: Int] = [:]
    /// The values that tables refer to, by their marks.
    private(set) var marks: [String: Graph.Value] = [:]

    /// What tables hand out beside their last value.
    var others: [(name: String, value: Graph.Value)] = []

    private init(behind graph: Graph) {
        self.graph = graph.withOutputs([])
    }

    /// The graph of `layers`, with the outputs `logits` and, when the table ends in a softmax, `probabilities`; where it looks
    /// at a memory also `attention`, the weight of each of its rows, and what it calls an output.
    ///
    /// - Parameters:
    ///   - layers: from the input on.
    ///   - others: further outputs by name, each the end of a table that begins at the input too.
    ///   - inputShape: of an item.
    /// - Returns: the graph; the further outputs come first.
    /// - Throws: `ShapeError` with the layer's name when a layer does not fit the one before.
    package static func graph(
        of layers: [Layer],
        beside others: [(name: String, layers: [Layer])] = [],
        inputShape: Shape
    ) throws(ShapeError) -> Graph {
        try graph(of: layers, beside: others, behind: Graph(inputShape: inputShape))
    }

    /// The graph of another network with `layers` behind its first output; without one, behind its input.
    ///
    /// - Throws: `ShapeError` with the layer's name when a layer does not fit the one before.
    package static func graph(
        of layers: [Layer],
        beside others: [(name: String, layers: [Layer])] = [],
        behind graph: Graph
    ) throws(ShapeError) -> Graph {
        var lowering = Lowering(behind: graph)
        let input = graph.outputs.first?.value ?? .input
        for (name, layers) in others {
            let value = try lowering.lower(layers, from: input, prefix: "")
            lowering.graph.setOutput(name, to: value)
        }
        var layers = layers[...]
        var endsInSoftmax = false
        if case .softmax? = layers.last {
            layers = layers.dropLast()
            endsInSoftmax = true
        }
        let logits = try lowering.lower(Array(layers), from: input, prefix: "")
        lowering.graph.setOutput("logits", to: logits)
        if endsInSoftmax {
            let probabilities = try lowering.lower(.softmax, from: logits, prefix: "")
            lowering.graph.setOutput("probabilities", to: probabilities)
        }
        for (name, value) in lowering.others { lowering.graph.setOutput(name, to: value) }
        return lowering.graph
    }

    private mutating func lower(
        _ layers: [Layer],
        from input: Graph.Value,
        prefix: String
    ) throws(ShapeError) -> Graph.Value {
        var value = input
        for layer in layers { value = try lower(layer, from: value, prefix: prefix) }
        return value
    }

    private mutating func lower(
        _ layer: Layer,
        from input: Graph.Value,
        prefix: String
    ) throws(ShapeError) -> Graph.Value {
        switch layer {
        case .conv(let name, let filters, let kernel, let stride, let pad, let groups, let bias, let isSame):
            let conv = Conv(
                inputChannels: channels(of: input),
                outputChannels: filters,
                window: Window(kernel: kernel, strides: Extent(stride), pads: Pads(pad)),
                groups: groups,
                hasBias: bias,
                isSame: isSame
            )
            return try graph.add(conv, name: prefix + name, inputs: [input])
        case .pointwise(let name, let filters):
            let conv = Conv(pointwise: channels(of: input), outputChannels: filters)
            return try graph.add(conv, name: prefix + name, inputs: [input])
        case .channelNorm(let name, let epsilon):
            let norm = ChannelNorm(channels: channels(of: input), epsilon: epsilon)
            return try graph.add(norm, name: prefix + name, inputs: [input])
        case .responseNorm(let name):
            let norm = GlobalResponseNorm(channels: channels(of: input))
            return try graph.add(norm, name: prefix + name, inputs: [input])
        case .layerScale(let name, let isImage):
            let scale = LayerScale(name, channels: channels(of: input), isImage: isImage)
            return try graph.add(scale, name: String(prefix.dropLast()), inputs: [input])
        case .channelConv(let name, let kernel):
            return try graph.add(ChannelConv(kernel: kernel), name: prefix + name, inputs: [input])
        case .linear(let name, let outputs, let bias):
            let linear = Linear(inputs: features(of: input), outputs: outputs, hasBias: bias)
            return try graph.add(linear, name: prefix + name, inputs: [input])
        case .batchNorm(let name, let epsilon):
            let norm = BatchNorm(channels: channels(of: input), epsilon: epsilon)
            return try graph.add(norm, name: prefix + name, inputs: [input])
        case .activation(let function):
            return try add(function, kind: function.rawValue, inputs: [input], prefix: prefix)
        case .leakyReLU:
            return try add(LeakyReLU(), kind: "leaky relu", inputs: [input], prefix: prefix)
        case .maxPool(let kernel, let stride, let pad, let roundsUp, let name):
            let window = self.window(kernel, stride, pad, roundsUp)
            return try add(Pool(.max, window: window), name, kind: "pool", inputs: [input], prefix: prefix)
        case .averagePool(let kernel, let stride, let pad, let roundsUp, let countsPadding, let name):
            let window = self.window(kernel, stride, pad, roundsUp)
            let pool = Pool(countsPadding ? .average : .averageInside, window: window)
            return try add(pool, name, kind: "pool", inputs: [input], prefix: prefix)
        case .adaptiveAveragePool(let size):
            let pool = AdaptiveAveragePool(height: size.height, width: size.width)
            return try add(pool, kind: "pool", inputs: [input], prefix: prefix)
        case .localResponseNorm(let size, let alpha, let beta, let k):
            let norm = LocalResponseNorm(size: size, alpha: alpha, beta: beta, k: k)
            return try add(norm, kind: "norm", inputs: [input], prefix: prefix)
        case .flatten:
            return try add(Flatten(), kind: "flatten", inputs: [input], prefix: prefix)
        case .dropout:
            return input
        case .softmax:
            return try add(Softmax(), "softmax", kind: "softmax", inputs: [input], prefix: prefix)
        case .block(let name, let layers):
            return try lower(layers, from: input, prefix: "\(prefix)\(name).")
        case .residual(let layers, let shortcut):
            let main = try lower(layers, from: input, prefix: prefix)
            let side = try lower(shortcut, from: input, prefix: prefix)
            return try add(Add(), kind: "sum", inputs: [main, side], prefix: prefix)
        case .gate(let layers):
            let gate = try lower(layers, from: input, prefix: prefix)
            return try add(ChannelGate(), kind: "gate", inputs: [input, gate], prefix: prefix)
        case .concat(let branches):
            let ends = try branches.map { branch throws(ShapeError) in
                try lower(branch, from: input, prefix: prefix)
            }
            let isSequence = ends.first.map { graph.shape(of: $0).rank == 2 } ?? false
            let join: any Op = isSequence ? ConcatFeatures() : Concat()
            return try add(join, kind: "concat", inputs: ends, prefix: prefix)
        case .mark(let mark):
            marks[mark] = input
            return input
        case .from(let names, let join):
            return try lower(join, of: names, prefix: prefix)
        case .upsample(let factor):
            return try add(Upsample(factor), kind: "upsample", inputs: [input], prefix: prefix)
        case .padShortcut(let channels, let stride):
            let shortcut = PadShortcut(channels: channels, stride: stride)
            return try add(shortcut, kind: "shortcut", inputs: [input], prefix: prefix)
        case .selectChannels(let channels):
            return try add(SelectChannels(channels), kind: "select", inputs: [input], prefix: prefix)
        case .scale(let scales, let shifts):
            let lines = zip(scales, shifts).map { ChannelScale.Line(scale: $0, shift: $1) }
            return try add(ChannelScale(lines), kind: "scale", inputs: [input], prefix: prefix)
        case .subsample(let name):
            let subsampling = Subsampling(channels: channels(of: input))
            return try graph.add(subsampling, name: prefix + name, inputs: [input])
        case .radialBasis(let name, let outputs):
            let units = RadialBasis(inputs: features(of: input), outputs: outputs)
            return try graph.add(units, name: prefix + name, inputs: [input])
        case .embedding(let name, let size, let features, let column):
            let embedding = Embedding(
                size: size,
                features: features,
                column: column,
                columns: graph.shape(of: input).rank == 1 ? 1 : self.features(of: input)
            )
            return try graph.add(embedding, name: prefix + name, inputs: [input])
        case .recurrent(
            let name,
            let cell,
            let hidden,
            let projection,
            let layers,
            let isBidirectional,
            let bias,
            let resetsAfter,
            let nonlinearity,
            let states
        ):
            var value = input
            for layer in 0..<layers {
                let recurrent = Recurrent(
                    cell,
                    inputs: features(of: value),
                    hidden: hidden,
                    projection: projection,
                    layer: layer,
                    isBidirectional: isBidirectional,
                    hasBias: bias,
                    resetsAfter: resetsAfter,
                    nonlinearity: nonlinearity,
                    givesState: states != nil
                )
                let values = try graph.addAll(recurrent, name: prefix + name, inputs: [value])
                value = values[0]
                for (kind, state) in zip(["hidden", "cell"], values.dropFirst()) {
                    if let states { marks["\(states).\(kind)\(layer)"] = state }
                }
            }
            return value
        case .sequencePool(let kind, let isBidirectional):
            let pool = SequencePool(kind, isBidirectional: isBidirectional)
            return try add(pool, kind: "pool", inputs: [input], prefix: prefix)
        case .recall(let recall):
            return try add(recall, kind: "recall", inputs: [input], prefix: prefix)
        case .retain(let count):
            return try add(Retain(count), kind: "retain", inputs: [input], prefix: prefix)
        case .attention(let name, let attention):
            let values = try graph.addAll(attention, name: prefix + name, inputs: [.input, input])
            others.append(("attention", values[1]))
            return values[0]
        case .firstStep(let name, let cell, let hidden, let bias):
            return try firstStep(cell, hidden: hidden, bias: bias, name: prefix + name, of: input)
        case .positions:
            let image = graph.shape(of: input)
            let (channels, height, width) = try requireImage(image, for: "\(prefix)positions")
            let pixels = height * width
            let tables = [(0..<pixels).map(Int32.init), (0..<channels).map { Int32($0 * pixels) }]
            let source = Operands.Source.value(count: image.elementCount)
            let shape: Shape = [pixels, channels]
            let rows = Rearrange(Rearrangement(tables: tables), source, kind: "positions", shape: shape)
            return try add(rows, kind: "positions", inputs: [input], prefix: prefix)
        case .output(let name):
            others.append((name, input))
            return input
        }
    }

    /// Adds an operation without parameters under its name in the table, or its kind and the next number.
    mutating func add(
        _ op: any Op,
        _ name: String? = nil,
        kind: String,
        inputs: [Graph.Value],
        prefix: String
    ) throws(ShapeError) -> Graph.Value {
        let number = counts[prefix + kind, default: 0] + 1
        counts[prefix + kind] = number
        return try graph.add(op, name: prefix + (name ?? "\(kind)\(number)"), inputs: inputs)
    }

    private func window(_ kernel: Extent, _ stride: Int, _ pad: Extent, _ roundsUp: Bool) -> Window {
        Window(kernel: kernel, strides: Extent(stride), pads: Pads(pad), roundsUp: roundsUp)
    }

    private func channels(of value: Graph.Value) -> Int { graph.shape(of: value).dimensions.first ?? 0 }

    private func features(of value: Graph.Value) -> Int { graph.shape(of: value).dimensions.last ?? 0 }
}
