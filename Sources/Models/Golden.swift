package import Engine
package import Inference
package import Support

/// Inputs with the outputs that a model must have for them: what tells a new version that computes something else from one
/// that works.
///
/// The file `golden.safetensors` in a version's folder has the tensors `input`, items × an item's shape, and `logits`, items
/// × the output's; those of an extractor and a decoder stand behind `extractor.` and `decoder.`. `tolerance`, one number, is
/// how far an output may be from its own largest, 1e-3 when it is not there: machines differ in the last bits.
package struct Golden: Sendable {
    /// The file's name in the folder of a version.
    package static let fileName = "golden.safetensors"
    private static let defaultTolerance: Float = 1e-3
    private static let maxItems = 256

    private struct Case: Sendable {
        let prefix: String
        let network: ServedNetwork
        let inputs: [Tensor]
        let expected: [[Float]]
    }

    private let cases: [Case]
    private let tolerance: Float

    /// Reads the file of a model.
    ///
    /// - Throws: `TensorFileError`, and `FormatError` for tensors that the model does not have or cannot take.
    package init(path: String, of model: Model) throws {
        let file = try Safetensors(path: path)
        let names = file.shapes.keys
        tolerance =
            names.contains("tolerance") ? try file.tensor("tolerance").values[0] : Self.defaultTolerance
        cases = try Self.stages(of: model).compactMap { prefix, network in
            guard prefix.isEmpty || names.contains("\(prefix)input") else { return nil }
            let inputs = try Self.items(of: file.tensor("\(prefix)input"), "\(prefix)input")
            let expected = try Self.items(of: file.tensor("\(prefix)logits"), "\(prefix)logits")
            guard inputs.count == expected.count else {
                throw Self.fault("\(inputs.count) inputs for \(expected.count) outputs")
            }
            for input in inputs { try Self.check(input, network) }
            return Case(prefix: prefix, network: network, inputs: inputs, expected: expected.map(\.values))
        }
        try file.checkUnchanged()
    }

    /// Runs the inputs and compares.
    ///
    /// - Throws: `ServingError` with the number that is furthest off.
    package func check(
        _ run: (ServedNetwork, [Tensor]) async throws(ServingError) -> [[Float]]
    ) async throws(ServingError) {
        for golden in cases {
            let found = try await run(golden.network, golden.inputs)
            for (item, (found, expected)) in zip(found, golden.expected).enumerated() {
                guard found.count == expected.count else {
                    throw Self.mismatch(
                        "\(golden.prefix)logits has \(expected.count) numbers an item, the model \(found.count)"
                    )
                }
                let largest = expected.reduce(0) { max($0, abs($1)) }
                let worst = zip(found, expected).enumerated().max { one, other in
                    abs(one.element.0 - one.element.1) < abs(other.element.0 - other.element.1)
                }
                guard let (index, (number, wanted)) = worst, !(abs(number - wanted) <= tolerance * largest)
                else {
                    continue
                }
                let place = "\(golden.prefix)logits[\(item)][\(index)]"
                throw Self.mismatch(
                    "\(place) is \(number), expected \(wanted) to within \(tolerance * largest)"
                )
            }
        }
    }

    /// What the networks of a model make of inputs, as tensors for the file.
    ///
    /// - Parameters:
    ///   - model: which.
    ///   - input: items for the main network; nil makes some up, as for the others.
    ///   - run: runs items through a network.
    /// - Returns: the tensors in the file's order.
    /// - Throws: `FormatError` for an input that the model cannot take, and what `run` throws.
    package static func tensors(
        of model: Model,
        input: Tensor? = nil,
        run: (ServedNetwork, [Tensor]) async throws(ServingError) -> [[Float]]
    ) async throws -> [(name: String, tensor: Tensor)] {
        var tensors: [(name: String, tensor: Tensor)] = []
        for (prefix, network) in stages(of: model) {
            let given = prefix.isEmpty ? input : nil
            let items =
                try given.map { try self.items(of: $0, "input") } ?? samples(of: network.graph, model.head)
            for item in items { try check(item, network) }
            let outputs = try await run(network, items)
            let inputs = Tensor(
                shape: Shape([items.count] + items[0].shape.dimensions),
                values: items.flatMap(\.values)
            )
            let logits = Tensor(shape: [outputs.count, outputs[0].count], values: outputs.flatMap(\.self))
            tensors += [("\(prefix)input", inputs), ("\(prefix)logits", logits)]
        }
        return tensors
    }

    private static func stages(of model: Model) -> [(prefix: String, network: ServedNetwork)] {
        let pipeline = model.pipeline
        return [("", pipeline.main)]
            + [("extractor.", pipeline.extractor), ("decoder.", pipeline.decoder)].compactMap {
                prefix,
                network in
                network.map { (prefix, $0) }
            }
    }

    private static func items(of tensor: Tensor, _ name: String) throws(FormatError) -> [Tensor] {
        guard tensor.shape.rank > 1, 1...maxItems ~= tensor.shape[0], tensor.shape.elementCount > 0 else {
            throw fault("'\(name)' is \(tensor.shape); expected 1 to \(maxItems) items × their shape")
        }
        let shape = Shape(Array(tensor.shape.dimensions.dropFirst()))
        let values = tensor.values
        return (0..<tensor.shape[0]).map { index in
            let start = index * shape.elementCount
            return Tensor(shape: shape, values: Array(values[start..<start + shape.elementCount]))
        }
    }

    private static func check(_ item: Tensor, _ network: ServedNetwork) throws {
        _ = try network.plan(for: item.shape)
        if let (value, size) = network.graph.firstUnknownToken(in: item.values) {
            throw fault("input: expected whole numbers from 0 to \(size - 1), found \(value)")
        }
        guard item.values.allSatisfy(\.isFinite) else { throw fault("input: a number is not finite") }
    }

    private static let sampleCount = 2
    private static let sampleSteps = 12

    /// Items of synthetic numbers, the same for every model of the same input.
    private static func samples(of graph: Graph, _ head: Head) -> [Tensor] {
        let input = graph.inputShape
        let isFixed = input.rank > 2 || !graph.takesSequences
        let shape: Shape = isFixed ? input : Shape([sampleSteps] + input.dimensions.dropFirst())
        return (0..<sampleCount).map { number in
            var values = SyntheticWeights.tensor("golden", shape, seed: UInt64(number)).values
            for tokens in graph.tokenColumns {
                for place in stride(from: tokens.column, to: values.count, by: tokens.columns) {
                    values[place] = Float((place * 7 + number) % tokens.size)
                }
            }
            if case .tensors(let ports) = head { ports.makeWhole(&values) }
            return Tensor(shape: shape, values: values)
        }
    }

    private static func fault(_ message: String) -> FormatError { FormatError(fileName, message) }

    private static func mismatch(_ message: String) -> ServingError {
        .failed(code: "golden_mismatch", "\(fileName): \(message)")
    }
}

extension Graph {
    /// The first number that stands for a token and is none, with how many there are; nil when all are.
    ///
    /// Token numbers index the tables of the embeddings, so each must be a whole number within its own.
    package func firstUnknownToken(in values: [Float]) -> (value: Float, size: Int)? {
        for tokens in tokenColumns {
            for place in stride(from: tokens.column, to: values.count, by: tokens.columns) {
                let value = values[place]
                guard value >= 0, value < Float(tokens.size), value == value.rounded() else {
                    return (value, tokens.size)
                }
            }
        }
        return nil
    }
}

extension Scheduler {
    /// Runs a model once on zeros (a sequence of one step), so that its first request finds everything laid out, and then
    /// what its folder says that it must answer.
    ///
    /// - Throws: `ServingError` when the model cannot run, gives an output that is not a finite number, or another than it
    ///   must.
    package func warmUp(_ model: Model, _ golden: Golden? = nil) async throws(ServingError) {
        for network in model.networks {
            let shape = network.graph.inputShape
            // Chosen, tuned and packed here, not on the engine's thread.
            _ = try network.plan(for: shape).estimatedSeconds(batch: 1)
            let zeros = Tensor(shape: shape, values: Array(repeating: 0, count: shape.elementCount))
            let inference = try await infer(network, items: [zeros])
            // What a network of any tensors gives for zeros may be infinite, as logarithms are.
            if case .tensors = model.head { continue }
            guard inference.outputs.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
                throw .internalError("the network's output is not a finite number", code: "not_finite")
            }
        }
        try await golden?.check { network, items throws(ServingError) in
            try await infer(network, items: items).outputs
        }
    }
}
