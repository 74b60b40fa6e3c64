internal import Engine
internal import ONNX

/// A network of somebody else: one that is imported can be laid out and run, and gives outputs of the sizes that it says.
func fuzzONNX(_ bytes: [UInt8]) {
    let options = ImportedNetwork.Options(mostNumbers: 1 << 16)
    guard let network = attempt({ try ImportedNetwork(parsing: bytes, folder: nil, options: options) }) else {
        return
    }
    let work = network.graph.nodes.reduce(network.graph.multiplyAdds) { $0 + $1.shape.elementCount }
    guard network.graph.nodes.count < 64, work < 1 << 24 else { return }
    let session = Session(graph: network.graph, weights: network.weights(), pool: WorkerPool(threads: 1))
    let shape = network.graph.inputShape
    guard attempt({ try session.prepare(inputShape: shape, batch: 1) }) != nil else { return }
    session.setInput(0, to: [Float](repeating: 0.5, count: shape.elementCount).span)
    require(session.run(), "a run comes to its end")
    for port in network.outputs {
        let found = network.output(port, item: 0, of: session).shape.dimensions
        let fits = zip(found, port.dimensions).enumerated().allSatisfy { axis, pair in
            axis == port.varying?.axis ? pair.0 <= pair.1 : pair.0 == pair.1
        }
        require(fits && found.count == port.dimensions.count, "an output has the shape that it says")
    }
}
