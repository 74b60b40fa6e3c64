package import Graphs
package import Platform
package import Tensors

/// The trained arrays of a graph, in the graph's order, and what kernels read instead of them.
///
/// They are in memory: nothing refers to the file that they came from. An array goes when a layer was packed from it.
package struct Weights: Sendable {
    /// As many as `graph.parameters`, with the same shapes.
    let arrays: [TrainedArray]
    /// The output shapes of the nodes of the model's own graph, by name: a layer's algorithm is chosen for these.
    let nativeShapes: [String: Shape]
    /// The forms that kernels read, shared by all copies.
    let packed: PackedWeights
    /// Whether these are the weights of the graph that they were made for, whose plans say what may go.
    let isNative: Bool
    /// What tells these weights from others: 32 bytes made from the names, shapes and numbers.
    ///
    /// Two that differ by accident have two; somebody with intent can make two alike.
    package let digest: [UInt8]
    /// The first parameter with a number that is infinite or none, in graph order; nil when all are finite.
    package let firstNotFinite: String?

    /// The trained arrays.
    ///
    /// - Precondition: nothing has been packed yet: no plan was made of these weights.
    package var tensors: [Tensor] { arrays.map(\.tensor) }

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
        _ file: any WeightsSource,
        for graph: Graph,
        ignoring: (String) -> Bool = { _ in false },
        memory: WeightMemory = .fast,
        tuning: Tuning = .off
    ) throws(WeightsError) {
        let tensors = try Self.tensors(of: file, for: graph.parameters, ignoring: ignoring)
        self.init(tensors.map { TrainedArray($0) }, for: graph, memory, tuning)
    }

    /// Takes the tensors of a file that two networks share; those of the file and those of both must be the same.
    ///
    /// - Returns: the weights of each network.
    /// - Throws: as for one.
    package static func pair(
        _ file: any WeightsSource,
        for first: Graph,
        _ second: Graph,
        ignoring: (String) -> Bool,
        memory: WeightMemory,
        tuning: Tuning
    ) throws(WeightsError) -> (first: Weights, second: Weights) {
        let all = first.parameters + second.parameters
        let tensors = try tensors(of: file, for: all, ignoring: ignoring)
        // What both networks read may be packed by one and read as it is by the other.
        let shared = Set(first.parameters.map(\.name)).intersection(second.parameters.map(\.name))
        let arrays = zip(all, tensors).map { TrainedArray($1, isKept: shared.contains($0.name)) }
        let count = first.parameters.count
        return (
            Weights(Array(arrays.prefix(count)), for: first, memory, tuning),
            Weights(Array(arrays.dropFirst(count)), for: second, memory, tuning)
        )
    }

    /// Takes arrays in the order of the graph's parameters.
    ///
    /// - Parameters:
    ///   - tensors: as many as the graph has parameters, with their shapes.
    ///   - graph: the network that needs them.
    ///   - memory: what the packed forms may take.
    ///   - tuning: how the algorithms of convolutions are chosen.
    package init(
        _ tensors: [Tensor],
        for graph: Graph,
        memory: WeightMemory = .fast,
        tuning: Tuning = .off
    ) {
        precondition(tensors.map(\.shape) == graph.parameters.map(\.shape), "the arrays of another graph")
        self.init(tensors.map { TrainedArray($0) }, for: graph, memory, tuning)
    }

    private init(_ arrays: [TrainedArray], for graph: Graph, _ memory: WeightMemory, _ tuning: Tuning) {
        self.arrays = arrays
        nativeShapes = Self.outputShapes(of: graph)
        isNative = true
        let summary = WeightsSummary(graph.parameters, arrays.map(\.tensor))
        digest = summary.digest
        firstNotFinite = summary.firstNotFinite
        packed = PackedWeights(AlgorithmChooser(memory, tuning, for: graph, fingerprint: summary.fingerprint))
    }

    private static func tensors(
        of file: any WeightsSource,
        for parameters: [Parameter],
        ignoring: (String) -> Bool
    ) throws(WeightsError) -> [Tensor] {
        let shapes = file.shapes
        let needed = Set(parameters.map(\.name))
        var tensors: [Tensor] = []
        var known: [String: Tensor] = [:]
        var missing: [Parameter] = []
        var misshapen: [WeightsError.Misshapen] = []
        var unreadable: [TensorFileError.Problem] = []
        for parameter in parameters {
            guard let shape = shapes[parameter.name] else {
                missing.append(parameter)
                continue
            }
            guard shape == parameter.shape else {
                misshapen.append(.init(name: parameter.name, found: shape, needed: parameter.shape))
                continue
            }
            do throws(TensorFileError) {
                if let tensor = known[parameter.name] {
                    tensors.append(tensor)
                } else {
                    let tensor = try file.tensor(parameter.name)
                    known[parameter.name] = tensor
                    tensors.append(tensor)
                }
            } catch {
                unreadable.append(error.problem)
            }
        }
        do {
            try file.checkUnchanged()
        } catch {
            // It explains the others, so it comes before them.
            unreadable.insert(error.problem, at: 0)
        }
        let extra = shapes.filter { !needed.contains($0.key) && !ignoring($0.key) }
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

    /// A trained array's numbers by its full name in the graph that these are the weights of; nil where there is none of that
    /// name, and once a layer was packed from it.
    package func remaining(_ name: String, of graph: Graph) -> Tensor? {
        let index = graph.parameters.firstIndex { $0.name == name }
        return index.flatMap { arrays.indices.contains($0) ? arrays[$0].remaining : nil }
    }

    /// The same numbers under the shapes of another graph.
    ///
    /// - Precondition: the graph's parameters have the names and counts of those that `other` was made for, in order.
    package init(_ other: Weights, for graph: Graph) {
        let parameters = graph.parameters
        precondition(
            parameters.count == other.arrays.count,
            "\(other.arrays.count) tensors for \(parameters.count) parameters"
        )
        arrays = zip(other.arrays, parameters).map { $0.reshaped(to: $1.shape) }
        nativeShapes = other.nativeShapes
        packed = other.packed
        isNative = false
        digest = other.digest
        firstNotFinite = other.firstNotFinite
    }

    /// The same numbers once more, of which nothing is held twice: what layers of the other network are packed from is read from
    /// there, and what is left of its arrays.
    ///
    /// Where this network reads an array that is packed there in another form, or as it is, its own is there to be read.
    /// - Precondition: both have the same digest: they are of one file, read for inputs of several shapes.
    package init(_ own: Weights, sharing other: Weights) {
        precondition(own.digest == other.digest, "other numbers")
        arrays = zip(own.arrays, other.arrays).map { $1.keep() ? $1.reshaped(to: $0.shape) : $0 }
        nativeShapes = other.nativeShapes
        packed = other.packed
        isNative = true
        digest = other.digest
        firstNotFinite = other.firstNotFinite
    }

    /// What the arrays take that are not those of another network.
    package func bytes(beside other: Weights) -> Int {
        zip(arrays, other.arrays).reduce(0) { $0 + ($1.0.isSame(as: $1.1) ? 0 : $1.0.bytes) }
    }

    /// What the numbers take in memory, packed or not yet, in bytes.
    package var bytes: Int { arrays.reduce(packed.bytes) { $0 + $1.bytes } }

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
        let arrays = graph.parameters.map {
            TrainedArray(SyntheticWeights.tensor($0.name, $0.shape, seed: seed, gain: gain))
        }
        // Made up numbers are not those of a file, so nothing is kept for them.
        self.init(arrays, for: graph, memory, tuning.unkept)
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

/// What is found out about weights while they are in memory.
struct WeightsSummary {
    /// Made from the names, shapes and numbers: 32 bytes.
    let digest: [UInt8]
    /// The first of the digest's numbers.
    let fingerprint: UInt64
    /// The first parameter with a number that is infinite or none.
    let firstNotFinite: String?

    /// - Precondition: there is a tensor for each parameter.
    init(_ parameters: [Parameter], _ tensors: [Tensor]) {
        var facts: [UInt64] = []
        var firstNotFinite: String?
        for (parameter, tensor) in zip(parameters, tensors) {
            facts.append(Fingerprint.of("\(parameter.name) \(parameter.shape)"))
            tensor.withSpan { numbers in
                facts.append(unsafe Fingerprint.of(numbers.bytes))
                if firstNotFinite == nil, !Self.areFinite(numbers) { firstNotFinite = parameter.name }
            }
        }
        let parts = (UInt64(0)..<4).map { unsafe Fingerprint.of(([$0] + facts).span.bytes) }
        digest = parts.flatMap { part in (0..<8).map { UInt8(truncatingIfNeeded: part >> (8 * $0)) } }
        fingerprint = parts[0]
        self.firstNotFinite = firstNotFinite
    }

    private static func areFinite(_ numbers: Span<Float>) -> Bool {
        var largest: UInt32 = 0 // an exponent of all ones is that of infinity and of what is no number
        for index in numbers.indices { largest = max(largest, numbers[index].bitPattern & 0x7F80_0000) }
        return largest < 0x7F80_0000
    }
}
