import Engine

/// Writes ONNX files for tests: just the fields that these need.
struct ModelWriter {
    /// One of a node's attributes.
    enum Attribute {
        indirect case graph(ModelWriter)
        case ints([Int])
        case int(Int)
        case float(Float)
        case text(String)
    }

    private var nodes: [[UInt8]] = []
    private var initializers: [[UInt8]] = []
    private var inputs: [[UInt8]] = []
    private var outputs: [[UInt8]] = []

    mutating func node(
        _ op: String,
        _ inputs: [String],
        _ outputs: [String],
        _ attributes: [String: Attribute] = [:]
    ) {
        var bytes = inputs.flatMap { Self.text(1, $0) } + outputs.flatMap { Self.text(2, $0) }
        bytes += Self.text(4, op)
        for (name, attribute) in attributes {
            var own = Self.text(1, name)
            switch attribute {
            case .graph(let graph): own += Self.message(6, graph.graph) + Self.number(20, 5)
            case .ints(let list): own += list.flatMap { Self.number(8, $0) } + Self.number(20, 7)
            case .int(let number): own += Self.number(3, number) + Self.number(20, 2)
            case .float(let number): own += Self.float(2, number) + Self.number(20, 1)
            case .text(let text): own += Self.text(4, text) + Self.number(20, 3)
            }
            bytes += Self.message(5, own)
        }
        nodes.append(bytes)
    }

    mutating func initializer(_ name: String, _ dimensions: [Int], _ values: [Float]) {
        let raw = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
        initializers.append(
            dimensions.flatMap { Self.number(1, $0) } + Self.number(2, 1) + Self.text(8, name)
                + Self.message(9, raw)
        )
    }

    /// An initializer of 64-bit integers.
    mutating func initializer(_ name: String, integers: [Int]) {
        initializers.append(
            Self.number(1, integers.count) + Self.number(2, 7) + Self.text(8, name)
                + integers.flatMap { Self.number(7, $0) }
        )
    }

    /// An initializer whose numbers lie in another file.
    mutating func initializer(_ name: String, _ dimensions: [Int], external: [String: String]) {
        let entries = external.flatMap { Self.message(13, Self.text(1, $0.key) + Self.text(2, $0.value)) }
        initializers.append(
            dimensions.flatMap { Self.number(1, $0) } + Self.number(2, 1) + Self.text(8, name) + entries
                + Self.number(14, 1)
        )
    }

    mutating func input(_ name: String, _ dimensions: [Int]) { inputs.append(Self.value(name, dimensions)) }

    /// An input with open extents, which have names or nil, or of another type.
    mutating func input(_ name: String, open dimensions: [String?], type: Int = 1) {
        let shape = dimensions.flatMap { name in Self.message(1, name.map { Self.text(2, $0) } ?? []) }
        let tensor = Self.number(1, type) + Self.message(2, shape)
        inputs.append(Self.text(1, name) + Self.message(2, Self.message(1, tensor)))
    }

    mutating func output(_ name: String) { outputs.append(Self.text(1, name)) }

    /// The file.
    func bytes(opset: Int = 17) -> [UInt8] {
        Self.number(1, 8) + Self.message(7, graph) + Self.message(8, Self.number(2, opset))
    }

    private var graph: [UInt8] {
        nodes.flatMap { Self.message(1, $0) } + initializers.flatMap { Self.message(5, $0) }
            + inputs.flatMap { Self.message(11, $0) } + outputs.flatMap { Self.message(12, $0) }
    }

    private static func value(_ name: String, _ dimensions: [Int]) -> [UInt8] {
        let shape = dimensions.flatMap { message(1, number(1, $0)) }
        return text(1, name) + message(2, message(1, number(1, 1) + message(2, shape)))
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func number(_ field: Int, _ value: Int) -> [UInt8] {
        varint(UInt64(field << 3)) + varint(UInt64(bitPattern: Int64(value)))
    }

    private static func float(_ field: Int, _ value: Float) -> [UInt8] {
        varint(UInt64(field << 3 | 5))
            + (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
    }

    private static func message(_ field: Int, _ bytes: [UInt8]) -> [UInt8] {
        varint(UInt64(field << 3 | 2)) + varint(UInt64(bytes.count)) + bytes
    }

    private static func text(_ field: Int, _ value: String) -> [UInt8] { message(field, Array(value.utf8)) }
}

extension ModelWriter {
    /// The file that an exporter would write of a network of the zoo, with made up numbers.
    init(_ graph: Graph, seed: UInt64) {
        self.init()
        let image = graph.inputShape.dimensions
        input("input", [1] + image)
        for (index, node) in graph.nodes.enumerated() {
            let inputs = node.inputs.map(Self.name)
            let weights = node.op.parameters.map { "\(node.name).\($0.name)" }
            for (name, parameter) in zip(weights, node.op.parameters) {
                let values = SyntheticWeights.tensor(name, parameter.shape, seed: seed, gain: 1).values
                initializer(name, parameter.shape.dimensions, values)
            }
            write(node.op, inputs, weights, "v\(index)", of: graph.shape(of: node.inputs[0]))
        }
        for output in graph.outputs { self.output(Self.name(output.value)) }
    }

    static func name(_ value: Graph.Value) -> String {
        switch value {
        case .input: "input"
        case .node(let index, _): "v\(index)"
        }
    }

    private mutating func write(
        _ op: any Op,
        _ inputs: [String],
        _ weights: [String],
        _ output: String,
        of shape: Shape
    ) {
        func attributes(_ window: Window) -> [String: Attribute] {
            [
                "kernel_shape": .ints([window.kernel.height, window.kernel.width]),
                "strides": .ints([window.strides.height, window.strides.width]),
                "pads": .ints([window.pads.top, window.pads.left, window.pads.bottom, window.pads.right]),
            ]
        }
        switch op {
        case let conv as Conv:
            node(
                "Conv",
                inputs + weights,
                [output],
                attributes(conv.window).merging(["group": .int(conv.groups)]) { $1 }
            )
        case let norm as BatchNorm:
            node("BatchNormalization", inputs + weights, [output], ["epsilon": .float(norm.epsilon)])
        case Activation.relu: node("Relu", inputs, [output])
        case Activation.sigmoid: node("Sigmoid", inputs, [output])
        case Activation.hardSwish: node("HardSwish", inputs, [output])
        case Activation.hardSigmoid:
            node("HardSigmoid", inputs, [output], ["alpha": .float(1 / 6), "beta": .float(0.5)])
        case Activation.silu:
            node("Sigmoid", inputs, ["\(output).sigmoid"])
            node("Mul", inputs + ["\(output).sigmoid"], [output])
        case is ChannelGate: node("Mul", inputs, [output])
        case let choice as SelectChannels: write(choice, inputs, output, of: shape)
        case let pool as Pool where pool.kind == .max:
            node(
                "MaxPool",
                inputs,
                [output],
                attributes(pool.window).merging(["ceil_mode": .int(pool.window.roundsUp ? 1 : 0)]) { $1 }
            )
        case let pool as Pool:
            let counts = pool.kind == .average ? 1 : 0
            node(
                "AveragePool",
                inputs,
                [output],
                attributes(pool.window).merging(["count_include_pad": .int(counts)]) { $1 }
            )
        case is AdaptiveAveragePool: node("GlobalAveragePool", inputs, [output])
        case is Add: node("Add", inputs, [output])
        case is Concat: node("Concat", inputs, [output], ["axis": .int(1)])
        case is Flatten: node("Flatten", inputs, [output])
        case let norm as LocalResponseNorm:
            // The file has α times the size; the one that gives α back.
            let product = norm.alpha * Float(norm.size)
            let alpha = [product, product.nextUp, product.nextDown].first {
                $0 / Float(norm.size) == norm.alpha
            }
            node(
                "LRN",
                inputs,
                [output],
                [
                    "size": .int(norm.size), "alpha": .float(alpha ?? product),
                    "beta": .float(norm.beta), "bias": .float(norm.k),
                ]
            )
        case is Linear: node("Gemm", inputs + weights, [output], ["transB": .int(1)])
        case is Softmax: node("Softmax", inputs, [output], ["axis": .int(-1)])
        default: node("NoSuchOp", inputs, [output])
        }
    }

    /// Neighbouring channels, or two halves that alternate.
    private mutating func write(
        _ choice: SelectChannels,
        _ inputs: [String],
        _ output: String,
        of shape: Shape
    ) {
        let (first, count) = (choice.channels[0], choice.channels.count)
        func integers(_ name: String, _ values: [Int]) -> String {
            initializer("\(output).\(name)", integers: values)
            return "\(output).\(name)"
        }
        if choice.channels == Array(first..<first + count) {
            let bounds = [
                integers("starts", [first]), integers("ends", [first + count]), integers("axes", [1]),
            ]
            node("Slice", inputs + bounds, [output])
            return
        }
        let image = shape.dimensions
        node(
            "Reshape",
            [inputs[0], integers("split", [1, 2, count / 2] + image[1...])],
            ["\(output).split5"]
        )
        node("Transpose", ["\(output).split5"], ["\(output).turned"], ["perm": .ints([0, 2, 1, 3, 4])])
        node("Reshape", ["\(output).turned", integers("joined", [1] + image)], [output])
    }
}
