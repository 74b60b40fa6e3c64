package import Platform

/// A tensor for each parameter of a graph, in the graph's order.
package struct Weights: Sendable {
    /// As many as `graph.parameters`, with the same shapes.
    package let tensors: [Tensor]
    /// The output shapes of the nodes of the model's own graph, by name: a layer's algorithm is chosen for these.
    let nativeShapes: [String: Shape]
    /// The forms that kernels read, shared by all copies.
    let packed: PackedWeights

    /// Takes the tensors of a file; those of the file and those of the graph must be the same.
    ///
    /// - Parameters:
    ///   - file: where the tensors are.
    ///   - graph: the network that needs them.
    ///   - ignoring: names that may be in the file although the graph does not know them.
    ///   - memory: what the packed forms may take.
    ///   - tuning: how the algorithms of convolutions are chosen.
    /// - Throws: `WeightsError` with everything that is missing, too much, misshapen or unreadable.
    package init(
        _ file: Safetensors,
        for graph: Graph,
        ignoring: (String) -> Bool = { _ in false },
        memory: WeightMemory = .fast,
        tuning: Tuning = .off
    ) throws(WeightsError) {
        let tensors = try Self.tensors(of: file, for: graph.parameters, ignoring: ignoring)
        self.init(tensors, of: file, for: graph, memory, tuning)
    }

    /// Takes the tensors of a file that two networks share; those of the file and those of both must be the same.
    ///
    /// - Returns: the weights of each network.
    /// - Throws: as for one.
    package static func pair(
        _ file: Safetensors,
        for first: Graph,
        _ second: Graph,
        ignoring: (String) -> Bool,
        memory: WeightMemory,
        tuning: Tuning
    ) throws(WeightsError) -> (first: Weights, second: Weights) {
        let all = first.parameters + second.parameters
        let tensors = try tensors(of: file, for: all, ignoring: ignoring)
        let count = first.parameters.count
        return (
            Weights(Array(tensors.prefix(count)), of: file, for: first, memory, tuning),
            Weights(Array(tensors.dropFirst(count)), of: file, for: second, memory, tuning)
        )
    }

    private init(
        _ tensors: [Tensor],
        of file: Safetensors,
        for graph: Graph,
        _ memory: WeightMemory,
        _ tuning: Tuning
    ) {
        self.tensors = tensors
        nativeShapes = Self.outputShapes(of: graph)
        packed = PackedWeights(ConvChooser(memory, tuning, for: graph) { file.fingerprint })
    }

    private static func tensors(
        of file: Safetensors,
        for parameters: [Parameter],
        ignoring: (String) -> Bool
    ) throws(WeightsError) -> [Tensor] {
        let shapes = file.shapes
        let known = Set(parameters.map(\.name))
        var tensors: [Tensor] = []
        var missing: [Parameter] = []
        var misshapen: [WeightsError.Misshapen] = []
        var unreadable: [SafetensorsError.Problem] = []
        for parameter in parameters {
            guard let shape = shapes[parameter.name] else {
                missing.append(parameter)
                continue
            }
            guard shape == parameter.shape else {
                misshapen.append(.init(name: parameter.name, found: shape, needed: parameter.shape))
                continue
            }
            do {
                tensors.append(try file.tensor(parameter.name))
            } catch {
                unreadable.append(error.problem)
            }
        }
        let extra = shapes.filter { !known.contains($0.key) && !ignoring($0.key) }
            .map { Parameter($0.key, $0.value) }
            .sorted { $0.name < $1.name }
        guard missing.isEmpty, extra.isEmpty, misshapen.isEmpty, unreadable.isEmpty else {
            throw WeightsError(
                path: file.path,
                missing: missing,
                extra: extra,
                misshapen: misshapen,
                unreadable: unreadable
            )
        }
        return tensors
    }

    /// The same numbers under the shapes of another graph.
    ///
    /// - Precondition: the graph's parameters have the names and counts of those that `other` was made for, in order.
    package init(_ other: Weights, for graph: Graph) {
        let parameters = graph.parameters
        precondition(
            parameters.count == other.tensors.count,
            "\(other.tensors.count) tensors for \(parameters.count) parameters"
        )
        tensors = zip(other.tensors, parameters).map { $0.reshaped(to: $1.shape) }
        nativeShapes = other.nativeShapes
        packed = other.packed
    }

    /// Why the algorithms that were found by measuring could not be kept for the next time; nil when they could.
    package var tuningFailure: SystemError? { packed.tuningFailure }

    /// Makes weights up: the same for the same names, shapes, seed and gain.
    package init(
        synthetic seed: UInt64,
        gain: Double = 1,
        for graph: Graph,
        memory: WeightMemory = .fast,
        tuning: Tuning = .off
    ) {
        tensors = graph.parameters.map {
            SyntheticWeights.tensor($0.name, $0.shape, seed: seed, gain: gain)
        }
        nativeShapes = Self.outputShapes(of: graph)
        // Made up numbers are not those of a file, so nothing is kept for them.
        packed = PackedWeights(ConvChooser(memory, tuning.unkept, for: graph) { 0 })
    }

    private static func outputShapes(of graph: Graph) -> [String: Shape] {
        Dictionary(graph.nodes.map { ($0.name, $0.shape) }) { first, _ in first }
    }
}

/// What the packed weights of a model may take.
package enum WeightMemory: String, Sendable, CaseIterable {
    /// Up to several times the weights, where that makes a layer faster.
    case fast
    /// Hardly more than the weights.
    case compact
}
