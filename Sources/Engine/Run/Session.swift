internal import Platform

/// A network ready to run: its plans and the memory that they share.
///
/// A session belongs to one thread.
/// `prepare` for the items' shape and number, `setInput` for each item, `run`, then read the outputs. A run uses up its
/// input: set it again before the next. An item's output is bit-identical at every batch size, at every place in the
/// batch and with every number of threads. A run allocates nothing.
///
/// Where items are sequences, the shape's first dimension is the most steps that an item of the batch may have; each
/// item's answer is that of its own steps. A recurrent network starts from the state that `setState` gave the item,
/// else from zeros, and `withState` hands out the one in which it ended: the parts of a sequence, run one after the
/// other, give the bits of the whole.
package final class Session {
    /// How many input shapes are remembered; the one that was not used for longest is forgotten first.
    package static let maxPlans = 64

    private let graph: Graph
    private let weights: Weights
    private let pool: WorkerPool
    private let memory = Arena()
    private let threadMemory = Arena()
    private let states = Arena()
    private let steps = StepCounts()
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
        do throws(SystemError) {
            try memory.reserve(plan.floatsPerItem * batch)
            try threadMemory.reserve(plan.floatsPerThread * pool.threads)
            try states.reserve(plan.statePerItem * batch)
        } catch {
            fatalError("a batch of \(batch) items of \(inputShape): \(error)")
        }
        steps.reserve(batch, steps: plan.maxSteps)
        self.batch = batch
    }

    /// The memory that the activations of one item of a shape take, in bytes.
    ///
    /// - Throws: `ShapeError` when the network cannot take such items.
    package func itemBytes(inputShape: Shape) throws(ShapeError) -> Int {
        try plan(for: inputShape).floatsPerItem * MemoryLayout<Float>.stride
    }

    /// Copies one item in, and sets its state to zeros.
    ///
    /// - Precondition: `prepare` was called, `item` is below its batch, and the item has its shape's element count; a
    ///   sequence may be whole steps of it, at least one.
    package func setInput(_ item: Int, to values: Span<Float>) {
        let plan = current
        let input = plan.input
        checkItem(item)
        if let perStep = input.countPerStep {
            let isWhole = values.count > 0 && values.count <= input.count && values.count % perStep == 0
            precondition(
                isWhole,
                "a sequence of \(values.count) floats, expected up to \(input.count) in steps of \(perStep)"
            )
            steps[item] = values.count / perStep
        } else {
            precondition(
                values.count == input.count,
                "an item of \(values.count) floats, expected \(input.count)"
            )
        }
        memory.store(values, at: input.offset * batch + item * input.count)
        states.clear(at: item * plan.statePerItem, count: plan.statePerItem)
    }

    /// Sets the state from which an item's sequence goes on.
    ///
    /// - Precondition: the item's input is set, the graph is streamable, and there are `stateCount` values.
    package func setState(_ item: Int, to values: Span<Float>) {
        checkState(item)
        precondition(
            values.count == current.statePerItem,
            "a state of \(values.count) floats, expected \(current.statePerItem)"
        )
        states.store(values, at: item * current.statePerItem)
    }

    /// Calls `body` with the state in which an item's sequence ended.
    ///
    /// - Precondition: the last `run` returned true, the graph is streamable, `item` is in the batch.
    package func withState<Result>(
        _ item: Int,
        _ body: (Span<Float>) throws -> Result
    ) rethrows -> Result {
        checkState(item)
        let count = current.statePerItem
        return try states.withSpan(at: item * count, count: count, body)
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
            states: states,
            steps: steps,
            floatsPerThread: plan.floatsPerThread,
            valuesPerThread: plan.valuesPerThread,
            statePerItem: plan.statePerItem,
            batch: batch
        )
        return PlanRun(plan: plan, memory: memory, pool: pool)
    }

    /// Calls `body` with an output of one item; one that has a row for each step, with as many as the item has.
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
            count: output.countPerStep.map { steps[item] * $0 } ?? output.count,
            body
        )
    }

    /// The memory that the session holds for activations and scratch; weights are not counted.
    package var memoryBytes: Int {
        (memory.count + threadMemory.count + states.count) * MemoryLayout<Float>.stride
    }

    private var current: Plan {
        guard let last = plans.last else { preconditionFailure("prepare was not called") }
        return last.plan
    }

    private func checkItem(_ item: Int) {
        precondition(item >= 0 && item < batch, "item \(item) of a batch of \(batch)")
    }

    private func checkState(_ item: Int) {
        checkItem(item)
        precondition(graph.isStreamable, "the network reads its sequences as a whole and keeps no state")
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
