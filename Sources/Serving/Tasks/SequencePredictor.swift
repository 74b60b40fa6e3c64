package import HTTP

/// The way of a sequence to its prediction: encode, run, score.
package struct SequencePredictor: Sendable {
    /// What a model says of a sequence.
    package enum Outcome: Sendable, Equatable {
        /// One of several classes.
        case classes(ClassScores)
        /// The numbers of a regression.
        case value([Float])
    }

    /// What came of a sequence.
    package struct Answer: Sendable {
        package let outcome: Outcome
        package let steps: Int
        /// How many tokens the vocabulary did not know.
        package let unknownTokens: Int
        package let preprocess: Duration
        package let inference: Inference
    }

    private let scheduler: Scheduler
    private let metrics: ServingMetrics?

    package init(scheduler: Scheduler, metrics: ServingMetrics? = nil) {
        self.scheduler = scheduler
        self.metrics = metrics
    }

    /// Encodes one instance of a request: text, tokens or features, as the model takes them.
    ///
    /// - Throws: `APIError` 400 that says what the model takes and what was found.
    package func encode(_ instance: JSONValue, for model: Model) throws(APIError) -> SequenceEncoder.Encoded {
        guard case .sequence(let encoder) = model.input else {
            throw .badRequest("model '\(model.name)' takes images, not sequences", code: "wrong_task")
        }
        let start = ContinuousClock.now
        let encoded = try encoder.encode(instance)
        metrics?.preprocessDuration.observe(.now - start, model.name, model.version)
        return encoded
    }

    /// Predicts one instance.
    ///
    /// - Throws: `APIError` 400 for an instance that the model cannot take, and what `Scheduler.infer` throws.
    package func predict(
        _ instance: JSONValue,
        with model: Model,
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) throws(APIError) -> Answer {
        let answers = try predict([instance], with: model, deadline: deadline, cancellation: cancellation)
        return answers[0]
    }

    /// Predicts several instances as one request; those of like length run together.
    ///
    /// - Throws: `APIError` as for one; the message for a bad instance begins with its place.
    package func predict(
        _ instances: [JSONValue],
        with model: Model,
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) throws(APIError) -> [Answer] {
        guard !instances.isEmpty else { throw .badRequest("there are no instances", code: "no_instances") }
        let start = ContinuousClock.now
        var encoded: [SequenceEncoder.Encoded] = []
        for (index, instance) in instances.enumerated() {
            do {
                encoded.append(try encode(instance, for: model))
            } catch {
                guard instances.count > 1 else { throw error }
                throw APIError(error.status, code: error.code, "instance \(index): \(error.message)")
            }
        }
        let preprocess = ContinuousClock.now - start
        let inference = try scheduler.infer(
            model,
            items: encoded.map(\.tensor),
            deadline: deadline,
            cancellation: cancellation
        )
        var answers: [Answer] = []
        for (sequence, output) in zip(encoded, inference.outputs) {
            let scores = try ClassScores([output])
            answers.append(
                Answer(
                    outcome: model.manifest.task.hasClasses ? .classes(scores) : .value(output),
                    steps: sequence.steps,
                    unknownTokens: sequence.unknownTokens,
                    preprocess: preprocess,
                    inference: inference
                )
            )
        }
        return answers
    }
}
