import Engine
import Foundation
import Inference
import Logging
import Models
import Platform
import Support
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

    private func writeOpen(_ network: String, to name: String, _ manifest: String, badly: Bool = false) throws
    {
        var bytes = try Data(contentsOf: OpenModels.file("\(network).onnx"))
        if badly {
            while let place = bytes.range(of: Data("Relu".utf8)) {
                bytes.replaceSubrange(place, with: Data("Rexu".utf8))
            }
        }
        try folder.write(manifest, to: "\(name)/model.json")
        try bytes.write(to: URL(filePath: "\(folder.path)/\(name)/model.onnx"))
    }

    @Test func `open extents that nobody gives stop no load, and those that are named are made ready`() throws
    {
        try writeOpen("steps", to: "any", #"{"task": "tensors"}"#)
        try writeOpen(
            "anysize",
            to: "warm",
            #"{"task": "tensors", "warm_shapes": [{"height": 8, "width": 12}, {"height": 16, "x:3": 4}]}"#
        )
        let registry = try loaded()
        #expect(try registry.model(named: "any").shapes?.counts.made == 0)
        let warm = try registry.model(named: "warm")
        #expect(warm.graph.inputShape == [3, 8, 12])
        #expect(warm.shapes?.keptShapes.map { [$0["x:2"], $0["x:3"]] } == [[16, 4]])
        let bytes = try Data(contentsOf: OpenModels.file("anysize.onnx")).count
        #expect(warm.bytes >= warm.weights.bytes + bytes, "the file is held for other shapes")
    }

    @Test func `says at load what no shape mends`() throws {
        try writeOpen("anysize", to: "unsupported", #"{"task": "tensors"}"#, badly: true)
        try writeOpen("anysize", to: "missing", #"{"task": "tensors", "warm_shapes": [{"height": 8}]}"#)
        try writeOpen(
            "anysize",
            to: "second",
            #"{"task": "tensors", "warm_shapes": [{"height": 8, "width": 8}, {"width": 8}]}"#
        )
        let all = #""shape": {"height": 8, "width": 8}"#
        try writeOpen(
            "anysize",
            to: "closed",
            #"{"task": "tensors", \#(all), "warm_shapes": [{"width": 8}]}"#
        )
        try writeOpen("anysize", to: "empty", #"{"task": "tensors", "warm_shapes": []}"#)
        try writeOpen(
            "anysize",
            to: "other",
            #"{"task": "embedding", "preprocessing": {}, "warm_shapes": [{"a": 1}]}"#
        )
        try writeOpen("anysize", to: "many", #"{"task": "tensors", "serving": {"max_shapes": 0}}"#)
        let registry = try loaded()
        // swift-format-ignore
        let reasons = [
            ("unsupported", "2 nodes cannot be run: Rexu 'b'"),
            ("missing",     "model.onnx: the extents 'width' are open, and none is given"),
            ("second",      "warm_shapes[1]: the extents 'height' are open, and none is given"),
            ("closed",      "'warm_shapes' are given, but no extent is open"),
            ("empty",       "warm_shapes: expected 1 to 64 objects, found 0"),
            ("other",       "warm_shapes: only requests for the 'tensors' of a 'model.onnx' choose shapes"),
            ("many",        "serving.max_shapes: expected"),
        ]
        for (name, part) in reasons {
            let reason = try registry.entry(named: name).current.reason ?? "no reason"
            #expect(reason.contains(part), "\(name): \(reason)")
        }
    }

    @Test func `a model that is let go while a shape is made answers who has it, and goes`() throws {
        try writeOpen("anysize", to: "any", #"{"task": "tensors"}"#)
        let registry = try loaded()
        var model: Model? = try registry.model(named: "any")
        let workshop = ShapeWorkshop(budget: MemoryBudget(limit: 1 << 30))
        defer { workshop.close() }
        let held = try #require(model?.shapes)
        let given = try held.given(["x": [1, 3, 30, 30]])
        let box = Monitor<Result<NetworksByShape.Shaped, ServingError>?>(nil)
        TestLane.shared.begin { [held] in
            do throws(ServingError) {
                let shaped = try await workshop.network(for: given, of: held, RequestContext())
                box.signal { $0 = .success(shaped) }
            } catch {
                box.signal { $0 = .failure(error) }
            }
        }
        _ = try TestLane.shared.wait { () async throws in try await registry.unload("any") }
        model = nil
        let shaped = try #require(box.wait { $0 }).get()
        #expect(shaped.ports.inputs[0].dimensions == [3, 30, 30])
        // It runs in the queue of the network that the model had.
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let zeros = Tensor(shape: [3, 30, 30], values: [Float](repeating: 0, count: 2700))
        #expect(try scheduler.infer(shaped.served, items: [zeros]).outputs[0].count == 2 * 900 + 2)
        #expect(!scheduler.knows(shaped.served))
    }
}
