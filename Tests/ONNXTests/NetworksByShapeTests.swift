import Engine
import Inference
import Models
import ONNX
import Support
import Testing

/// Networks of one file for inputs of several shapes.
@Suite struct NetworksByShapeTests {
    /// A convolution of images of any size, their mean, and, where it is asked for, a constant of each size.
    private func file(growing: Bool = false) -> [UInt8] {
        var writer = ModelWriter()
        writer.input("x", open: ["n", nil, "height", "width"])
        writer.initializer("w", [4, 2, 3, 3], (0..<72).map { Float($0 % 7) / 7 - 0.5 })
        writer.node("Conv", ["x", "w"], ["c"], ["pads": .ints([1, 1, 1, 1])])
        if growing {
            writer.node("Shape", ["c"], ["s"])
            writer.node("ConstantOfShape", ["s"], ["zeros"])
            writer.node("Cos", ["zeros"], ["ones"])
            writer.node("Add", ["c", "ones"], ["d"])
        }
        writer.node("GlobalAveragePool", [growing ? "d" : "c"], ["y"])
        writer.output("y")
        return writer.bytes()
    }

    private func networks(growing: Bool = false) throws -> NetworksByShape {
        let bytes = file(growing: growing)
        let options = ImportedNetwork.Options(dimensions: ["x:1": 2, "height": 4, "width": 4])
        let own = try ImportedNetwork(parsing: bytes, folder: nil, options: options)
        let file = try OpenFile(parsing: bytes, folder: nil, fixed: ["x:1": 2])
        #expect(file.isOpen)
        return NetworksByShape(of: file, sharing: own.weights()) { graph, weights, outputs in
            ServedNetwork(model: "m", version: "1", graph: graph, weights: weights, outputs: outputs)
        }
    }

    private func mean(_ networks: NetworksByShape, _ shape: [Int], _ image: [Float]) throws -> [Float] {
        let found = try networks.network(for: ["x": shape]).network.served
        let session = Session(graph: found.graph, weights: found.weights, pool: WorkerPool(threads: 1))
        try session.prepare(inputShape: found.graph.inputShape, batch: 1)
        session.setInput(0, to: image.span)
        #expect(session.run())
        return session.withOutput("y", item: 0) { span in span.indices.map { span[$0] } }
    }

    @Test func `gives the numbers of a network that is made for the shape`() throws {
        let networks = try networks()
        for (height, width) in [(3, 5), (8, 4), (3, 5)] {
            let image = (0..<2 * height * width).map { Float($0 % 5) - 2 }
            let options = ImportedNetwork.Options(
                dimensions: ["x:1": 2, "height": height, "width": width]
            )
            let own = try ImportedNetwork(parsing: file(), folder: nil, options: options)
            let session = Session(graph: own.graph, weights: own.weights(), pool: WorkerPool(threads: 1))
            try session.prepare(inputShape: own.graph.inputShape, batch: 1)
            session.setInput(0, to: image.span)
            #expect(session.run())
            let expected = session.withOutput("y", item: 0) { span in span.indices.map { span[$0] } }
            let found = try mean(networks, [1, 2, height, width], image)
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
        }
        #expect(networks.keptShapes.map { $0["x:2"] } == [8, 3])
    }

    @Test(arguments: [false, true]) func `keeps few, and forgets the one that nobody asked for longest`(
        growing: Bool
    ) throws {
        let networks = try networks(growing: growing)
        for height in 1...NetworksByShape.most + 2 {
            let found = try networks.network(for: ["x": [3, 2, height, 6]])
            #expect(found.batch == 3)
            #expect(found.network.inputs[0].dimensions == [1, 2, height, 6])
        }
        #expect(networks.keptShapes.map { $0["x:2"] } == Array(3...NetworksByShape.most + 2))
        _ = try networks.network(for: ["x": [1, 2, 5, 6]])
        #expect(networks.keptShapes.last?["x:2"] == 5)
    }

    @Test func `refuses shapes that the network cannot take, or that are too large`() throws {
        let networks = try networks()
        for shape in [[1, 3, 4, 4], [1, 2, 4], [1, 2, 0, 4], []] {
            #expect(throws: ServingError.self) { try networks.network(for: ["x": shape]) }
        }
        #expect(throws: ServingError.self) { try networks.network(for: [:]) }
        #expect(throws: ServingError.self) { try networks.network(for: ["x": [1, 2, 1 << 20, 1 << 20]]) }
        #expect(networks.keptShapes.isEmpty)
    }
}
