import Engine
import Foundation
import Zoo

/// A ResNet-20 that makes features of regions of 16 × 16 pixels and classifiers of three classes, of synthetic weights, in a
/// folder as the registry reads it.
enum RegionModel {
    static let feature = "layer3.2.sum1"
    static let manifest = """
        {"architecture": "rcnn", "task": "object-detection", "labels": ["red", "white", "plate"], "threshold": 0,
         "options": {"extractor": "resnet20", "feature": "\(feature)"},
         "regions": {"limit": 300, "padding": 2},
         "preprocessing": {"resize": [16, 16], "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}}
        """

    /// The tensors' shapes.
    static func shapes() throws -> [String: Shape] {
        let architecture = try Architecture.named("rcnn")
        let configuration = ArchitectureConfiguration(
            classes: 3,
            options: ["extractor": .string("resnet20"), "feature": .string(feature)],
            imageSize: (16, 16)
        )
        let graphs = [
            try architecture.extractor(configuration)?.graph, try architecture.graph(configuration),
        ]
        let parameters = graphs.compactMap { $0?.parameters }.flatMap(\.self)
        return Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
    }

    /// Writes a model's folder.
    static func write(
        _ name: String = "regions",
        to folder: TemporaryFolder,
        manifest: String = manifest,
        shapes: [String: Shape]? = nil
    ) throws {
        try folder.write(manifest, to: "\(name)/model.json")
        let tensors = try (shapes ?? Self.shapes()).sorted { $0.key < $1.key }.map { tensor, shape in
            (name: tensor, tensor: SyntheticWeights.tensor(tensor, shape, seed: 1, gain: 1.5))
        }
        try Safetensors.write(tensors, to: "\(folder.path)/\(name)/model.safetensors")
    }

    /// Squares of several colours and sizes on a gray ground.
    static func picture(side: Int = 96) throws -> [UInt8] {
        try FinderModels.picture(
            side,
            side,
            [
                (8..<32, 8..<32, [200, 30, 40]), (40..<90, 12..<52, [230, 230, 240]),
                (20..<36, 50..<70, [90, 20, 120]), (60..<80, 64..<90, [200, 60, 70]),
            ]
        )
    }
}
