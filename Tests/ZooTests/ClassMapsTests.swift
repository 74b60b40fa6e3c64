import Engine
import Testing
import Zoo

/// Class score maps, which are found on the graph: against the definition, and against the network itself.
@Suite(.serialized) struct ClassMapsTests {
    private static let pool = WorkerPool(threads: 2)

    /// A network's outputs by name.
    private static func run(_ graph: Graph, _ weights: Weights, _ item: Tensor) throws -> [String: [Float]] {
        let session = Session(graph: graph, weights: weights, pool: pool)
        try session.prepare(inputShape: graph.inputShape, batch: 1)
        item.withSpan { session.setInput(0, to: $0) }
        _ = session.run()
        var outputs: [String: [Float]] = [:]
        for (name, _) in graph.outputs {
            outputs[name] = session.withOutput(name, item: 0) { span in span.indices.map { span[$0] } }
        }
        return outputs
    }

    @Test(arguments: [
        "resnet20", "resnet18", "densenet40_k12", "nin_cifar10", "squeezenet1_1", "googlenet", "mobilenet_v2",
        "shufflenet_v2_x1_0",
    ])
    func `the mean of a class's map is its logit, and the map is what the paper says`(_ name: String) throws {
        let graph = try Architecture.named(name).graph()
        let weights = Weights(synthetic: LogitsTests.seed, for: graph)
        // Before anything is packed.
        let tensors = Dictionary(uniqueKeysWithValues: zip(graph.parameters.map(\.name), weights.tensors))
        let item = SyntheticWeights.tensor("input", graph.inputShape, seed: LogitsTests.seed)
        let logits = try #require(try Self.run(graph, weights, item)["logits"])
        let classMaps = try ClassMaps(graph)
        #expect(classMaps.graph.parameters.map(\.name) == graph.parameters.map(\.name))
        let outputs = try Self.run(classMaps.graph, Weights(weights, for: classMaps.graph), item)
        let maps = try #require(outputs["logits"])
        let positions = maps.count / logits.count
        let largest = logits.map(\.magnitude).max() ?? 0
        for (index, logit) in logits.enumerated() {
            let map = maps[index * positions..<(index + 1) * positions]
            let mean = map.reduce(0) { $0 + Double($1) } / Double(positions)
            #expect(abs(mean - Double(logit)) <= 1e-5 * Double(largest), "class \(index): \(mean), \(logit)")
        }
        guard let features = outputs["features"] else { return }
        let biasName = try #require(classMaps.bias)
        let bias = try #require(tensors[biasName])
        let weight = try #require(tensors[biasName.dropLast("bias".count) + "weight"])
        let channels = features.count / positions
        let (w, b) = (weight.values, bias.values)
        for index in [0, logits.count / 2, logits.count - 1] {
            for position in 0..<positions {
                let sum = (0..<channels).reduce(Double(b[index])) { sum, channel in
                    sum + Double(w[index * channels + channel])
                        * Double(features[channel * positions + position])
                }
                let found = Double(maps[index * positions + position])
                #expect(
                    abs(found - sum) <= 1e-4 * Double(largest),
                    "class \(index), \(position): \(found), \(sum)"
                )
            }
        }
    }

    @Test(arguments: Architecture.all.filter(\.takesImages).map(\.name))
    func `a network has maps exactly where it ends in a global average pool and one layer`(_ name: String)
        throws
    {
        let graph = try Architecture.named(name).graph()
        let pool = graph.nodes.lastIndex { node in
            (node.op as? AdaptiveAveragePool).map { $0.height * $0.width == 1 } ?? false
        }
        // That of faces has a norm behind its linear layer, MobileNetV3 two linear layers, ConvNeXt a norm before its.
        let trained = graph.nodes[(pool ?? 0)...].filter { !$0.op.parameters.isEmpty }
        guard pool != nil, trained.count <= 1 else {
            let error = #expect(throws: ShapeError.self) { try ClassMaps(graph) }
            #expect(error?.description.contains("not in a global average pool") == true)
            return
        }
        let maps = try ClassMaps(graph).graph
        let shape = maps.shape(of: maps.outputs[0].value)
        #expect(shape.rank == 3 && shape[0] == graph.shape(of: graph.outputs[0].value).elementCount)
        #expect(shape[1] > 1, "one position says nothing")
    }

    @Test(arguments: ["resnet20", "densenet40_k12", "nin_cifar10", "lenet5"])
    func `every named value is the same beside a network that has packed its weights`(_ name: String) throws {
        let graph = try Architecture.named(name).graph()
        let item = SyntheticWeights.tensor("input", graph.inputShape, seed: LogitsTests.seed)
        let packed = Weights(synthetic: LogitsTests.seed, for: graph)
        let logits = try Self.run(graph, packed, item)["logits"]
        for name in graph.valueNames {
            let value = try #require(graph.value(named: name))
            let tapped = ValueNetwork.graph(graph, giving: value)
            let beside = try Self.run(tapped, Weights(packed, for: tapped), item)
            let alone = try Self.run(tapped, Weights(synthetic: LogitsTests.seed, for: tapped), item)
            #expect(beside["logits"] == alone["logits"], "\(name)")
            #expect(beside["own.logits"] == logits, "\(name) changes the answer")
        }
        #expect(graph.value(named: "nothing") == nil)
        let features = try #require(graph.features)
        let vector = ValueNetwork.graph(graph, giving: features, isAveraged: true)
        #expect(vector.shape(of: vector.outputs[0].value).rank == 1)
    }
}
