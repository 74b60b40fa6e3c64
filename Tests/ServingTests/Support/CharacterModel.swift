import Engine
import Logging
import Models

/// A small LSTM with synthetic weights that generates text, in a folder as the registry reads it.
enum CharacterModel {
    static let vocabulary = ["<unk>", "a", "b", "c", "d", "e", " ", ".", "\n", "é"]

    static let manifest = """
        {"architecture": "lstm", "task": "text-generation", "input": {"kind": "text", "tokenizer": "characters",
         "vocabulary": "vocab.txt", "unknown": "<unk>", "max_length": 64}}
        """

    static let byteManifest = """
        {"architecture": "lstm", "task": "text-generation",
         "input": {"kind": "text", "tokenizer": "bytes", "start": "\\n"}}
        """

    /// The tensors' shapes for a number of tokens.
    static func shapes(tokens: Int, layers: Int = 2, isBidirectional: Bool = false) -> [String: Shape] {
        let (hidden, features) = (12, 8)
        let directions = isBidirectional ? 2 : 1
        var shapes: [String: Shape] = [
            "embedding.weight": [tokens, features], "head.weight": [tokens, hidden * directions],
            "head.bias": [tokens],
        ]
        for layer in 0..<layers {
            for direction in ["", "_reverse"].prefix(directions) {
                let inputs = layer == 0 ? features : hidden * directions
                shapes["rnn.weight_ih_l\(layer)\(direction)"] = [4 * hidden, inputs]
                shapes["rnn.weight_hh_l\(layer)\(direction)"] = [4 * hidden, hidden]
                shapes["rnn.bias_ih_l\(layer)\(direction)"] = [4 * hidden]
                shapes["rnn.bias_hh_l\(layer)\(direction)"] = [4 * hidden]
            }
        }
        return shapes
    }

    /// Writes a model's folder; the weights are larger than trained ones, so that logits differ clearly.
    static func write(
        _ name: String,
        to folder: TemporaryFolder,
        manifest: String = manifest,
        shapes: [String: Shape] = shapes(tokens: vocabulary.count)
    ) throws {
        try folder.write(manifest, to: "\(name)/model.json")
        let lines = vocabulary.map { $0 == "\n" ? "\\n" : $0 }
        try folder.write(lines.joined(separator: "\n"), to: "\(name)/vocab.txt")
        let tensors = shapes.sorted { $0.key < $1.key }.map { tensor, shape in
            (name: tensor, tensor: SyntheticWeights.tensor(tensor, shape, seed: 1, gain: 3))
        }
        try Safetensors.write(tensors, to: "\(folder.path)/\(name)/model.safetensors")
    }

    /// A registry of the models `letters` and `bytes`.
    static func registry(in folder: TemporaryFolder) throws -> Registry {
        try write("letters", to: folder)
        try write("bytes", to: folder, manifest: byteManifest, shapes: shapes(tokens: 256))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: folder.path, logger: logger)
        try registry.load()
        return registry
    }
}
