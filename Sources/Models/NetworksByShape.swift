package import Engine
package import Inference
package import ONNX
package import Support
internal import Synchronization

/// The networks of one ONNX file for inputs of several shapes, each made when it is first asked for.
///
/// A plan has fixed shapes, and so has a graph that is made of a file, whose arithmetic of shapes is done by then. What is the
/// same whatever the shapes are, as a rule all trained numbers, is in memory once and packed once. A few networks are kept,
/// those that were asked for last; who holds one that is forgotten goes on with it.
package final class NetworksByShape: Sendable {
    /// A network that is ready to run.
    package struct Shaped: Sendable {
        package let served: ServedNetwork
        package let inputs: [ImportedNetwork.Port]
        package let outputs: [ImportedNetwork.Port]
        /// What its numbers take beyond those that all share, in bytes.
        let ownBytes: Int
    }

    /// How many are kept.
    package static let most = 8

    private let bytes: [UInt8]
    private let folder: String
    private let inputs: [OpenInput]
    private let fixed: [String: Int]
    /// The numbers of the network that the model was loaded with.
    private let shared: Weights
    private let mostNumbers: Int
    private let mostOwnBytes: Int
    private let served: @Sendable (Graph, Weights) -> ServedNetwork
    /// The one that was asked for last at the end.
    private let kept = Mutex<[(shapes: [String: Int], network: Shaped)]>([])
    private let making = Mutex(())

    /// - Parameters:
    ///   - bytes: of the file.
    ///   - folder: where external data lies.
    ///   - fixed: extents that the manifest gives, which no request changes.
    ///   - weights: of the network that the model was loaded with.
    ///   - served: makes what requests share, of a graph with its numbers.
    /// - Throws: `ONNXError` where the bytes are no model.
    package init(
        parsing bytes: [UInt8],
        folder: String,
        fixed: [String: Int],
        sharing weights: Weights,
        served: @escaping @Sendable (Graph, Weights) -> ServedNetwork
    ) throws(ONNXError) {
        self.bytes = bytes
        self.folder = folder
        self.fixed = fixed
        self.served = served
        shared = weights
        inputs = try OpenInput.all(parsing: bytes)
        // Constants that grow with the shapes, such as anchors, may take as much again as what was trained.
        mostNumbers = max(1 << 22, 2 * weights.bytes / ElementType.f32.size)
        mostOwnBytes = max(1 << 24, 2 * weights.bytes)
    }

    /// Whether there is anything that requests may choose.
    package var isOpen: Bool {
        inputs.contains { input in
            input.extents.indices.dropFirst().contains { axis in
                if case .open = input.extents[axis] { fixed[input.key(axis)] == nil } else { false }
            }
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
        let given: GivenShapes
        do throws(ONNXError) {
            given = try GivenShapes(shapes, for: inputs, fixed: fixed)
        } catch {
            throw .invalidInput(error.description)
        }
        if let known = known(given.dimensions) { return (known, given.batch) }
        // Held while one is made: who wants the same one waits for it instead of making it too.
        let network = try making.withLock { _ throws(ServingError) in
            if let known = known(given.dimensions) { return known }
            let network = try made(given.dimensions)
            keep(network, for: given.dimensions)
            return network
        }
        return (network, given.batch)
    }

    private func known(_ shapes: [String: Int]) -> Shaped? {
        kept.withLock { kept in
            guard let index = kept.lastIndex(where: { $0.shapes == shapes }) else { return nil }
            let found = kept.remove(at: index)
            kept.append(found)
            return found.network
        }
    }

    private func keep(_ network: Shaped, for shapes: [String: Int]) {
        kept.withLock { kept in
            kept.append((shapes, network))
            while kept.count > 1,
                kept.count > Self.most || kept.reduce(0, { $0 + $1.network.ownBytes }) > mostOwnBytes
            {
                kept.removeFirst()
            }
        }
    }

    private func made(_ dimensions: [String: Int]) throws(ServingError) -> Shaped {
        let imported: ImportedNetwork
        do throws(ONNXError) {
            let options = ImportedNetwork.Options(dimensions: dimensions, mostNumbers: mostNumbers)
            imported = try ImportedNetwork(parsing: bytes, folder: folder, options: options)
        } catch {
            let message = "the network cannot take inputs of these shapes: \(error.description)"
            if case .tooLarge = error { throw .tooLarge(code: "input_too_large", message) }
            throw .invalidInput(message)
        }
        let own = imported.weights()
        let isShared = own.digest == shared.digest
        let weights = isShared ? Weights(shared, for: imported.graph) : own
        let network = served(imported.graph, weights)
        _ = try network.plan(for: imported.graph.inputShape)
        return Shaped(
            served: network,
            inputs: imported.inputs,
            outputs: imported.outputs,
            ownBytes: isShared ? 0 : weights.bytes
        )
    }

    /// The shapes of the networks that are kept, the one that was asked for last at the end, for tests.
    package var keptShapes: [[String: Int]] { kept.withLock { $0.map(\.shapes) } }
}
