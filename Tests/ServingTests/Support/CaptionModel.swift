import Engine
import Zoo

/// Small captioners with synthetic weights, in folders as the registry reads them: `resnet20` and 19 words, of which 1 is
/// the start and 16 the end.
enum CaptionModel {
    static let manifest = """
        {"architecture": "ARCHITECTURE", "task": "image-captioning", "options": {"extractor": "resnet20"},
         "preprocessing": {"resize": [32, 32], "mean": [0.5, 0.5, 0.5], "std": [0.1, 0.1, 0.1]},
         "output": {"kind": "text", "tokenizer": "words", "vocabulary": "vocab.txt", "start": "<start>", "end": "<end>",
                    "max_length": 12}}
        """

    static let vocabulary = (0..<19).map { [1: "<start>", 16: "<end>"][$0] ?? "w\($0)" }

    /// Writes a model's folder.
    static func write(
        _ name: String,
        to folder: TemporaryFolder,
        manifest: String = manifest,
        architecture: String = "show_attend_tell"
    ) throws {
        try folder.write(manifest.replacing("ARCHITECTURE", with: architecture), to: "\(name)/model.json")
        try folder.write(vocabulary.joined(separator: "\n"), to: "\(name)/vocab.txt")
        let configuration = ArchitectureConfiguration(
            classes: 19,
            options: [
                "extractor": .string("resnet20"), "hidden": .number(24), "embedding": .number(10),
            ]
        )
        let network = try Architecture.named(architecture)
        let decoder = try network.decoderGraph(configuration)?.parameters ?? []
        var tensors: [String: Tensor] = [:]
        for parameter in try network.graph(configuration).parameters + decoder {
            let gain = parameter.name.hasPrefix("cnn.") ? 1.0 : 3
            tensors[parameter.name] = SyntheticWeights.tensor(
                parameter.name,
                parameter.shape,
                seed: 7,
                gain: gain
            )
        }
        try Safetensors.write(
            tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) },
            to: "\(folder.path)/\(name)/model.safetensors"
        )
    }
}
