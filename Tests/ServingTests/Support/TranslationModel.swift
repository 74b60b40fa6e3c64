import Engine
import Logging
import Models
import Zoo

/// Small encoder–decoders with synthetic weights, in folders as the registry reads them.
///
/// They are those of the fixture of `EncoderDecoderTests`: 23 tokens to 19, of which 1 is the start and 16 the end.
enum TranslationModel {
    static let tokens = """
        {"architecture": "encoder_decoder", "task": "sequence-to-sequence", "options": {OPTIONS},
         "input": {"kind": "tokens", "size": 23, "max_length": 20},
         "output": {"kind": "tokens", "size": 19, "start": 1, "end": 16, "max_length": 12}}
        """

    static let words = """
        {"architecture": "encoder_decoder", "task": "sequence-to-sequence", "options": {OPTIONS},
         "input": {"kind": "text", "tokenizer": "words", "vocabulary": "source.txt", "lowercase": true,
                   "end": "<eos>", "max_length": 20},
         "output": {"kind": "text", "tokenizer": "words", "vocabulary": "target.txt", "start": "<sos>", "end": "<eos>",
                    "max_length": 12}}
        """

    static let source = ["<sos>", "<eos>"] + (2..<23).map { "s\($0)" }
    static let target = (0..<19).map { [1: "<sos>", 2: ".", 16: "<eos>"][$0] ?? "t\($0)" }

    /// Writes a model's folder.
    static func write(
        _ name: String,
        to folder: TemporaryFolder,
        manifest: String = tokens,
        cell: String = "gru",
        attention: String = "none",
        layers: Int = 1,
        variant: String = ""
    ) throws {
        let isRectified = attention == "none" && layers == 1 && variant.isEmpty
        let options = #""relu": \#(isRectified)"#
        try folder.write(manifest.replacing("OPTIONS", with: options), to: "\(name)/model.json")
        try folder.write(source.joined(separator: "\n"), to: "\(name)/source.txt")
        try folder.write(target.joined(separator: "\n"), to: "\(name)/target.txt")
        try folder.write("<unk>\nx\nxd", to: "\(name)/shapes.txt")
        let configuration = ArchitectureConfiguration(
            classes: 19,
            options: [
                "cell": .string(cell), "attention": .string(attention), "layers": .number(Double(layers)),
                "hidden": .number(24), "embedding": .number(10),
                "bidirectional": .bool(variant.contains("both")),
                "input_feeding": .bool(variant.contains("fed")),
            ],
            sequenceInput: .tokens(23)
        )
        let architecture = try Architecture.named("encoder_decoder")
        let decoder = try architecture.decoderGraph(configuration)?.parameters ?? []
        let tensors = try (architecture.graph(configuration).parameters + decoder).map { parameter in
            (
                name: parameter.name,
                tensor: SyntheticWeights.tensor(parameter.name, parameter.shape, seed: 7, gain: 3)
            )
        }
        try Safetensors.write(tensors, to: "\(folder.path)/\(name)/model.safetensors")
    }

    /// A registry of the folder's models.
    static func registry(of folder: TemporaryFolder) throws -> Registry {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: folder.path, logger: logger)
        try registry.load()
        return registry
    }
}
