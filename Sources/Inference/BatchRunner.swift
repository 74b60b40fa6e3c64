package import Engine
package import Platform
package import Support

/// Runs batches on the shared engine; belongs to whoever has the scheduler's turn.
///
/// One batch runs at a time, so all networks share one memory for what their layers make.
package final class BatchRunner {
    /// An item with the state from which its sequence goes on.
    package struct Item: Sendable {
        package let tensor: Tensor
        /// Empty for a sequence that begins, and for what is none.
        package let state: [Float]
        /// Whether somebody asks for the state in which it ends.
        package let returnsState: Bool

        package init(_ tensor: Tensor, state: [Float] = [], returnsState: Bool = false) {
            self.tensor = tensor
            self.state = state
            self.returnsState = returnsState
        }
    }

    /// What came of an item.
    package struct Output: Sendable {
        /// The outputs that the network hands out, one after another.
        package let logits: [Float]
        /// The state in which its sequence ended, when somebody asked for it.
        package let state: [Float]

        package init(logits: [Float], state: [Float] = []) {
            self.logits = logits
            self.state = state
        }
    }

    /// Runs items of one batch shape through a network.
    ///
    /// Returns the output of each item, or nil when it was stopped; throws when the network cannot take them.
    package typealias Run = (
        _ network: ServedNetwork, _ items: [Item], _ shouldContinue: () -> Bool
    ) throws(ServingError) -> [Output]?

    /// What can be done by the thread whose turn it is.
    // @unchecked: the scheduler lets one thread call at a time
    package struct Functions: @unchecked Sendable {
        package let run: Run
        /// Gives memory back while there is nothing to do.
        package let rest: () -> Void

        package init(
            run: @escaping Run,
            rest: @escaping () -> Void = {}
        ) {
            self.run = run
            self.rest = rest
        }
    }

    /// What the activations of a batch may take.
    private static let maxBytes = 1 << 30

    private let session: Session
    private let budget: MemoryBudget?
    /// For what the session holds, between batches too.
    private let lease: MemoryLease?

    package init(pool: WorkerPool, budget: MemoryBudget? = nil) {
        session = Session(pool: pool)
        self.budget = budget
        lease = budget?.lease(0, for: .activations)
    }

    /// The runner as the scheduler knows it.
    var functions: Functions {
        Functions(
            run: { network, items, shouldContinue throws(ServingError) in
                try self.run(network, items, while: shouldContinue)
            },
            rest: rest
        )
    }

    /// Runs a batch and returns the output of each item; a batch of large items in parts that fit the memory.
    package func run(
        _ network: ServedNetwork,
        _ items: [Item],
        while shouldContinue: () -> Bool
    ) throws(ServingError) -> [Output]? {
        let plan = try network.plan(for: items[0].tensor.shape)
        var outputs: [Output] = []
        var rest = items[...]
        while !rest.isEmpty {
            let part = rest.prefix(max(1, Self.maxBytes / max(1, plan.bytesPerItem)))
            rest = rest.dropFirst(part.count)
            try prepare(plan, batch: part.count)
            guard let answers = run(part, network.outputs, while: shouldContinue) else { return nil }
            outputs += answers
        }
        return outputs
    }

    /// Gives the memory of activations back to the system.
    package func rest() {
        trim()
        MemoryAdvice.releaseFreed()
    }

    private func trim() {
        session.trim()
        _ = lease?.resize(to: 0)
    }

    /// Leases and takes the memory of a batch: of its items, and of the threads that work on them.
    ///
    /// What a larger batch left is used again, but not where it is a large part of what all requests have.
    private func prepare(_ plan: Plan, batch: Int) throws(ServingError) {
        var bytes = session.bytes(with: plan, batch: batch)
        if let lease, let budget, bytes != lease.bytes || bytes > budget.limit / 4 {
            let needed = plan.bytes(batch: batch, threads: session.threads)
            if bytes > budget.limit / 4, needed < bytes / 2 || !lease.resize(to: bytes) {
                trim()
                bytes = needed
            }
            guard lease.resize(to: bytes) else { throw budget.refusal(of: bytes) }
        }
        do {
            try session.prepare(plan, batch: batch)
        } catch {
            trim()
            throw .memoryFull(wanted: bytes, limit: budget?.limit ?? 0)
        }
    }

    private func run(
        _ items: ArraySlice<Item>,
        _ outputs: [String],
        while shouldContinue: () -> Bool
    ) -> [Output]? {
        for (index, item) in items.enumerated() {
            item.tensor.withSpan { session.setInput(index, to: $0) }
            if !item.state.isEmpty { session.setState(index, to: item.state.span) }
        }
        guard session.run(while: shouldContinue) else { return nil }
        return items.enumerated().map { index, item in
            Output(
                logits: numbers(outputs, of: index),
                state: item.returnsState ? session.withState(index, Self.array) : []
            )
        }
    }

    private func numbers(_ outputs: [String], of item: Int) -> [Float] {
        guard outputs.count > 1 else { return session.withOutput(outputs[0], item: item, Self.array) }
        var numbers: [Float] = []
        for name in outputs {
            session.withOutput(name, item: item) { values in
                numbers.reserveCapacity(numbers.count + values.count)
                for index in values.indices { numbers.append(values[index]) }
            }
        }
        return numbers
    }

    private static func array(_ values: Span<Float>) -> [Float] { values.indices.map { values[$0] } }
}
