internal import Engine
package import Inference
package import Models
internal import Platform
package import Support

/// One to many: a text that goes on from a prompt, token by token.
///
/// The prompt runs as one sequence, then each token as one step from the state before it; every step passes through the
/// scheduler, so that texts that are generated at the same time share batches. What they say does not depend on that.
package struct TextGenerator: Sendable {
    /// What a text is made by.
    package struct Options: Sendable {
        package var maxTokens = 256
        package var sampling = Sampler.Rule()
        package var seed: UInt64
        /// Each ends the text where it begins.
        package var stops: [String] = []
        /// Whether each token comes with how likely it was.
        package var listsProbabilities = false

        package init(seed: UInt64) {
            self.seed = seed
        }
    }

    private let scheduler: Scheduler
    private let metrics: ServingMetrics?

    package init(scheduler: Scheduler, metrics: ServingMetrics? = nil) {
        self.scheduler = scheduler
        self.metrics = metrics
    }

    /// Reads a prompt; an empty one is the model's own start, where it has one.
    ///
    /// - Returns: the text that begins there.
    /// - Throws: `ServingError` 400 for a model of another task and for a prompt that it cannot take, and what
    ///   `Scheduler.infer` throws.
    package func begin(
        _ prompt: String,
        with model: Model,
        _ options: Options,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> Generation {
        guard model.manifest.task == .textGeneration, case .sequence(let encoder) = model.input,
            case .text(let description) = model.manifest.input, let decoder = encoder.decoder
        else {
            let tasks = "'\(model.manifest.task.rawValue)', not '\(Manifest.Task.textGeneration.rawValue)'"
            throw .badRequest("model '\(model.name)' is for \(tasks)", code: "wrong_task")
        }
        let text = prompt.isEmpty ? description.start ?? "" : prompt
        guard !text.isEmpty else {
            let message = "the prompt is empty, and model '\(model.name)' has no start of its own"
            throw .badRequest(message, code: "empty_sequence")
        }
        return try await Generation(
            from: try encoder.encode(text: text),
            with: model,
            decoder: decoder,
            options: options,
            scheduler: scheduler,
            context: context,
            metrics: metrics
        )
    }
}
