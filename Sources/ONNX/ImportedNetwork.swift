package import Engine
internal import Platform

/// A network of an ONNX file, as a graph of the engine with its numbers.
///
/// One item of the graph is one run of the network with a batch of one; items of a batch do not know of each other. A first
/// dimension that the file leaves open, or that is 1, is that batch. Where there are several inputs, an item holds them one
/// behind the other.
package struct ImportedNetwork: Sendable {
    package let graph: Graph
    /// In the order of the graph's parameters.
    package let tensors: [Tensor]
    package let inputs: [Port]
    package let outputs: [Port]
    package let nodes: [NodeReport]
    /// Whether some of its numbers lie in files beside it.
    package let hasExternalData: Bool

    /// The largest file that is read.
    package static let maxFileBytes = 2 << 30

    /// Reads a file, and what lies beside it.
    ///
    /// - Throws: `ONNXError`.
    package init(path: String, options: Options = Options()) throws(ONNXError) {
        let bytes = try Self.contents(of: path)
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try self.init(parsing: bytes, folder: folder, options: options)
    }

    /// The bytes of a file.
    ///
    /// - Throws: `ONNXError`.
    package static func contents(of path: String) throws(ONNXError) -> [UInt8] {
        do {
            return try FileContents.read(path, maxBytes: maxFileBytes)
        } catch {
            throw .unreadable("\(error)")
        }
    }

    /// Reads the bytes of a file.
    ///
    /// - Parameters:
    ///   - bytes: of the file.
    ///   - folder: where external data lies; nil where there must be none.
    ///   - options: what the file does not say.
    /// - Throws: `ONNXError`.
    package init(parsing bytes: [UInt8], folder: String?, options: Options = Options()) throws(ONNXError) {
        let model = try ModelProto(parsing: bytes)
        guard let file = model.graph else { throw .malformed("the file holds no graph") }
        guard let opset = model.opsets[""] ?? model.opsets.values.first, opset > 0 else {
            throw .malformed("the file says no version of ai.onnx's operators")
        }
        let inputPorts = try Self.inputPorts(file, options)
        let inputShape = Self.itemShape(inputPorts)
        let builder = GraphBuilder(
            inputShape: inputShape,
            budget: Budget(options.mostNumbers),
            mostNumbers: options.mostOfAnArray,
            folder: folder
        )
        var importer = Importer(builder, functions: model.functions, opset: opset)
        try Self.define(inputPorts, file, options, &importer)
        try importer.run(file)
        guard importer.problems.isEmpty else { throw .unsupported(importer.problems) }
        var outputs: [(port: Port, value: RunValue)] = []
        var nothing: [(place: Int, port: Port)] = []
        var counts: [(name: String, value: Graph.Value)] = []
        guard !file.outputs.isEmpty else { throw .malformed("the graph has no output") }
        for output in file.outputs {
            guard let known = try importer.result(output.name) else {
                throw .malformed("output '\(output.name)' cannot be made")
            }
            var port = Port(name: output.name, dimensions: known.dimensions, type: known.type)
            guard known.count > 0 else {
                nothing.append((outputs.count + nothing.count, port))
                continue
            }
            do throws(NodeFault) {
                if let varying = known.varying {
                    port.varying = (varying.axis, "\(output.name).count")
                    counts.append(("\(output.name).count", varying.count))
                }
                outputs.append((port, try builder.materialized(known)))
            } catch {
                throw .malformed("output '\(output.name)': \(error.sentence)")
            }
        }
        if options.isClassifier {
            outputs = try Self.classifierOutputs(outputs, builder)
        }
        var wanted = outputs.map { (name: $0.port.name, value: $0.value.value) } + counts
        if wanted.isEmpty { wanted.append(("nothing", .input)) }
        do throws(NodeFault) {
            let finished = try builder.finished(outputs: wanted)
            graph = finished.graph
            tensors = finished.tensors
            nodes = finished.reports.map { NodeReport($0) }
        } catch {
            throw .malformed(error.sentence)
        }
        inputs = inputPorts
        hasExternalData = builder.hasExternalData
        var ports = outputs.map(\.port)
        for (place, port) in nothing { ports.insert(port, at: place) }
        self.outputs = ports
    }

    /// What goes into the network of a file.
    ///
    /// - Throws: `ONNXError`, also where nothing does.
    package static func inputs(parsing bytes: [UInt8], options: Options = Options()) throws(ONNXError)
        -> [Port]
    {
        guard let file = try ModelProto(parsing: bytes).graph else {
            throw .malformed("the file holds no graph")
        }
        let ports = try inputPorts(file, options)
        guard !ports.isEmpty else { throw .malformed("the graph has no input") }
        return ports
    }

    /// The numbers of one item.
    package func weights(memory: WeightMemory = .fast, tuning: Tuning = .off) -> Weights {
        Weights(tensors, for: graph, memory: memory, tuning: tuning)
    }
}

extension ImportedNetwork {
    /// The inputs that are no constants, with extents for all that the file leaves open.
    private static func inputPorts(_ file: GraphProto, _ options: Options) throws(ONNXError) -> [Port] {
        let constants = Set(file.initializers.map(\.name)).union(options.constants.keys)
        var ports: [Port] = []
        var names: Set<String> = []
        for input in file.inputs where !constants.contains(input.name) {
            guard let type = DataType(rawValue: Int(clamping: input.type)) else {
                throw .malformed("input '\(input.name)': ONNX's type \(input.type) is not supported")
            }
            guard names.insert(input.name).inserted else {
                throw .malformed("two inputs are '\(input.name)'")
            }
            let extents = try extents(input, options)
            guard let count = extents.count(upTo: options.mostOfAnArray) else {
                throw .tooLarge("input '\(input.name)': an array of \(extents) is too large")
            }
            guard count > 0 else { continue } // known: there is nothing in it
            ports.append(Port(name: input.name, dimensions: extents, type: type))
        }
        return ports
    }

    private static func extents(_ input: ValueInfo, _ options: Options) throws(ONNXError) -> [Int] {
        guard let dimensions = input.dimensions else {
            throw .malformed("input '\(input.name)': its rank is not known")
        }
        var extents: [Int] = []
        for (axis, dimension) in dimensions.enumerated() {
            var options = options
            if dimensions.count == 4, axis > 1, let size = options.imageSize, !dimension.isKnown {
                options.dimensions["\(input.name):\(axis)"] = axis == 2 ? size.height : size.width
            }
            extents.append(try extent(dimension, axis, input.name, options))
        }
        return extents
    }

    /// The extents of an input that the file says has nothing in it; nil for all others.
    private static func nothing(_ input: ValueInfo, _ options: Options) throws(ONNXError) -> [Int]? {
        guard let dimensions = input.dimensions, dimensions.contains(.size(0)) else { return nil }
        return try extents(input, options)
    }

    private static func extent(
        _ dimension: ValueInfo.Dimension,
        _ axis: Int,
        _ input: String,
        _ options: Options
    ) throws(ONNXError) -> Int {
        let place = "\(input):\(axis)"
        if let given = options.dimensions[place] { return given }
        switch dimension {
        case .size(let size) where size >= 0: return Int(clamping: size)
        case .size(let size) where size < -1:
            throw .malformed("input '\(input)': dimension \(axis) is \(size)")
        case .named(let name):
            if let given = options.dimensions[name] { return given }
            guard axis > 0 else { return 1 }
            throw .malformed("input '\(input)': dimension \(axis) is open; give \"shape\": {\"\(name)\": …}")
        default:
            guard axis > 0 else { return 1 }
            throw .malformed("input '\(input)': dimension \(axis) is open; give \"shape\": {\"\(place)\": …}")
        }
    }

    /// The shape of an item: that of the only input, or a row of all.
    private static func itemShape(_ ports: [Port]) -> Shape {
        guard ports.count == 1 else {
            return [max(1, ports.reduce(0) { $0 + $1.dimensions.reduce(1, *) })]
        }
        return GraphBuilder.shape(ports[0].dimensions)
    }

    /// Tells the importer what its inputs are.
    private static func define(
        _ ports: [Port],
        _ file: GraphProto,
        _ options: Options,
        _ importer: inout Importer
    ) throws(ONNXError) {
        for input in file.inputs {
            let type = DataType(rawValue: Int(clamping: input.type)) ?? .float
            let given = options.constants[input.name]
            if given == nil, let empty = try nothing(input, options) {
                importer.define(input.name, .constant(Constant(empty, type, rounding: [])))
            }
            guard let tensor = given else { continue }
            let constant = Constant(tensor.shape.dimensions, type, rounding: tensor.values)
            importer.define(input.name, .constant(constant))
        }
        var start = 0
        for port in ports {
            let count = port.dimensions.reduce(1, *)
            guard ports.count > 1 else {
                importer.define(
                    port.name,
                    .value(RunValue(value: .input, dimensions: port.dimensions, type: port.type))
                )
                return
            }
            let part = Rearrangement(tables: [(start..<start + count).map { Int32($0) }])
            let shape = GraphBuilder.shape(port.dimensions)
            let total = importer.builder.graph.inputShape.elementCount
            let op = Rearrange(part, .value(count: total), kind: "input", shape: shape)
            do throws(NodeFault) {
                importer.builder.begin(port.name, "input")
                let value = try importer.builder.append(op, [.input], [])[0]
                importer.define(
                    port.name,
                    .value(RunValue(value: value, dimensions: port.dimensions, type: port.type))
                )
            } catch {
                throw .malformed("input '\(port.name)': \(error.sentence)")
            }
            start += count
        }
    }

    /// The outputs of a classifier: what a last softmax reads, and what it gives.
    private static func classifierOutputs(
        _ outputs: [(port: Port, value: RunValue)],
        _ builder: GraphBuilder
    ) throws(ONNXError) -> [(port: Port, value: RunValue)] {
        guard let (port, value) = outputs.first else { return outputs }
        let count = port.dimensions.reduce(1, *)
        func output(_ name: String, _ value: Graph.Value) -> (port: Port, value: RunValue) {
            let dimensions = [1, count]
            return (
                Port(name: name, dimensions: dimensions, type: port.type),
                RunValue(value: value, dimensions: dimensions, type: port.type)
            )
        }
        do throws(NodeFault) {
            if let origin = builder.origins[value.value], origin.op is Softmax,
                let logits = origin.inputs.first
            {
                return [output("logits", logits), output("probabilities", value.value)]
            }
            builder.begin("probabilities", "softmax")
            let row = try builder.view(value, as: [count])
            let probabilities = try builder.append(Softmax(), [row], [])[0]
            return [output("logits", row), output("probabilities", probabilities)]
        } catch {
            throw .malformed("output '\(port.name)': \(error.sentence)")
        }
    }
}
