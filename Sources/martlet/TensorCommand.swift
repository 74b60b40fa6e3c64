internal import ArgumentParser
internal import Engine
internal import Imaging
internal import Models
internal import Platform
internal import Support

/// `martlet tensor IMAGE`: writes exactly what a network would see of an image.
struct TensorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tensor",
        abstract: "Write the network's input for an image: crops × channels × height × width, as 'input'."
    )

    @Argument(help: "A JPEG or PNG file.", completion: .file())
    var image: String

    @Option(
        name: .customLong("model"),
        help: "The model whose preprocessing is applied.",
        completion: .models
    )
    var modelName: String

    @OptionGroup var crops: CropsOption

    @Option(
        name: .customLong("output"),
        help: "The safetensors file to write.",
        completion: .file(extensions: ["safetensors"])
    )
    var path: String

    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func run() throws {
        let model = try models.model(modelName)
        guard case .image(let preprocessing) = model.input else {
            throw CommandError(
                "model '\(modelName)' takes sequences; only image models have a tensor of an image"
            )
        }
        let bytes = try FileContents.read(image, maxBytes: 1 << 30)
        let decoded = try ImageDecoder.decode(bytes[...], color: preprocessing.color, limits: ImageLimits())
        let prepared = try preprocessing.prepare(decoded.image, crops: crops.mode, scales: crops.scales)
        let first = prepared[0]
        guard prepared.allSatisfy({ $0.height == first.height && $0.width == first.width }) else {
            throw CommandError("the whole image at several scales is not one tensor; name one with --scales")
        }
        let shape: Shape = [prepared.count, first.channels, first.height, first.width]
        try Safetensors.write([("input", Tensor(shape: shape, values: prepared.flatMap(\.values)))], to: path)
        output.print(
            json: .object(["output": .string(path), "shape": .array(shape.dimensions.map(JSONValue.integer))]
            ),
            text: "\(path): input \(shape)"
        )
    }
}
