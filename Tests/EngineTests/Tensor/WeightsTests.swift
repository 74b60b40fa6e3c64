import Engine
import Testing

@Suite struct WeightsTests {
    private func graph() throws -> Graph {
        var graph = Graph(inputShape: [3, 8, 8])
        let conv = Conv(inputChannels: 3, outputChannels: 4, window: Window(3))
        let first = try graph.add(conv, name: "conv1", inputs: [.input])
        let second = try graph.add(BatchNorm(channels: 4), name: "bn1", inputs: [first])
        graph.setOutput("output", to: second)
        return graph
    }

    private func tensors(_ graph: Graph) -> [(name: String, tensor: Tensor)] {
        graph.parameters.map { ($0.name, SyntheticWeights.tensor($0.name, $0.shape, seed: 3)) }
    }

    @Test func `takes a file that has exactly what the graph needs`() throws {
        let graph = try graph()
        try withTemporaryFile { path in
            try Safetensors.write(tensors(graph).reversed(), to: path)
            let weights = try Weights(Safetensors(path: path), for: graph)
            #expect(weights.tensors.map(\.shape) == graph.parameters.map(\.shape))
            #expect(weights.tensors.map(\.values) == tensors(graph).map(\.tensor.values))
        }
    }

    @Test func `lists everything that is missing, misshapen or too much in one error`() throws {
        let graph = try graph()
        var tensors = tensors(graph).filter { $0.name != "bn1.running_var" && $0.name != "conv1.weight" }
        tensors.append(("conv1.weight", Tensor(shape: [4, 27], values: [Float](repeating: 0, count: 108))))
        tensors.append(("bn1.num_batches_tracked", Tensor(shape: [], values: [1])))
        tensors.append(("fc.bias", Tensor(shape: [2], values: [1, 2])))
        try withTemporaryFile { path in
            try Safetensors.write(tensors, to: path)
            let file = try Safetensors(path: path)
            let error = #expect(throws: WeightsError.self) {
                try Weights(file, for: graph) { $0.hasSuffix("num_batches_tracked") }
            }
            #expect(
                error?.description == """
                    tensor 'conv1.weight' is 4×27 but the architecture needs 4×3×3×3; \
                    tensor 'bn1.running_var' (4) is missing; \
                    tensor 'fc.bias' (2) is not part of the architecture (\(path))
                    """
            )
        }
    }

    @Test func `refuses numbers of another type unless they are ignored`() throws {
        var graph = Graph(inputShape: [1])
        _ = try graph.add(Linear(inputs: 1, outputs: 1, hasBias: false), name: "fc", inputs: [.input])
        let header =
            #"{"fc.weight":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]},"#
            + #""n":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}"#
        let bytes = safetensorsBytes(header, data: [UInt8](repeating: 0, count: 12))
        try withTemporaryFile(bytes) { path in
            let file = try Safetensors(path: path)
            let error = #expect(throws: WeightsError.self) { try Weights(file, for: graph) { $0 == "n" } }
            #expect(
                error?.description
                    == "tensor 'fc.weight' is of type I32, but F32, F16 or BF16 is needed (\(path))"
            )
        }
    }

    @Test(arguments: ["module.", "_orig_mod.", "model.", "timm_model.", "net.backbone."])
    func `names a wrapper's prefix in one line, and takes it off`(prefix: String) throws {
        let graph = try graph()
        let wrapped = tensors(graph).map { (name: prefix + $0.name, tensor: $0.tensor) }
        try withTemporaryFile { path in
            try Safetensors.write(wrapped + [("epoch", Tensor(shape: [1], values: [7]))], to: path)
            let file = try Safetensors(path: path)
            let error = #expect(throws: WeightsError.self) { try Weights(file, for: graph) }
            #expect(
                error?.description == """
                    the names in the file begin with '\(prefix)', which a wrapper has put there: say "prefix": "\(prefix)" \
                    in model.json (\(path))
                    """
            )
            let weights = try Weights(file.removing(prefix: prefix), for: graph) { $0 == "epoch" }
            #expect(weights.tensors.map(\.values) == tensors(graph).map(\.tensor.values))
            let none = #expect(throws: TensorFileError.self) { try file.removing(prefix: "x.") }
            #expect(none?.problem == .prefix("x."))
        }
    }

    @Test func `says which name is there with and without a prefix`() throws {
        try withTemporaryFile { path in
            let one = Tensor(shape: [1], values: [1])
            try Safetensors.write([("a", one), ("module.a", one)], to: path)
            let file = try Safetensors(path: path)
            let error = #expect(throws: TensorFileError.self) { try file.removing(prefix: "module.") }
            #expect(error?.description.contains("'a' is there with and without 'module.'") == true)
        }
    }

    @Test(arguments: [
        ([("fc.1.weight", [2, 4]), ("fc.1.bias", [2])], "save 'fc.1' as 'fc'"),
        (
            [("fc.0.weight", [8, 4]), ("fc.0.bias", [8]), ("fc.3.weight", [2, 8])],
            "2 linear layers ('fc.0', 'fc.3')"
        ),
    ])
    func `explains a head of other layers in one line`(
        _ head: [(name: String, dimensions: [Int])],
        part: String
    ) throws {
        var graph = Graph(inputShape: [4])
        _ = try graph.add(Linear(inputs: 4, outputs: 2), name: "fc", inputs: [.input])
        let tensors = head.map { name, dimensions in
            (name: name, tensor: SyntheticWeights.tensor(name, Shape(dimensions), seed: 1))
        }
        try withTemporaryFile { path in
            try Safetensors.write(tensors, to: path)
            let file = try Safetensors(path: path)
            let error = #expect(throws: WeightsError.self) { try Weights(file, for: graph) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
            #expect(error?.description.contains("is missing") == false)
        }
    }

    @Test func `explains a network for images of other channels in one line`() throws {
        let graph = try graph()
        var tensors = tensors(graph).filter { $0.name != "conv1.weight" }
        tensors.append(
            ("conv1.weight", Tensor(shape: [4, 1, 3, 3], values: [Float](repeating: 0, count: 36)))
        )
        try withTemporaryFile { path in
            try Safetensors.write(tensors, to: path)
            let file = try Safetensors(path: path)
            let error = #expect(throws: WeightsError.self) { try Weights(file, for: graph) }
            #expect(
                error?.description
                    == "the network of the file takes 1-channel images, that of the architecture 3-channel ones (\(path))"
            )
        }
    }

    @Test func `spells out ten differences of a kind and counts the rest`() throws {
        var graph = Graph(inputShape: [1])
        for index in 0..<50 {
            _ = try graph.add(
                Linear(inputs: 1, outputs: 1, hasBias: false),
                name: "fc\(index)",
                inputs: [.input]
            )
        }
        try withTemporaryFile { path in
            try Safetensors.write([], to: path)
            let file = try Safetensors(path: path)
            let error = #expect(throws: WeightsError.self) { try Weights(file, for: graph) }
            #expect(error?.missing.count == 50)
            #expect(error?.description.contains("'fc9.weight' (1×1) is missing; and 40 more") == true)
            #expect(error?.description.contains("fc10") == false)
            #expect(error?.description.contains("'martlet models --verbose' lists them all") == true)
            #expect(error?.fullDescription.contains("'fc49.weight' (1×1) is missing") == true)
            #expect(error?.fullDescription.contains("more like") == false)
        }
    }
}
