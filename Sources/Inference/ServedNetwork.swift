package import Engine
package import Support
internal import Synchronization

/// What an operator grants a model; what is left out follows the daemon's settings.
package struct ServingPolicy: Sendable, Equatable {
    /// The model's share of the engine beside others that are busy: one of 2 gets twice the time of one of 1.
    package var priority = 1
    /// The most items of a batch.
    package var maxBatchSize: Int?
    /// How long the first item waits for others although the engine is free.
    package var maxBatchDelay: Duration?
    /// The most items that wait.
    package var maxQueueItems: Int?
    /// The most networks that are kept for shapes which requests choose.
    package var mostShapes: Int?

    package init() {}
}

/// A network that requests share: one queue, one name in the metrics, one share of the engine.
package final class ServedNetwork: Sendable {
    /// The model's name and version, in metrics and messages.
    package let model: String
    package let version: String
    package let network: Network
    /// The outputs that a run hands out of each item, one after another.
    package let outputs: [String]
    package let policy: ServingPolicy
    /// The network whose queue it waits in; nil for its own.
    private let owner: ServedNetwork?
    private let retired: Atomic<Bool>

    /// - Parameters:
    ///   - model: its name.
    ///   - version: its version.
    ///   - graph: what runs.
    ///   - weights: the numbers.
    ///   - outputs: the names of outputs of the graph, at least one.
    ///   - policy: what the operator grants it.
    ///   - isLasting: false for a network that is asked for now and then: an engine forgets it whenever nothing waits for it.
    ///   - owner: the network whose queue, places and share of the engine it has too, such as the same for other shapes.
    package init(
        model: String,
        version: String,
        graph: Graph,
        weights: Weights,
        outputs: [String] = ServedNetwork.usualOutputs,
        policy: ServingPolicy = ServingPolicy(),
        isLasting: Bool = true,
        queuingWith owner: ServedNetwork? = nil
    ) {
        retired = Atomic(!isLasting)
        self.owner = owner?.queue
        self.model = model
        self.version = version
        network = Network(graph, weights: weights)
        self.outputs = outputs
        self.policy = policy
    }

    /// What a run hands out where nobody says otherwise.
    package static let usualOutputs = ["logits"]

    /// The network under which an engine knows it: its own, or the one whose queue it waits in.
    var queue: ServedNetwork { owner ?? self }

    /// Whether no further requests come, but for those that have the network already.
    var isRetired: Bool { retired.load(ordering: .relaxed) }

    func retire() { retired.store(true, ordering: .relaxed) }

    package var graph: Graph { network.graph }
    package var weights: Weights { network.weights }

    /// The most bytes that the activations of a network of one item may take.
    private static let maxItemBytes = 1 << 30

    /// The plan for items of a shape, made here and now if it is not there: choosing and packing are not the engine's work.
    ///
    /// - Throws: `ServingError` with the network's own words, `tooLarge` when an item would take too much memory, and
    ///   `memoryFull` when there is none to pack weights into.
    package func plan(for shape: Shape) throws(ServingError) -> Plan {
        let plan: Plan
        do {
            plan = try network.plan(for: graph.batchShape(for: shape))
        } catch .memory {
            // At least as much as the trained arrays take.
            let wanted = graph.parameters.reduce(0) { $0 + $1.shape.elementCount * ElementType.f32.size }
            throw .memoryFull(wanted: wanted, limit: 0)
        } catch {
            let expected = "model '\(model)' takes \(graph.inputShape)"
            throw .invalidInput("\(expected), and cannot run on \(shape): \(error.description)")
        }
        let bytes = plan.bytes(batch: 1, threads: 1)
        guard bytes <= Self.maxItemBytes else {
            let message = "model '\(model)' would need \(bytes) bytes for an input of \(shape)"
            throw .tooLarge(code: "input_too_large", "\(message), more than \(Self.maxItemBytes)")
        }
        return plan
    }
}
