import Engine
import Foundation
import Testing
import Zoo

/// Networks that slide over whole images against PyTorch; `Fixtures/make_dense.py` has the same cases.
@Suite(.serialized) struct FullyConvolutionalTests {
    private static let pool = WorkerPool(threads: 2)

    // swift-format-ignore
    @Test(arguments: [
        ("lenet5", 44, 60), ("alexnet_2012", 260, 335), ("alexnet", 320, 256), ("vgg11", 256, 320), ("resnet18", 256, 320),
        ("nin_cifar10", 40, 57),
    ])
    func `scores of a whole image equal those of the converted network in PyTorch`(
        _ name: String, height: Int, width: Int
    ) throws {
        let folder = try #require(Bundle.module.resourceURL)
        let file = try Safetensors(path: folder.appending(path: "Fixtures/dense.safetensors").path)
        let expected = try file.tensor("\(name) \(height)x\(width)").values
        let logits = try Self.denseLogits(of: name, height: height, width: width)
        try #require(logits.count == expected.count)
        let largest = expected.map(\.magnitude).max() ?? 0
        for (index, (found, wanted)) in zip(logits, expected).enumerated() {
            #expect((found - wanted).magnitude <= 1e-4 * largest, "logit \(index) is \(found), PyTorch's \(wanted)")
        }
    }

    @Test(arguments: ["lenet5", "alexnet", "resnet18", "densenet40_k12", "nin_cifar10"])
    func `at the published size the scores are those of the network itself`(_ name: String) throws {
        let graph = try Architecture.named(name).graph()
        let weights = Weights(synthetic: LogitsTests.seed, for: graph)
        let item = SyntheticWeights.tensor("input", graph.inputShape, seed: LogitsTests.seed)
        let logits = try Self.logits(graph, weights, item)
        let dense = try Self.denseLogits(of: name, height: graph.inputShape[1], width: graph.inputShape[2])
        let largest = logits.map(\.magnitude).max() ?? 0
        for (found, wanted) in zip(dense, logits) { #expect((found - wanted).magnitude <= 1e-5 * largest) }
    }

    @Test(arguments: Architecture.all.filter(\.takesImages).map(\.name))
    func `every network that can slide keeps its tensors and takes a wide image`(_ name: String) throws {
        let graph = try Architecture.named(name).graph()
        guard name != "lenet5_1998" else {
            let error = #expect(throws: ShapeError.self) { try FullyConvolutional.graph(graph) }
            #expect(error?.description.contains("radial basis units see one position") == true)
            return
        }
        let dense = try FullyConvolutional.graph(graph)
        #expect(dense.parameters.map(\.name) == graph.parameters.map(\.name))
        #expect(dense.parameters.map(\.shape.elementCount) == graph.parameters.map(\.shape.elementCount))
        #expect(dense.outputs.map(\.name) == ["logits", "probabilities"])
        let shape = graph.inputShape
        let wide = try dense.reshaped(to: [shape[0], shape[1] + 32, shape[2] + 96])
        let scores = graph.shape(of: graph.outputs[0].value)
        #expect(wide.outputs.allSatisfy { wide.shape(of: $0.value) == scores })
    }

    @Test func `an image smaller than the classifier's map is refused by name`() throws {
        let dense = try FullyConvolutional.graph(Architecture.named("vgg11").graph())
        let error = #expect(throws: ShapeError.self) { try dense.reshaped(to: [3, 192, 320]) }
        let message = try #require(error?.description)
        #expect(message.hasPrefix("classifier.0: a 7×7 window does not fit an image of 6×10"))
    }

    private static func denseLogits(of name: String, height: Int, width: Int) throws -> [Float] {
        let graph = try Architecture.named(name).graph()
        let dense = try FullyConvolutional.graph(graph)
        let weights = Weights(Weights(synthetic: LogitsTests.seed, for: graph), for: dense)
        let shape: Shape = [graph.inputShape[0], height, width]
        return try logits(dense, weights, SyntheticWeights.tensor("input", shape, seed: LogitsTests.seed))
    }

    private static func logits(_ graph: Graph, _ weights: Weights, _ item: Tensor) throws -> [Float] {
        let session = Session(graph: graph, weights: weights, pool: Self.pool)
        try session.prepare(inputShape: item.shape, batch: 1)
        item.withSpan { session.setInput(0, to: $0) }
        #expect(session.run())
        return session.withOutput("logits", item: 0) { span in span.indices.map { span[$0] } }
    }
}
