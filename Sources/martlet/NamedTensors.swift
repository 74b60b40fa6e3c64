internal import Engine
internal import Inference
internal import Models

/// A model that takes any tensors, on those of a safetensors file: one for each input under its name, one for each output.
struct NamedTensors {
    private let model: Model
    private let ports: NetworkPorts

    init(_ model: Model, _ ports: NetworkPorts) { (self.model, self.ports) = (model, ports) }

    /// - Shape: batch × an item's shape, where the network has a batch; else as the network's.
    /// - Throws: `TensorFileError` for a tensor that is not there, `CommandError` for one of another shape.
    func run(_ file: Safetensors, threads: Int) throws -> [(name: String, tensor: Tensor)] {
        let tensors = try ports.inputs.map { try file.tensor($0.name) }
        let shapes = zip(ports.inputs, tensors).map { ($0.name, $1.shape.dimensions) }
        let shaped = try model.shapes?.network(for: Dictionary(shapes) { first, _ in first }).network
        let (ports, graph) = (shaped?.ports ?? ports, (shaped?.served ?? model.network).graph)
        let weights = (shaped?.served ?? model.network).weights
        let batch = ports.isBatched ? tensors.first?.shape.dimensions.first ?? 1 : 1
        let prefix = ports.isBatched ? [batch] : []
        for (port, tensor) in zip(ports.inputs, tensors) {
            let expected = Shape(prefix + port.dimensions)
            guard tensor.shape == expected, batch > 0 else {
                throw CommandError("\(port.name): expected \(expected), found \(tensor.shape)")
            }
        }
        let session = Session(graph: graph, weights: weights, pool: WorkerPool(threads: threads))
        try session.prepare(inputShape: graph.inputShape, batch: batch)
        let columns = tensors.map(\.values)
        for item in 0..<batch {
            let values = columns.flatMap { $0[item * $0.count / batch..<(item + 1) * $0.count / batch] }
            if let (value, size) = graph.firstUnknownToken(in: values) {
                throw CommandError("expected whole numbers from 0 to \(size - 1), found \(value)")
            }
            session.setInput(item, to: values.span)
        }
        _ = session.run()
        return ports.outputs.map { port in
            let values = (0..<batch).flatMap { item in
                session.withOutput(port.name, item: item) { span in span.indices.map { span[$0] } }
            }
            return (port.name, Tensor(shape: Shape(prefix + port.dimensions), values: values))
        }
    }
}
