import Engine
import Foundation
import Zoo

/// A LeNet-5 that makes features of frames and a small LSTM that reads them, of synthetic weights, in a folder as the
/// registry reads it.
enum ClipModel {
    static let manifest = """
        {"architecture": "cnn_rnn", "task": "TASK", "labels": ["a", "b", "c", "d", "e"],
         "options": {"extractor": "lenet5"}, "input": {"kind": "frames", "max_length": 12},
         "preprocessing": {"resize": [32, 32], "color": "gray", "mean": [0.5], "std": [0.25]}}
        """

    /// The tensors' shapes.
    static func shapes() throws -> [String: Shape] {
        let architecture = try Architecture.named("cnn_rnn")
        let configuration = ArchitectureConfiguration(
            classes: 5,
            options: ["extractor": .string("lenet5"), "hidden": .number(8)]
        )
        let graphs = [
            try architecture.extractor(configuration)?.graph, try architecture.graph(configuration),
        ]
        let parameters = graphs.compactMap { $0?.parameters }.flatMap(\.self)
        return Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
    }

    /// Writes a model's folder; the weights are larger than trained ones, so that logits differ clearly.
    static func write(
        _ name: String,
        task: String = "token-classification",
        to folder: TemporaryFolder,
        manifest: String = manifest,
        seed: UInt64 = 1,
        shapes: [String: Shape]? = nil
    ) throws {
        try folder.write(manifest.replacing("TASK", with: task), to: "\(name)/model.json")
        let tensors = try (shapes ?? Self.shapes()).sorted { $0.key < $1.key }.map { tensor, shape in
            let seed = tensor.hasPrefix("cnn.") ? seed : 1
            return (name: tensor, tensor: SyntheticWeights.tensor(tensor, shape, seed: seed, gain: 1.5))
        }
        try Safetensors.write(tensors, to: "\(folder.path)/\(name)/model.safetensors")
    }

    /// Five frames that differ, as an instance of `:predict` has them.
    static func frames() throws -> [String] {
        try ["automobile.jpg", "digit-3.png", "digit-7.png", "horse.jpg", "pagoda.jpg"].map { name in
            #"{"b64": "\#(Data(try Repository.example(name)).base64EncodedString())"}"#
        }
    }
}
