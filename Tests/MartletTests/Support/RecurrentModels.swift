import Engine
import Foundation
import Platform

/// A folder with small recurrent models of synthetic weights, removed with its object.
///
/// `bytes` generates text, `steps` is a regression over vectors of 3, `numbers` an encoder–decoder with attention, `clips`
/// labels the frames of a clip.
final class RecurrentModels {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        let (hidden, tokens) = (16, 256)
        try write(
            "bytes",
            #"{"architecture": "lstm", "task": "text-generation", "input": {"kind": "text", "tokenizer": "bytes", "start": "\n"}}"#,
            [
                "embedding.weight": [tokens, 8], "rnn.weight_ih_l0": [4 * hidden, 8],
                "rnn.weight_hh_l0": [4 * hidden, hidden], "rnn.bias_ih_l0": [4 * hidden],
                "rnn.bias_hh_l0": [4 * hidden], "head.weight": [tokens, hidden], "head.bias": [tokens],
            ]
        )
        try write(
            "steps",
            #"{"architecture": "gru", "task": "sequence-regression", "input": {"kind": "features", "size": 3}}"#,
            [
                "rnn.weight_ih_l0": [3 * hidden, 3], "rnn.weight_hh_l0": [3 * hidden, hidden],
                "rnn.bias_ih_l0": [3 * hidden], "rnn.bias_hh_l0": [3 * hidden], "head.weight": [2, hidden],
                "head.bias": [2],
            ]
        )
        try write(
            "numbers",
            """
            {"architecture": "encoder_decoder", "task": "sequence-to-sequence",
             "input": {"kind": "tokens", "size": 20},
             "output": {"kind": "tokens", "size": 30, "start": 0, "end": 1, "max_length": 40}}
            """,
            [
                "encoder.embedding.weight": [20, 8], "encoder.rnn.weight_ih_l0": [4 * hidden, 8],
                "encoder.rnn.weight_hh_l0": [4 * hidden, hidden], "encoder.rnn.bias_ih_l0": [4 * hidden],
                "encoder.rnn.bias_hh_l0": [4 * hidden], "decoder.embedding.weight": [30, 8],
                "decoder.rnn.weight_ih_l0": [4 * hidden, 8],
                "decoder.rnn.weight_hh_l0": [4 * hidden, hidden],
                "decoder.rnn.bias_ih_l0": [4 * hidden], "decoder.rnn.bias_hh_l0": [4 * hidden],
                "attention.weight": [hidden, hidden], "concat.weight": [hidden, 2 * hidden],
                "concat.bias": [hidden], "head.weight": [30, hidden], "head.bias": [30],
            ]
        )
        try write(
            "clips",
            #"{"architecture": "cnn_rnn", "task": "token-classification", "options": {"extractor": "lenet5"}, "input": {"kind": "frames"}, "preprocessing": {"resize": [32, 32], "color": "gray"}}"#,
            [
                "cnn.conv1.weight": [6, 1, 5, 5], "cnn.conv1.bias": [6], "cnn.conv2.weight": [16, 6, 5, 5],
                "cnn.conv2.bias": [16], "cnn.fc1.weight": [120, 400], "cnn.fc1.bias": [120],
                "cnn.fc2.weight": [84, 120], "cnn.fc2.bias": [84], "rnn.weight_ih_l0": [4 * hidden, 84],
                "rnn.weight_hh_l0": [4 * hidden, hidden], "rnn.bias_ih_l0": [4 * hidden],
                "rnn.bias_hh_l0": [4 * hidden], "head.weight": [3, hidden], "head.bias": [3],
            ]
        )
    }

    deinit { try? FileManager.default.removeItem(at: folder) } // what is left is the system's to clean

    private func write(_ name: String, _ manifest: String, _ shapes: [String: Shape]) throws {
        let model = folder.appending(path: name)
        try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
        try Data(manifest.utf8).write(to: model.appending(path: "model.json"))
        let tensors = shapes.sorted { $0.key < $1.key }.map { tensor, shape in
            (name: tensor, tensor: SyntheticWeights.tensor(tensor, shape, seed: 1, gain: 2))
        }
        try Safetensors.write(tensors, to: model.appending(path: "model.safetensors").path)
    }
}
