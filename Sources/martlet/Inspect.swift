internal import ArgumentParser
internal import FoundationEssentials
internal import Support
internal import Zoo

/// `martlet inspect NAME`: the layer table of a model in the folder, else of an architecture.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the layers of a model or an architecture.",
        discussion:
            """
            Columns: id, layer, input, structure, output, parameters, compute (multiply-adds of one item). \
            Networks made of modules (Inception, residual, dense, …) have a second table with the subtotals of each.
            """
    )

    @Argument(
        help: "A model of the folder, an architecture such as alexnet_2012, or an ONNX file.",
        completion: .networks
    )
    var name: String

    @Option(help: "Side of the square input image, or HEIGHTxWIDTH, instead of the network's own.")
    var input: ImageSide?

    @OptionGroup var shape: ShapeOption
    @OptionGroup var recurrent: RecurrentOption
    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func run() throws {
        if let file = try ONNXFile(name, shape) { return output.print(json: file.json, text: file.table) }
        let network = try NamedNetwork.find(name, in: models, recurrent, input: input)
        let table = LayerTable(network.parts.map(\.graph))
        print(output.isJSON ? try json(table) : table.text)
    }

    private func json(_ table: LayerTable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(table), as: UTF8.self)
    }
}

/// `448` or `320x480`: height and width of an input image; for sequences the first is the features of a step.
struct ImageSide: ExpressibleByArgument {
    let height: Int
    let width: Int

    init?(argument: String) {
        let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count <= 2, let height = sides[0], let width = sides[sides.count - 1],
            (1...1 << 14).contains(height), (1...1 << 14).contains(width)
        else { return nil }
        self.height = height
        self.width = width
    }
}

/// The sizes of a recurrent architecture that has no weights to read them from.
struct RecurrentOption: ParsableArguments {
    @Option(help: "Hidden units of a recurrent architecture without weights.")
    var hidden = 256

    @Option(help: "Layers of a recurrent architecture without weights.")
    var layers = 1

    func validate() throws {
        guard (1...1 << 16).contains(hidden), (1...64).contains(layers) else {
            throw ValidationError(
                "--hidden must be 1 to 65536 and --layers 1 to 64, found \(hidden) and \(layers)"
            )
        }
    }

    /// The configuration of an architecture without weights: an image's size, or the features of a step.
    func configuration(of architecture: Architecture, input: ImageSide?) -> ArchitectureConfiguration {
        let imageSize = input.map { ($0.height, $0.width) }
        let sizes: [String: OptionValue] = [
            "hidden": .number(Double(hidden)), "layers": .number(Double(layers)),
        ]
        return switch architecture.input {
        case .image: ArchitectureConfiguration(imageSize: imageSize)
        case .frames: ArchitectureConfiguration(options: sizes, imageSize: imageSize)
        case .regions: ArchitectureConfiguration(imageSize: imageSize)
        case .picture:
            ArchitectureConfiguration(options: sizes.filter { $0.key == "hidden" }, imageSize: imageSize)
        case .sequence:
            ArchitectureConfiguration(options: sizes, sequenceInput: .features(input?.height ?? 128))
        }
    }
}
