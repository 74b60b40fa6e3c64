package import Engine

/// Runs batches of one shape on the shared engine; belongs to the scheduler's thread.
///
/// A model's session is made when its first batch comes.
package final class BatchRunner {
    /// Runs items of one shape through a model.
    ///
    /// Returns the logits of each item, or nil when it was stopped; throws when the model cannot take them.
    package typealias Run = (
        _ model: Model, _ items: [Tensor], _ shouldContinue: () -> Bool
    ) throws(APIError) -> [[Float]]?

    /// What the activations of a batch may take.
    private static let maxBytes = 1 << 30

    private let pool: WorkerPool
    // A model's address stays its own while the model is held here.
    private var sessions: [ObjectIdentifier: (model: Model, session: Session)] = [:]

    package init(pool: WorkerPool) {
        self.pool = pool
    }

    /// Runs a batch and returns the logits of each item; a batch of large items in parts that fit the memory.
    package func run(
        _ model: Model,
        _ items: [Tensor],
        while shouldContinue: () -> Bool
    ) throws(APIError) -> [[Float]]? {
        let session = session(for: model)
        var outputs: [[Float]] = []
        var rest = items[...]
        while !rest.isEmpty {
            let part = try prepare(session, &rest, model)
            guard let logits = run(session, part, while: shouldContinue) else { return nil }
            outputs += logits
        }
        return outputs
    }

    private func prepare(
        _ session: Session,
        _ items: inout ArraySlice<Tensor>,
        _ model: Model
    ) throws(APIError) -> ArraySlice<Tensor> {
        do {
            let shape = items[items.startIndex].shape
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
        _ items: ArraySlice<Tensor>,
        while shouldContinue: () -> Bool
    ) -> [[Float]]? {
        for (index, item) in items.enumerated() {
            item.withSpan { session.setInput(index, to: $0) }
        }
        guard session.run(while: shouldContinue) else { return nil }
        return (0..<items.count).map { item in
            session.withOutput("logits", item: item) { logits in
                logits.indices.map { logits[$0] }
            }
        }
    }

    private func session(for model: Model) -> Session {
        if let known = sessions[ObjectIdentifier(model)] { return known.session }
        let session = Session(graph: model.graph, weights: model.weights, pool: pool)
        sessions[ObjectIdentifier(model)] = (model, session)
        return session
    }
}
