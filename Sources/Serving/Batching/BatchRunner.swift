package import Engine
package import Support

/// Runs batches on the shared engine; belongs to the scheduler's thread.
///
/// A model's session is made when its first batch comes.
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
        package let logits: [Float]
        /// The state in which its sequence ended, when somebody asked for it.
        package let state: [Float]

        package init(logits: [Float], state: [Float] = []) {
            self.logits = logits
            self.state = state
        }
    }

    /// Runs items of one batch shape through a model.
    ///
    /// Returns the output of each item, or nil when it was stopped; throws when the model cannot take them.
    package typealias Run = (
        _ model: Model, _ items: [Item], _ shouldContinue: () -> Bool
    ) throws(ServingError) -> [Output]?

    /// What the activations of a batch may take.
    private static let maxBytes = 1 << 30

    private let pool: WorkerPool
    // A model's address stays its own while the model is held here.
    private var sessions: [ObjectIdentifier: (model: Model, session: Session)] = [:]

    package init(pool: WorkerPool) {
        self.pool = pool
    }

    /// Runs a batch and returns the output of each item; a batch of large items in parts that fit the memory.
    package func run(
        _ model: Model,
        _ items: [Item],
        while shouldContinue: () -> Bool
    ) throws(ServingError) -> [Output]? {
        let session = session(for: model)
        var outputs: [Output] = []
        var rest = items[...]
        while !rest.isEmpty {
            let part = try prepare(session, &rest, model)
            guard let answers = run(session, part, while: shouldContinue) else { return nil }
            outputs += answers
        }
        return outputs
    }

    private func prepare(
        _ session: Session,
        _ items: inout ArraySlice<Item>,
        _ model: Model
    ) throws(ServingError) -> ArraySlice<Item> {
        do {
            let shape = model.graph.batchShape(for: items[items.startIndex].tensor.shape)
            let count = max(1, Self.maxBytes / max(1, try session.itemBytes(inputShape: shape)))
            let part = items.prefix(count)
            items = items.dropFirst(count)
            try session.prepare(inputShape: shape, batch: part.count)
            return part
        } catch {
            throw .invalidInput("model '\(model.name)': \(error.description)")
        }
    }

    private func run(
        _ session: Session,
        _ items: ArraySlice<Item>,
        while shouldContinue: () -> Bool
    ) -> [Output]? {
        for (index, item) in items.enumerated() {
            item.tensor.withSpan { session.setInput(index, to: $0) }
            if !item.state.isEmpty { session.setState(index, to: item.state.span) }
        }
        guard session.run(while: shouldContinue) else { return nil }
        return items.enumerated().map { index, item in
            Output(
                logits: session.withOutput("logits", item: index, Self.array),
                state: item.returnsState ? session.withState(index, Self.array) : []
            )
        }
    }

    private static func array(_ values: Span<Float>) -> [Float] { values.indices.map { values[$0] } }

    private func session(for model: Model) -> Session {
        if let known = sessions[ObjectIdentifier(model)] { return known.session }
        let session = Session(graph: model.graph, weights: model.weights, pool: pool)
        sessions[ObjectIdentifier(model)] = (model, session)
        return session
    }
}
