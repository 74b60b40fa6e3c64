package import Graphs
package import Platform
package import Tensors

/// The memory in which plans run, of any networks, one at a time.
///
/// A session belongs to one thread.
/// `prepare` for a plan and a number of items, `setInput` for each item, `run`, then read the outputs. A run uses up its
/// input: set it again before the next. An item's output is bit-identical at every batch size, at every place in the
/// batch and with every number of threads. A run allocates nothing.
///
/// Where items are sequences, the shape's first dimension is the most steps that an item of the batch may have; each
/// item's answer is that of its own steps. A recurrent network starts from the state that `setState` gave the item,
/// else from zeros, and `withState` hands out the one in which it ended: the parts of a sequence, run one after the
/// other, give the bits of the whole.
package final class Session {
    private let pool: WorkerPool
    private let network: Network?
    private let memory = Arena()
    private let threadMemory = Arena()
    private let states = Arena()
    private let steps = StepCounts()
    private var plan: Plan?
    private var batch = 0

    /// A session without memory, for the plans of any networks.
    package init(pool: WorkerPool) {
        self.pool = pool
        network = nil
    }

    /// A session for one network, which is planned by `prepare(inputShape:batch:)`.
    package init(graph: Graph, weights: Weights, pool: WorkerPool) {
        self.pool = pool
        network = Network(graph, weights: weights)
    }

    /// Gets ready to run a plan on a number of items; outputs and states of earlier runs are lost.
    ///
    /// - Throws: `SystemError` when there is no memory; the session can be prepared for less then.
    package func prepare(_ plan: Plan, batch: Int) throws(SystemError) {
        precondition(batch > 0, "a batch of \(batch)")
        self.plan = nil
        try memory.reserve(Self.product(plan.valueBytesPerItem, batch))
        try threadMemory.reserve(Self.product(plan.bytesPerThread, pool.threads))
        try states.reserve(Self.product(plan.stateBytesPerItem, batch))
        steps.reserve(batch, steps: plan.maxSteps)
        self.batch = batch
        self.plan = plan
    }

    /// Gets ready for a number of items of one shape, in a session for one network.
    ///
    /// - Throws: `ShapeError` when the network cannot take such items, or there is no memory for so many.
    package func prepare(inputShape: Shape, batch: Int) throws(ShapeError) {
        let plan = try ownPlan(for: inputShape)
        do throws(SystemError) {
            try prepare(plan, batch: batch)
        } catch {
            throw ShapeError("a batch of \(batch) items of \(inputShape): \(error)")
        }
    }

    /// Gives the memory back to the system; `prepare` comes before the next run.
    package func trim() {
        plan = nil
        for arena in [memory, threadMemory, states] { arena.trim() }
    }

    /// How many threads work on a batch.
    package var threads: Int { pool.threads }

    /// The memory that the session holds for activations and scratch, in bytes; weights are not counted.
    package var bytes: Int { memory.byteCount + threadMemory.byteCount + states.byteCount }

    /// The memory that the session will hold once it is prepared for a plan and a number of items, in bytes: what it needs,
    /// and what it holds already.
    package func bytes(with plan: Plan, batch: Int) -> Int {
        let parts = [
            (memory, Self.product(plan.valueBytesPerItem, batch)),
            (threadMemory, Self.product(plan.bytesPerThread, pool.threads)),
            (states, Self.product(plan.stateBytesPerItem, batch)),
        ]
        return parts.reduce(0) { sum, part in
            let (bytes, isTooLarge) = sum.addingReportingOverflow(max(part.0.byteCount, part.1))
            return isTooLarge ? .max : bytes
        }
    }

    private static func product(_ count: Int, _ times: Int) -> Int {
        let (product, isTooLarge) = count.multipliedReportingOverflow(by: times)
        return isTooLarge ? .max : product
    }

    private func ownPlan(for shape: Shape) throws(ShapeError) -> Plan {
        guard let network else { preconditionFailure("the session was made for no network of its own") }
        do {
            return try network.plan(for: shape)
        } catch {
            guard case .shape(let misfit) = error else { throw ShapeError(error.description) }
            throw misfit
        }
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
        memory.store(values, at: input.offset(item: item, batch: batch))
        states.clear(at: item * plan.stateBytesPerItem, count: plan.stateCount)
    }

    /// Sets the state from which an item's sequence goes on.
    ///
    /// - Precondition: the item's input is set, the graph is streamable, and there are `stateCount` values.
    package func setState(_ item: Int, to values: Span<Float>) {
        checkState(item)
        precondition(
            values.count == current.stateCount,
            "a state of \(values.count) floats, expected \(current.stateCount)"
        )
        states.store(values, at: item * current.stateBytesPerItem)
    }

    /// Calls `body` with the state in which an item's sequence ended.
    ///
    /// - Precondition: the last `run` returned true, the graph is streamable, `item` is in the batch.
    package func withState<Result>(
        _ item: Int,
        _ body: (Span<Float>) throws -> Result
    ) rethrows -> Result {
        checkState(item)
        let plan = current
        return try states.withSpan(at: item * plan.stateBytesPerItem, count: plan.stateCount, body)
    }

    /// Runs the plan on the items.
    ///
    /// - Parameters:
    ///   - isAlone: whether this thread does everything, without waking the pool; nil where the plan says that waking it
    ///     takes longer than it saves.
    ///   - shouldContinue: asked before every operation, or every few items where threads own whole items; false ends
    ///     the run.
    /// - Returns: whether the run came to its end, so that there are outputs.
    package func run(isAlone: Bool? = nil, while shouldContinue: () -> Bool = { true }) -> Bool {
        planRun(isAlone: isAlone ?? current.isTiny(batch: batch)).run(while: shouldContinue)
    }

    /// A run of the current plan on the current batch.
    func planRun(isAlone: Bool) -> PlanRun {
        let plan = current
        let memory = OpCall.Memory(
            values: memory,
            threads: threadMemory,
            states: states,
            steps: steps,
            bytesPerThread: plan.bytesPerThread,
            valueBytesPerThread: plan.valueBytesPerThread,
            stateBytesPerItem: plan.stateBytesPerItem,
            batch: batch
        )
        return PlanRun(plan: plan, memory: memory, pool: pool, threads: isAlone ? 1 : pool.threads)
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
            at: output.offset(item: item, batch: batch),
            count: output.countPerStep.map { steps[item] * $0 } ?? output.count,
            body
        )
    }

    private var current: Plan {
        guard let plan else { preconditionFailure("prepare was not called") }
        return plan
    }

    private func checkItem(_ item: Int) {
        precondition(item >= 0 && item < batch, "item \(item) of a batch of \(batch)")
    }

    private func checkState(_ item: Int) {
        checkItem(item)
        precondition(current.isStreamable, "the network reads its sequences as a whole and keeps no state")
    }
}
