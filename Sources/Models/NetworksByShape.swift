package import Engine
package import Inference
package import ONNX
internal import Platform
package import Support
internal import Synchronization

/// The networks of one ONNX file for inputs of several shapes, each made when it is first asked for.
///
/// A plan has fixed shapes, and so has a graph that is made of a file, whose arithmetic of shapes is done by then. What is the
/// same whatever the shapes are, as a rule all trained numbers, is in memory once and packed once. A few networks are kept,
/// those that were asked for last, beside the one that the model was loaded with; who holds one that is forgotten goes on with
/// it. All of them wait in one queue at the engine.
package final class NetworksByShape: Sendable {
    /// A network that is ready to run.
    package struct Shaped: Sendable {
        package let served: ServedNetwork
        package let inputs: [ImportedNetwork.Port]
        package let outputs: [ImportedNetwork.Port]
        /// Its inputs and outputs as requests have them.
        package let ports: NetworkPorts
        /// What it takes beyond what all share, in bytes.
        let ownBytes: Int
        /// For these.
        fileprivate let lease: MemoryLease?
    }

    private struct State {
        /// The one that was asked for last at the end.
        var kept: [(shapes: [String: Int], network: Shaped)] = []
        var made = 0
    }

    /// How many are kept where the manifest does not say.
    package static let most = 8
    /// What a node of a plan takes, about.
    private static let bytesPerNode = 2048

    private let file: OpenFile
    private let most: Int
    /// The network that the model was loaded with.
    private let first: (shapes: [String: Int], network: Shaped)?
    private let shared: Weights
    private let memory: WeightMemory
    private let mostNumbers: Int
    private let served: @Sendable (Graph, Weights, [String]) -> ServedNetwork
    private let state = Mutex(State())
    private let making = Mutex(())

    /// - Parameters:
    ///   - file: which leaves extents open.
    ///   - weights: of the network that the model was loaded with.
    ///   - most: how many are kept.
    ///   - served: makes what requests share, of a graph with its numbers and the names of its outputs.
    package init(
        of file: OpenFile,
        sharing weights: Weights,
        most: Int = NetworksByShape.most,
        served: @escaping @Sendable (Graph, Weights, [String]) -> ServedNetwork
    ) {
        self.file = file
        self.most = most
        self.served = served
        first = nil
        shared = weights
        memory = .fast
        mostNumbers = Self.mostNumbers(weights)
    }

    /// Those beside the network of a model.
    ///
    /// - Parameters:
    ///   - file: which leaves extents open.
    ///   - network: what the model was loaded with.
    ///   - imported: the same as it was read.
    ///   - manifest: what it says about memory and shapes.
    init(
        of file: OpenFile,
        beside network: ServedNetwork,
        _ imported: ImportedNetwork,
        _ manifest: Manifest
    ) {
        self.file = file
        memory = manifest.memory
        most = network.policy.mostShapes ?? max(Self.most, manifest.warmShapes.count)
        served = { graph, weights, outputs in
            ServedNetwork(
                model: network.model,
                version: network.version,
                graph: graph,
                weights: weights,
                outputs: outputs,
                policy: network.policy,
                queuingWith: network
            )
        }
        let main = Shaped(
            served: network,
            inputs: imported.inputs,
            outputs: imported.outputs,
            ports: NetworkPorts(imported, file),
            ownBytes: 0,
            lease: nil
        )
        first = (file.dimensions, main)
        shared = network.weights
        mostNumbers = Self.mostNumbers(network.weights)
    }

    /// The most constants of a network: those that grow with the shapes, such as anchors, may take as much again as what was
    /// trained.
    private static func mostNumbers(_ weights: Weights) -> Int {
        max(1 << 22, 2 * weights.bytes / ElementType.f32.size)
    }

    /// What a request asks for: the extents of a network, and how many items there are.
    ///
    /// - Throws: `ServingError` 400 where a tensor is missing, or its shape is none that the file allows.
    package func given(_ shapes: [String: [Int]]) throws(ServingError) -> GivenShapes {
        do throws(ONNXError) {
            return try GivenShapes(shapes, for: file.inputs, fixed: file.fixed)
        } catch {
            throw .invalidInput(error.description)
        }
    }

    /// The network for inputs of some shapes, and how many items these are.
    ///
    /// It is planned on this thread, which may take as long as loading the model.
    ///
    /// - Parameter shapes: of the tensors, by the names of the inputs.
    /// - Returns: the network, and how many items the tensors hold.
    /// - Throws: `ServingError` where the network cannot take them, or would take too much memory.
    package func network(for shapes: [String: [Int]]) throws(ServingError) -> (network: Shaped, batch: Int) {
        let given = try given(shapes)
        return (try network(for: given), given.batch)
    }

    /// The same for what a request asks for.
    ///
    /// - Parameters:
    ///   - given: the extents.
    ///   - budget: what its own bytes are leased from.
    /// - Returns: the network.
    /// - Throws: `ServingError` as above, and where there is no memory.
    func network(for given: GivenShapes, _ budget: MemoryBudget? = nil) throws(ServingError) -> Shaped {
        if let known = known(given) { return known }
        // Held while one is made: who wants the same one waits for it instead of making it too.
        return try making.withLock { _ throws(ServingError) in
            if let known = known(given) { return known }
            let network = try made(given.dimensions, budget)
            keep(network, for: given.dimensions, budget)
            return network
        }
    }

    /// Makes the networks for extents that the manifest names.
    ///
    /// - Throws: `ServingError` that says which cannot be made.
    func makeWarm(_ shapes: [[String: Int]]) throws(ServingError) {
        for (index, extents) in shapes.enumerated() {
            let given: GivenShapes
            do throws(ONNXError) {
                given = try file.given(extents)
            } catch {
                throw .invalidInput("warm_shapes[\(index)]: \(error.description)")
            }
            _ = try network(for: given)
        }
    }

    /// The network for what a request asks for, if it is there.
    package func known(_ given: GivenShapes) -> Shaped? {
        if let first, first.shapes == given.dimensions { return first.network }
        return state.withLock { state in
            guard let index = state.kept.lastIndex(where: { $0.shapes == given.dimensions }) else {
                return nil
            }
            let found = state.kept.remove(at: index)
            state.kept.append(found)
            return found.network
        }
    }

    /// Keeps a network, and forgets those that nobody asked for lately: of more than may be, and while those of all models have
    /// more than a quarter of the budget.
    private func keep(_ network: Shaped, for shapes: [String: Int], _ budget: MemoryBudget?) {
        state.withLock { state in
            state.made += 1
            state.kept.append((shapes, network))
            func isTooMuch() -> Bool {
                guard let budget, state.kept.count <= most else { return state.kept.count > most }
                return budget.used(for: .shapes) > budget.limit / 4
            }
            while state.kept.count > 1, isTooMuch() { state.kept.removeFirst() }
        }
    }

    private func made(_ dimensions: [String: Int], _ budget: MemoryBudget?) throws(ServingError) -> Shaped {
        // What the file's numbers take while they are compared with those that are there.
        let lease = try budget.map { budget throws(ServingError) in
            try self.lease(file.bytes.count + Self.bytesPerNode, budget)
        }
        let imported = try imported(dimensions)
        let own = imported.weights(memory: memory)
        let isShared = own.digest == shared.digest
        guard isShared || !imported.hasExternalData || file.isUnchanged else {
            throw .failed(
                code: "model_changed",
                "the files that the network is made of have changed since it was loaded; load it again"
            )
        }
        let weights = isShared ? Weights(own, sharing: shared) : own
        let ports = NetworkPorts(imported, file)
        let network = served(imported.graph, weights, ports.outputs.map(\.name))
        _ = try network.plan(for: imported.graph.inputShape)
        let ownBytes =
            (isShared ? weights.bytes(beside: shared) : weights.bytes) + imported.graph.nodes.count
            * Self.bytesPerNode
        if let budget, lease?.resize(to: ownBytes) == false { throw budget.refusal(of: ownBytes) }
        return Shaped(
            served: network,
            inputs: imported.inputs,
            outputs: imported.outputs,
            ports: ports,
            ownBytes: ownBytes,
            lease: lease
        )
    }

    /// Leases bytes; networks that nobody asked for lately make room.
    private func lease(_ bytes: Int, _ budget: MemoryBudget) throws(ServingError) -> MemoryLease {
        while true {
            if let lease = budget.lease(bytes, for: .shapes) { return lease }
            let isForgotten = state.withLock { state in
                guard !state.kept.isEmpty else { return false }
                state.kept.removeFirst()
                return true
            }
            guard isForgotten else { throw budget.refusal(of: bytes) }
        }
    }

    private func imported(_ dimensions: [String: Int]) throws(ServingError) -> ImportedNetwork {
        do throws(ONNXError) {
            let options = ImportedNetwork.Options(
                dimensions: dimensions,
                mostNumbers: mostNumbers,
                largestArray: 1 << 28
            )
            return try ImportedNetwork(parsing: file.bytes, folder: file.folder, options: options)
        } catch {
            let message = "the network cannot take inputs of these shapes: \(error.description)"
            if case .tooLarge = error { throw .tooLarge(code: "input_too_large", message) }
            throw .invalidInput(message)
        }
    }

    /// What the file and the networks that are kept take beyond the model's own, in bytes.
    var bytes: Int {
        file.bytes.count + state.withLock { $0.kept.reduce(0) { $0 + $1.network.ownBytes } }
    }

    /// How many are kept beside the model's own, and how many have been made since it was loaded.
    package var counts: (kept: Int, made: Int) { state.withLock { ($0.kept.count, $0.made) } }

    /// The shapes of the networks that are kept, the one that was asked for last at the end, for tests.
    package var keptShapes: [[String: Int]] { state.withLock { $0.kept.map(\.shapes) } }
}
