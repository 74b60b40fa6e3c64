internal import ArgumentParser
internal import Engine
internal import Inference
internal import Models
internal import Support

/// `martlet golden MODEL`: writes what a model answers now, so that a later version of its files is held to it.
struct GoldenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "golden",
        abstract: "Write golden.safetensors: inputs, and what the model answers to them.",
        discussion: """
            The file goes beside the weights, or to --output. A version whose folder has one is only served, and shown as \
            ready, if it answers the same to within the tensor 'tolerance' (0.001 of its largest number).
            """
    )

    @Argument(help: "The model's name.", completion: .models)
    var modelName: String

    @Option(
        name: .customLong("input"),
        help: "A safetensors file whose tensor 'input' is used; else inputs are made up.",
        completion: .file(extensions: ["safetensors"])
    )
    var inputPath: String?

    @Option(
        name: .customLong("output"),
        help: "The file to write; by default in the folder of the model's version.",
        completion: .file(extensions: ["safetensors"])
    )
    var outputPath: String?

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func run() throws {
        let model = try models.model(modelName)
        let input = try inputPath.map { try Safetensors(path: $0).tensor("input") }
        let path = try outputPath ?? "\(Registry.path(of: model, in: models.path()))/\(Golden.fileName)"
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        let tensors = try engine.wait { () async throws in
            try await Golden.tensors(of: model, input: input) { network, items throws(ServingError) in
                try await engine.scheduler.infer(network, items: items).outputs
            }
        }
        try output.write(tensors, to: path)
    }
}
