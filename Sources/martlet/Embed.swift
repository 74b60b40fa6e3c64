internal import ArgumentParser
internal import Engine
internal import Models
internal import Support
internal import Tasks

/// `martlet embed FOLDER`: the features of every image of a folder, in one file.
struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the features of the images of a folder to a safetensors file.",
        discussion: """
            The file has the tensor 'features', a row for each image, and in its metadata 'names', a JSON array with the \
            images' names in the order of the rows. What is no image is passed over and told.
            """
    )

    @Argument(help: "The folder of images; those below it count too.")
    var folder: String

    @Option(name: .customLong("model"), help: "The model.")
    var modelName: String

    @Option(help: "The value of the network by name; default what its last layer takes.")
    var layer: String?

    @Option(name: .customLong("output"), help: "The safetensors file to write.")
    var path: String

    @OptionGroup var threads: ThreadsOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func run() throws {
        let model = try models.model(modelName)
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        let layer = try FeatureExtraction.Layer(layer, of: model)
        let found = try FolderFeatures(folder, layer, of: model, on: engine)
        let shape = Shape([found.names.count] + found.features[0].shape.dimensions)
        try Safetensors.write(
            [("features", Tensor(shape: shape, values: found.features.flatMap(\.values)))],
            metadata: [
                "names": JSONValue.strings(found.names).text, "model": model.name, "version": model.version,
                "layer": layer.name ?? "",
            ],
            to: path
        )
        output.print(
            json: .object([
                "output": .string(path), "images": .integer(found.names.count),
                "shape": .array(shape.dimensions.map(JSONValue.integer)), "skipped": found.skippedJSON,
            ]),
            text: "\(path): \(found.summary), features \(shape)"
        )
    }
}
