import Engine
import Foundation
import Models
import Platform
import Support
import Zoo

/// Small models with synthetic weights.
enum TestModels {
    /// A GRU over feature vectors of 3 with 4 hidden units and 5 classes.
    static func gru(_ name: String = "tiny", seed: UInt64 = 1) throws -> Model {
        let manifest = try Manifest(JSONValue(parsing: Array(gruManifest.utf8)))
        let architecture = try Architecture.named("gru")
        let graph = try architecture.graph(
            ArchitectureConfiguration(shapes: gruShapes, sequenceInput: .features(3))
        )
        guard case .features(let description) = manifest.input else {
            fatalError("the manifest has features")
        }
        return try Model(
            name: name,
            version: "1",
            manifest: manifest,
            architecture: architecture,
            main: (graph, Weights(synthetic: seed, for: graph)),
            input: .sequence(SequenceEncoder(description)),
            labels: nil
        )
    }

    static let gruManifest = """
        {"architecture": "gru", "task": "sequence-classification", "input": {"kind": "features", "size": 3}}
        """

    static let gruShapes: [String: Shape] = [
        "rnn.weight_ih_l0": [12, 3], "rnn.weight_hh_l0": [12, 4], "rnn.bias_ih_l0": [12],
        "rnn.bias_hh_l0": [12], "head.weight": [5, 4], "head.bias": [5],
    ]

    /// A sequence of `steps` vectors, different for each seed.
    static func sequence(_ seed: UInt64, steps: Int = 6) -> Tensor {
        SyntheticWeights.tensor("input", [steps, 3], seed: seed)
    }

    /// Writes the weights of the GRU to a file.
    static func writeWeights(to path: String, shapes: [String: Shape] = gruShapes) throws {
        let tensors = shapes.sorted { $0.key < $1.key }.map { name, shape in
            (name: name, tensor: SyntheticWeights.tensor(name, shape, seed: 1))
        }
        try Safetensors.write(tensors, to: path)
    }
}

/// A folder that is removed with its object.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "martlet-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) } // what is left is the system's to clean

    /// Writes a file, with the folders above it.
    func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: url)
    }
}
