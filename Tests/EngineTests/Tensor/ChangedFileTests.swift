import Engine
import Glibc
import Testing

/// A weights file is read while it is loaded, and never later.
@Suite struct ChangedFileTests {
    private func write(_ graph: Graph, to path: String, seed: UInt64 = 9) throws {
        try Safetensors.write(
            graph.parameters.map { ($0.name, SyntheticWeights.tensor($0.name, $0.shape, seed: seed)) },
            to: path
        )
    }

    /// Writes over a file where it is, then cuts it short.
    private func spoil(_ path: String) throws {
        let file = try #require(unsafe fopen(path, "r+b"))
        let noise = [UInt8](repeating: 0x7f, count: 4096)
        unsafe fseek(file, 0, SEEK_END)
        let length = unsafe ftell(file)
        unsafe rewind(file)
        for _ in 0..<(length / noise.count + 1) { unsafe fwrite(noise, 1, noise.count, file) }
        unsafe fclose(file)
        #expect(unsafe truncate(path, 100) == 0)
    }

    @Test func `a file that is overwritten and cut short after loading changes no bit`() throws {
        let pool = WorkerPool(threads: 2)
        for (graph, items) in [
            (try SessionTests.imageGraph(), SessionTests.images(2)),
            (try SessionTests.textGraph(), SessionTests.texts(2)),
        ] {
            try withTemporaryFile { path in
                try write(graph, to: path)
                func bits(_ weights: Weights) throws -> [[UInt32]?] {
                    try outputs(of: graph, weights: weights, items: items, pool: pool, names: ["logits"])
                        .map { $0["logits"]?.map(\.bitPattern) }
                }
                let expected = try bits(Weights(Safetensors(path: path), for: graph))
                let weights = try Weights(Safetensors(path: path), for: graph)
                try spoil(path)
                #expect(try bits(weights) == expected)
                #expect(try bits(weights) == expected, "from what was packed")
            }
        }
    }

    @Test func `a file that is cut short while it is loaded is an error`() throws {
        let graph = try SessionTests.imageGraph()
        try withTemporaryFile { path in
            try write(graph, to: path)
            let file = try Safetensors(path: path)
            try spoil(path)
            let error = #expect(throws: WeightsError.self) { try Weights(file, for: graph) }
            let text = error?.description ?? ""
            let all = error?.fullDescription ?? ""
            #expect(all.contains("tensor 'fc.bias' has lost its end: the file was cut short"))
            #expect(text.contains("the file was changed while it was read"))
        }
    }

    @Test func `a file that is overwritten while it is loaded is an error`() throws {
        let graph = try SessionTests.textGraph()
        try withTemporaryFile { path in
            try write(graph, to: path)
            let file = try Safetensors(path: path)
            let stream = try #require(unsafe fopen(path, "ab"))
            unsafe fputc(0, stream)
            unsafe fclose(stream)
            let error = #expect(throws: WeightsError.self) { try Weights(file, for: graph) }
            #expect(error?.unreadable == [.changed])
        }
    }

    @Test func `the digest follows from names, shapes and numbers alone`() throws {
        let graph = try SessionTests.imageGraph()
        try withTemporaryFile { path in
            try write(graph, to: path)
            let first = try Weights(Safetensors(path: path), for: graph)
            #expect(first.digest.count == 32)
            #expect(first.digest == Weights(synthetic: 9, for: graph).digest)
            #expect(first.digest == Weights(first, for: try graph.reshaped(to: [3, 47, 47])).digest)
            #expect(first.digest != Weights(synthetic: 10, for: graph).digest)
        }
        var one = Graph(inputShape: [16])
        _ = try one.add(Linear(inputs: 16, outputs: 2, hasBias: false), name: "a", inputs: [.input])
        var other = Graph(inputShape: [16])
        _ = try other.add(Linear(inputs: 16, outputs: 2, hasBias: false), name: "b", inputs: [.input])
        let values = Tensor(shape: [2, 16], values: [Float](repeating: 1, count: 32))
        let digests = try [one, other].map { graph in
            try withTemporaryFile { path in
                try Safetensors.write([(graph.parameters[0].name, values)], to: path)
                return try Weights(Safetensors(path: path), for: graph).digest
            }
        }
        #expect(digests[0] != digests[1])
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `names the first parameter that is not finite`(_ bad: Float) throws {
        let graph = try SessionTests.imageGraph()
        try withTemporaryFile { path in
            try write(graph, to: path)
            #expect(try Weights(Safetensors(path: path), for: graph).firstNotFinite == nil)
            let tensors = graph.parameters.map { parameter in
                var values = SyntheticWeights.tensor(parameter.name, parameter.shape, seed: 9).values
                if ["conv3.weight", "fc.bias"].contains(parameter.name) { values[values.count - 1] = bad }
                return (name: parameter.name, tensor: Tensor(shape: parameter.shape, values: values))
            }
            try Safetensors.write(tensors, to: path)
            #expect(try Weights(Safetensors(path: path), for: graph).firstNotFinite == "conv3.weight")
        }
    }
}
