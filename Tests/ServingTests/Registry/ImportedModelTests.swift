import Engine
import Foundation
import Logging
import Models
import Testing

/// Folders with a `model.onnx`: one convolution, a mean and five classes, whose height and width are open.
struct ImportedModelTests {
    let folder: TemporaryFolder

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

    private func writeNetwork(to name: String) throws {
        let bytes = try Data(contentsOf: URL(filePath: Repository.classifier))
        try folder.write("", to: "\(name)/model.onnx")
        try bytes.write(to: URL(filePath: "\(folder.path)/\(name)/model.onnx"))
    }

    @Test func `a file alone is a classifier of images of the usual size`() throws {
        try writeNetwork(to: "plain")
        try folder.write("a\nb\nc\nd\ne\n", to: "plain/labels.txt")
        let model = try loaded().model(named: "plain")
        #expect(model.architecture.name == "onnx")
        #expect(model.classes == 5)
        #expect(model.labels == ["a", "b", "c", "d", "e"])
        #expect(model.graph.inputShape == [3, 224, 224])
        #expect(model.graph.outputs.map(\.name) == ["logits", "probabilities"])
    }

    @Test func `a model json says how images are prepared`() throws {
        try writeNetwork(to: "described")
        let preprocessing = #""preprocessing": {"resize": [32, 48]}"#
        try folder.write(#"{"task": "image-classification", \#(preprocessing)}"#, to: "described/model.json")
        let model = try loaded().model(named: "described")
        #expect(model.graph.inputShape == [3, 32, 48])
        #expect(model.labels == nil)
    }

    @Test func `says what is wrong with a file`() throws {
        try folder.write("no protobuf", to: "broken/model.onnx")
        try writeNetwork(to: "gray")
        try folder.write(
            #"{"task": "image-classification", "preprocessing": {"color": "gray", "resize": [32, 32]}}"#,
            to: "gray/model.json"
        )
        try writeNetwork(to: "open")
        try folder.write(
            #"{"task": "image-classification", "preprocessing": {}}"#,
            to: "open/model.json"
        )
        try writeNetwork(to: "named")
        try folder.write(
            #"{"architecture": "resnet18", "task": "image-classification", "preprocessing": {}, "shape": {"a": 1}}"#,
            to: "named/model.json"
        )
        let registry = try loaded()
        // swift-format-ignore
        let reasons = [
            ("broken", "model.onnx:"),
            ("gray", "preprocessing.color: 'gray' has 1, but the network takes 3 channels"),
            ("open", "model.onnx: input 'image': dimension 2 is open; give \"shape\": {\"height\": …}"),
            ("named", "shape: only the network of a 'model.onnx' has open dimensions"),
        ]
        for (name, part) in reasons {
            let reason = try registry.entry(named: name).current.reason ?? "no reason"
            #expect(reason.contains(part), "\(name): \(reason)")
        }
    }
}
