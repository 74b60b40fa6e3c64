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

    private let pool: WorkerPool
    // A model's address stays its own while the model is held here.
    private var sessions: [ObjectIdentifier: (model: Model, session: Session)] = [:]

    package init(pool: WorkerPool) {
        self.pool = pool
    }

    /// Runs a batch and returns the logits of each item.
    package func run(
        _ model: Model,
        _ items: [Tensor],
        while shouldContinue: () -> Bool
    ) throws(APIError) -> [[Float]]? {
        let session = session(for: model)
        do {
            try session.prepare(inputShape: items[0].shape, batch: items.count)
        } catch {
            throw .invalidInput("model '\(model.name)': \(error.description)")
        }
        for (index, item) in items.enumerated() {
            item.withSpan { session.setInput(index, to: $0) }
        }
        guard session.run(while: shouldContinue) else { return nil }
        return items.indices.map { item in
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
