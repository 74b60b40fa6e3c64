import Engine
import Foundation
import Logging
import Models
import Testing
import Zoo

/// Folders with timm's `config.json`; whether they load as far as their weights is enough here.
struct SnapshotFolderTests {
    let folder: TemporaryFolder
    private let configuration = #"{"architecture": "resnet18", "num_classes": 2, "pretrained_cfg": {}}"#

    init() throws {
        folder = try TemporaryFolder()
    }

    private func loaded() throws -> Registry {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: folder.path, logger: logger)
        try registry.load()
        return registry
    }

    @Test func `finds snapshots and versions of them`() throws {
        try folder.write(configuration, to: "plain/config.json")
        try folder.write(configuration, to: "versions/2/config.json")
        try folder.write(TestModels.gruManifest, to: "versions/3/model.json")
        try folder.write(configuration, to: "versions/latest/config.json")
        try folder.write(configuration, to: "nested/deep/1/config.json")
        try folder.write(configuration, to: "other/configuration.json")
        let registry = try loaded()
        #expect(registry.models().map(\.name) == ["plain", "versions"])
        let entry = try registry.entry(named: "versions")
        #expect(entry.versions.map(\.version) == ["2", "3"])
        #expect(entry.versions.map(\.manifest?.architecture) == ["resnet18", "gru"])
        let plain = try registry.entry(named: "plain")
        #expect(plain.versions.map(\.version) == ["1"])
        #expect(plain.json()["architecture"] == .string("resnet18"))
        #expect(plain.json()["provenance"]?.text == #"{"source":"config.json"}"#)
    }

    @Test func `a model json is used before a config json`() throws {
        try folder.write("not even JSON", to: "both/config.json")
        try folder.write(TestModels.gruManifest, to: "both/model.json")
        try folder.write(configuration, to: "broken/config.json")
        try folder.write("{}", to: "broken/model.json")
        for name in ["both", "broken"] {
            try TestModels.writeWeights(to: "\(folder.path)/\(name)/model.safetensors")
        }
        let registry = try loaded()
        #expect(try registry.model(named: "both").architecture.name == "gru")
        let broken = try registry.entry(named: "broken").current
        #expect(broken.reason == "model.json: 'architecture' is missing")
    }

    @Test func `says which file is wrong`() throws {
        try folder.write("{", to: "no-json/config.json")
        try folder.write(#"{"model_type": "resnet"}"#, to: "transformers/config.json")
        try folder.write(#"{"architecture": "vit_base_patch16_224"}"#, to: "unknown/config.json")
        try folder.write(#"{"architecture": "lenet5", "pretrained_cfg": {}}"#, to: "gray/config.json")
        try folder.write(#"{"architecture": "gru", "pretrained_cfg": {}}"#, to: "task/config.json")
        try folder.write(configuration, to: "no-weights/config.json")
        try folder.write(configuration, to: "pickle/config.json")
        try folder.write("pickle", to: "pickle/pytorch_model.bin")
        try folder.write(configuration, to: "labels/config.json")
        try Data([0xFF]).write(to: URL(filePath: "\(folder.path)/labels/labels.txt"))
        for name in ["gray", "task"] {
            try TestModels.writeWeights(to: "\(folder.path)/\(name)/model.safetensors")
        }
        let registry = try loaded()
        #expect(registry.counts() == [.failed: 8])
        // swift-format-ignore
        let reasons = [
            ("no-json", "config.json: not JSON"),
            ("transformers", "config.json: expected a timm configuration"),
            ("unknown", "unknown architecture 'vit_base_patch16_224'"),
            ("gray", "config.json: preprocessing.color: 'rgb' has 3, but 'lenet5' takes 1 channels"),
            ("task", "config.json: task: 'gru' takes sequences, not images"),
            ("no-weights", "no such file"),
            ("pickle", "it is no file of PyTorch: it begins neither like a zip file nor like a pickle"),
            ("labels", "labels.txt: expected UTF-8 text"),
        ]
        for (name, part) in reasons {
            let reason = try registry.entry(named: name).current.reason ?? "no reason"
            #expect(reason.contains(part), "\(name): \(reason)")
        }
    }

    /// timm's names of small networks, ours, and a tensor that tells timm's weights.
    @Test(arguments: [
        ("convnext_atto.d2_in1k", "convnext_atto", "stem.0.weight"),
        ("regnety_004.pycls_in1k", "regnet_y_400mf", "s1.b1.conv1.conv.weight"),
        ("lcnet_050.ra2_in1k", "lcnet_050", "conv_stem.weight"),
        ("tf_mobilenetv3_small_minimal_100.in1k", "tf_mobilenetv3_small_minimal_100", "conv_stem.weight"),
        ("mobilenetv4_conv_small_035.untrained", "mobilenetv4_conv_small_035", "conv_stem.weight"),
    ])
    func `a snapshot of timm's is served by its own names`(
        _ name: String,
        _ ours: String,
        _ telling: String
    ) throws {
        let text =
            #"{"architecture": "\#(name)", "num_classes": 2, "pretrained_cfg": {"input_size": [3, 64, 64]}}"#
        try folder.write(text, to: "snapshot/config.json")
        let graph = try Architecture.named(ours)
            .graph(ArchitectureConfiguration(classes: 2, shapes: [telling: []]))
        #expect(graph.parameters.contains { $0.name == telling })
        let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
        try TestModels.writeWeights(to: folder.path + "/snapshot/model.safetensors", shapes: shapes)
        let model = try loaded().model(named: "snapshot")
        #expect(model.architecture.name == ours)
    }
}
