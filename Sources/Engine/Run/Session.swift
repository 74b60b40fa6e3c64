/// A network ready to run: its plans and the memory that they share.
///
/// A session belongs to one thread.
/// `prepare` for the items' shape and number, `setInput` for each item, `run`, then read the outputs. A run uses up its
/// input: set it again before the next. An item's output is bit-identical at every batch size, at every place in the
/// batch and with every number of threads. A run allocates nothing.
package final class Session {
    /// How many input shapes are remembered; the one that was not used for longest is forgotten first.
    package static let maxPlans = 64

    private let graph: Graph
    private let weights: Weights
    private let pool: WorkerPool
    private let memory = Arena()
    private let threadMemory = Arena()
    private var plans: [(shape: Shape, plan: Plan)] = [] // the most recently used last
    private var batch = 0

    /// A session for a network; nothing is laid out before the first `prepare`.
    package init(graph: Graph, weights: Weights, pool: WorkerPool) {
        self.graph = graph
        self.weights = weights
        self.pool = pool
    }

    /// Gets ready for a number of items of one shape.
    ///
    /// - Throws: `ShapeError` when the network cannot take such items.
    package func prepare(inputShape: Shape, batch: Int) throws(ShapeError) {
        precondition(batch > 0, "a batch of \(batch)")
        let plan = try plan(for: inputShape)
        memory.reserve(plan.floatsPerItem * batch)
        threadMemory.reserve(plan.floatsPerThread * pool.threads)
        self.batch = batch
    }

    /// The memory that the activations of one item of a shape take, in bytes.
    ///
    /// - Throws: `ShapeError` when the network cannot take such items.
    package func itemBytes(inputShape: Shape) throws(ShapeError) -> Int {
        try plan(for: inputShape).floatsPerItem * MemoryLayout<Float>.stride
    }

    /// Copies one item in.
    ///
    /// - Precondition: `prepare` was called, `item` is below its batch, and the item has its shape's element count.
    package func setInput(_ item: Int, to values: Span<Float>) {
        let input = current.input
        checkItem(item)
        precondition(
            values.count == input.count,
            "an item of \(values.count) floats, expected \(input.count)"
        )
        memory.store(values, at: input.offset * batch + item * input.count)
    }

    /// Runs the network on the items.
    ///
    /// - Parameter shouldContinue: asked before every operation, or every few items where threads own whole items;
    ///   false ends the run.
    /// - Returns: whether the run came to its end, so that there are outputs.
    package func run(while shouldContinue: () -> Bool = { true }) -> Bool {
        planRun.run(while: shouldContinue)
    }

    /// A run of the current plan on the current batch.
    var planRun: PlanRun {
        let plan = current
        let memory = OpCall.Memory(
            values: memory,
            threads: threadMemory,
            floatsPerThread: plan.floatsPerThread,
            valuesPerThread: plan.valuesPerThread,
            batch: batch
        )
        return PlanRun(plan: plan, memory: memory, pool: pool)
    }

    /// Calls `body` with an output of one item.
    ///
    /// - Precondition: the last `run` returned true, the graph has an output of this name, `item` is in the batch.
    package func withOutput<Result>(
        _ name: String,
        item: Int,
        _ body: (Span<Float>) throws -> Result
    ) rethrows -> Result {
        checkItem(item)
        guard let output = current.outputs.first(where: { $0.name == name }) else {
            preconditionFailure("no output '\(name)'; there are \(current.outputs.map(\.name))")
        }
        return try memory.withSpan(
            at: output.offset * batch + item * output.count,
            count: output.count,
            body
        )
    }

    /// The memory that the session holds for activations and scratch; weights are not counted.
    package var memoryBytes: Int { (memory.count + threadMemory.count) * MemoryLayout<Float>.stride }

    private var current: Plan {
        guard let last = plans.last else { preconditionFailure("prepare was not called") }
        return last.plan
    }

    private func checkItem(_ item: Int) {
        precondition(item >= 0 && item < batch, "item \(item) of a batch of \(batch)")
    }

    private func plan(for shape: Shape) throws(ShapeError) -> Plan {
        if let index = plans.lastIndex(where: { $0.shape == shape }) {
            if index < plans.count - 1 { plans.append(plans.remove(at: index)) }
            return current
        }
        let plan = Plan(try graph.reshaped(to: shape), weights: weights)
        if plans.count == Self.maxPlans { plans.removeFirst() }
        plans.append((shape, plan))
        return plan
    }
}
