import Engine
import Foundation
import Support
import Testing

/// A folder with the networks of `Fixtures/shapes.py` as models, and what ONNX Runtime answers to inputs of several shapes.
struct OpenModels {
    let folder: TemporaryFolder
    private let recorded: Safetensors

    /// What was recorded of a network for inputs of some shapes.
    struct Case: Sendable, CustomTestStringConvertible {
        let network: String
        let name: String
        var inputs = ["x"]
        var outputs = ["y"]

        var testDescription: String { "\(network) \(name)" }
    }

    static let names = Set(manifests.map(\.name))

    // swift-format-ignore
    static let cases = [
        Case(network: "anysize", name: "small", outputs: ["y", "mean"]),
        Case(network: "anysize", name: "wide", outputs: ["y", "mean"]),
        Case(network: "anysize", name: "tall", outputs: ["y", "mean"]),
        Case(network: "anchors", name: "small"), Case(network: "anchors", name: "large"),
        Case(network: "steps", name: "one"), Case(network: "steps", name: "short"), Case(network: "steps", name: "long"),
        Case(network: "stepsfirst", name: "short"), Case(network: "stepsfirst", name: "long"),
        Case(network: "couple", name: "short", inputs: ["tokens", "mask"]),
        Case(network: "couple", name: "long", inputs: ["tokens", "mask"]),
    ]

    // swift-format-ignore
    private static let manifests: [(name: String, network: String, json: String?)] = [
        ("anysize", "anysize", #"{"task": "tensors", "serving": {"max_shapes": 3}}"#),
        ("anchors", "anchors", #"{"task": "tensors", "warm_shapes": [{"height": 8, "width": 8}, {"height": 8, "width": 12}]}"#),
        ("steps", "steps", #"{"task": "tensors"}"#), ("stepsfirst", "stepsfirst", #"{"task": "tensors"}"#),
        ("couple", "couple", #"{"task": "tensors"}"#), ("alone", "steps", nil),
        ("onestep", "steps", #"{"task": "tensors", "warm_shapes": [{"length": 1}]}"#),
        ("fixed", "anysize", #"{"task": "tensors", "shape": {"height": 9}}"#),
    ]

    init() throws {
        folder = try TemporaryFolder()
        for (name, network, manifest) in Self.manifests {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(name)",
                withIntermediateDirectories: true
            )
            try Data(contentsOf: Self.file("\(network).onnx")).write(
                to: URL(filePath: "\(folder.path)/\(name)/model.onnx")
            )
            if let manifest { try folder.write(manifest, to: "\(name)/model.json") }
        }
        recorded = try Safetensors(path: Self.file("shapes.safetensors").path)
    }

    static func file(_ name: String) -> URL {
        URL(filePath: Repository.classifier).deletingLastPathComponent().appending(path: name)
    }

    func tensor(_ row: Case, _ name: String) throws -> Tensor {
        try recorded.tensor("\(row.network)/\(row.name)/\(name)")
    }

    /// The inputs of a case as V2 has them in JSON.
    func inputs(_ row: Case) throws -> String {
        try row.inputs.map { Self.json($0, try tensor(row, $0)) }.joined(separator: ", ")
    }

    /// A tensor as V2 has it in JSON.
    static func json(_ name: String, _ tensor: Tensor) -> String {
        let type = name == "tokens" ? "INT64" : "FP32"
        let values = tensor.values.map { name == "tokens" ? "\(Int($0))" : "\($0)" }.joined(separator: ",")
        let shape = tensor.shape.dimensions
        return #"{"name": "\#(name)", "datatype": "\#(type)", "shape": \#(shape), "data": [\#(values)]}"#
    }
}
