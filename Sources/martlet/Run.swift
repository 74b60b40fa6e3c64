internal import ArgumentParser
internal import Engine
internal import Models
internal import Support

/// `martlet run MODEL` or `martlet run --model MODEL`: from the tensor `input` of one safetensors file to `logits` and `probabilities` in another.
///
/// `martlet run FILE.onnx`: from a tensor for each of its inputs to one for each of its outputs.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a model on the tensor 'input' of a safetensors file.",
        discussion:
            """
            The first dimension is the batch. Writes the tensors 'logits' and 'probabilities'. Of an ONNX file that is \
            named in place of a model, reads and writes the tensors that it names.
            """
    )

    @Argument(help: "The model's name, or an ONNX file, unless --model gives it.", completion: .models)
    var name: String?

    @Option(name: .customLong("model"), help: "The model's name.", completion: .models)
    var modelName: String?

    @Option(
        name: .customLong("input"),
        help: "The safetensors file with the tensor 'input'.",
        completion: .file(extensions: ["safetensors"])
    )
    var inputPath: String

    @Option(
        name: .customLong("output"),
        help: "The safetensors file to write.",
        completion: .file(extensions: ["safetensors"])
    )
    var outputPath: String

    @OptionGroup var shape: ShapeOption
    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func validate() throws {
        guard (name == nil) != (modelName == nil) else {
            let found = name == nil ? "none" : "two"
            throw ValidationError("expected one model, as an argument or with --model, found \(found)")
        }
    }

    func run() throws {
        if (name ?? modelName ?? "").hasSuffix(".onnx") {
            let tensors = try Safetensors(path: inputPath)
            let file = try ONNXFile(name ?? modelName ?? "", shape, for: tensors)
            return try output.write(file.run(tensors, on: WorkerPool(threads: threads.count)), to: outputPath)
        }
        let model = try models.model(name ?? modelName ?? "")
        if case .tensors(let ports) = model.head {
            return try output.write(
                NamedTensors(model, ports).run(Safetensors(path: inputPath), threads: threads.count),
                to: outputPath
            )
        }
        let network = try NamedNetwork(model)
        guard network.decoder == nil else {
            throw CommandError("'\(model.name)' writes sequences step by step; use martlet predict")
        }
        let input = try Safetensors(path: inputPath).tensor("input")
        let results = try network.run(input, on: WorkerPool(threads: threads.count))
        try output.write(results, to: outputPath)
    }
}

extension OutputOption {
    /// Writes tensors to a safetensors file, and says which.
    func write(_ tensors: [(name: String, tensor: Tensor)], to path: String) throws {
        try Safetensors.write(tensors, to: path)
        var json: JSONObject = ["output": .string(path)]
        for (name, tensor) in tensors {
            json.append(name, .array(tensor.shape.dimensions.map(JSONValue.integer)))
        }
        let text = tensors.map { "\($0.name) \($0.tensor.shape)" }.joined(separator: ", ")
        print(json: .object(json), text: "\(path): \(text)")
    }
}

extension NamedNetwork {
    /// Runs the network on a batch of any size and returns each of its outputs.
    ///
    /// - Shape: batch × an item's shape → batch × the output's shape; an item of frames has steps before their shape.
    fileprivate func run(_ input: Tensor, on pool: WorkerPool) throws -> [(name: String, tensor: Tensor)] {
        guard let extractor else { return try main.run(input, on: main.session(pool)) }
        let dimensions = input.shape.dimensions
        guard dimensions.count == 5, dimensions[0] > 0, dimensions[1] > 0 else {
            throw CommandError(
                "input: expected batch×steps×\(extractor.graph.inputShape), found \(input.shape)"
            )
        }
        let frames = input.reshaped(to: Shape([dimensions[0] * dimensions[1]] + dimensions[2...]))
        let features = try extractor.run(frames, on: extractor.session(pool))[0].tensor
        let clips = features.reshaped(to: Shape(dimensions[..<2] + [features.shape[1]]))
        return try main.run(clips, on: main.session(pool))
    }
}

extension NamedNetwork.Part {
    /// The items of a run: enough to keep every thread busy, few enough that the memory stays small.
    private static let maxBatch = 32

    /// Runs the network on a batch of any size and returns each of its outputs.
    ///
    /// - Shape: batch × an item's shape → batch × the output's shape.
    fileprivate func run(_ input: Tensor, on session: Session) throws -> [(name: String, tensor: Tensor)] {
        guard input.shape.rank == graph.inputShape.rank + 1, input.shape[0] > 0 else {
            throw CommandError("input: expected batch×\(graph.inputShape), found \(input.shape)")
        }
        let itemShape = Shape(Array(input.shape.dimensions.dropFirst()))
        if let (value, size) = graph.firstUnknownToken(in: input.values) {
            throw CommandError("input: expected whole numbers from 0 to \(size - 1), found \(value)")
        }
        let itemGraph = try graph.reshaped(to: itemShape)
        var values: [[Float]] = graph.outputs.map { _ in [] }
        let items = input.values
        for first in stride(from: 0, to: input.shape[0], by: Self.maxBatch) {
            let batch = min(Self.maxBatch, input.shape[0] - first)
            try session.prepare(inputShape: itemShape, batch: batch)
            for index in 0..<batch {
                let start = (first + index) * itemShape.elementCount
                session.setInput(index, to: items[start..<start + itemShape.elementCount].span)
            }
            _ = session.run()
            for (output, name) in graph.outputs.map(\.name).enumerated() {
                for index in 0..<batch {
                    session.withOutput(name, item: index) { span in
                        for i in span.indices { values[output].append(span[i]) }
                    }
                }
            }
        }
        return zip(itemGraph.outputs, values).map { output, values in
            let shape = Shape([input.shape[0]] + itemGraph.shape(of: output.value).dimensions)
            return (output.name, Tensor(shape: shape, values: values))
        }
    }
}
