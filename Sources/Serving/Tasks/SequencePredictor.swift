package import Platform
internal import Imaging
package import Support

/// The way of a sequence to its prediction: encode, run, score.
package struct SequencePredictor: Sendable {
    /// What a model says of a sequence.
    package enum Outcome: Sendable, Equatable {
        /// One of several classes.
        case classes(ClassScores)
        /// A class for each step.
        case tags(TokenTags)
        /// The values of a regression, of the next step and of those that were asked for after it.
        case values([[Float]])
        /// How likely a text is.
        case likelihood(TextLikelihood)
        /// What a sequence becomes, the best first.
        case translations([Translator.Translation])
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

    /// An instance of a request that was read; what is wrong with it from here on are only the images of a clip.
    enum Instance {
        case sequence(SequenceEncoder.Encoded)
        case clip([ArraySlice<UInt8>])
    }

    private let scheduler: Scheduler
    private let frames: FrameEncoder
    private let metrics: ServingMetrics?

    /// - Parameters:
    ///   - scheduler: the engine.
    ///   - classifier: what decodes the images of clips; nil for one with the usual limits.
    ///   - metrics: where preparing is observed.
    package init(
        scheduler: Scheduler,
        classifier: ImageClassifier? = nil,
        metrics: ServingMetrics? = nil
    ) {
        self.scheduler = scheduler
        frames = FrameEncoder(
            classifier: classifier ?? ImageClassifier(scheduler: scheduler, limits: ImageLimits())
        )
        self.metrics = metrics
    }

    /// Predicts one instance.
    ///
    /// - Throws: `ServingError` 400 for an instance that the model cannot take, and what `Scheduler.infer` throws.
    package func predict(
        _ instance: JSONValue,
        with model: Model,
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) throws(ServingError) -> Answer {
        let answers = try predict([instance], with: model, deadline: deadline, cancellation: cancellation)
        return answers[0]
    }

    /// Predicts several instances as one request; those of like length run together.
    ///
    /// - Parameters:
    ///   - instances: what to predict from.
    ///   - model: of any task on sequences.
    ///   - horizon: how many steps of a regression to predict; nil for one.
    ///   - translation: how a model of sequences to sequences decodes; nil for its defaults.
    ///   - count: how many translations are asked for.
    ///   - deadline: when the answer must be there.
    ///   - cancellation: of the request.
    /// - Returns: an answer for each instance, in order.
    /// - Throws: `ServingError` as for one; the message for a bad instance begins with its place.
    package func predict(
        _ instances: [JSONValue],
        with model: Model,
        horizon: Int? = nil,
        translation: Translator.Options? = nil,
        count: Int = 1,
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) throws(ServingError) -> [Answer] {
        guard !instances.isEmpty else { throw .badRequest("there are no instances", code: "no_instances") }
        if let horizon { try Self.check(horizon, model) }
        if translation != nil { try Self.checkTranslates(model) }
        let start = ContinuousClock.now
        let encoded = try encode(
            read(instances, for: model),
            for: model,
            deadline: deadline,
            cancellation: cancellation
        )
        let preprocess = ContinuousClock.now - start
        let (outcomes, inference) = try outcomes(
            of: encoded,
            with: model,
            horizon: horizon ?? 1,
            translation: translation ?? Translator.Options(),
            count: count,
            deadline: deadline,
            cancellation: cancellation
        )
        return zip(encoded, outcomes).map { sequence, outcome in
            Answer(
                outcome: outcome,
                steps: sequence.steps,
                unknownTokens: sequence.unknownTokens,
                preprocess: preprocess,
                inference: inference
            )
        }
    }

    /// Reads the instances of a request: texts, tokens, features or clips, as the model takes them.
    ///
    /// - Throws: `ServingError` 400 that says what the model takes and what was found; the message begins with the place of
    ///   the instance where there are several, and for a clip.
    func read(_ instances: [JSONValue], for model: Model) throws(ServingError) -> [Instance] {
        var read: [Instance] = []
        for (index, instance) in instances.enumerated() {
            do {
                read.append(try self.read(instance, for: model))
            } catch {
                if instances.count == 1, case .sequence = model.input { throw error }
                throw error.at("instance \(index)")
            }
        }
        return read
    }

    private func read(_ instance: JSONValue, for model: Model) throws(ServingError) -> Instance {
        switch model.input {
        case .image:
            throw .badRequest("model '\(model.name)' takes images, not sequences", code: "wrong_task")
        case .frames(_, let maxLength): return .clip(try FrameEncoder.read(instance, atMost: maxLength))
        case .sequence(let encoder):
            let start = ContinuousClock.now
            let encoded = try encoder.encode(instance)
            metrics?.preprocessDuration.observe(.now - start, model.name, model.version)
            return .sequence(encoded)
        }
    }

    /// What the network takes of each instance; clips pass through the extractor for that.
    private func encode(
        _ instances: [Instance],
        for model: Model,
        deadline: ContinuousClock.Instant?,
        cancellation: Cancellation?
    ) throws(ServingError) -> [SequenceEncoder.Encoded] {
        guard case .frames(let extractor, _) = model.input else {
            return instances.compactMap { if case .sequence(let encoded) = $0 { encoded } else { nil } }
        }
        let clips = instances.compactMap { if case .clip(let images) = $0 { images } else { nil } }
        let options = ImageClassifier.Options(deadline: deadline, cancellation: cancellation)
        return try frames.encode(clips, with: extractor, options)
    }

    private static func check(_ horizon: Int, _ model: Model) throws(ServingError) {
        guard model.manifest.task == .sequenceRegression else {
            let message = "only a 'sequence-regression' looks ahead"
            let task = "model '\(model.name)' is for '\(model.manifest.task.rawValue)'"
            throw .badRequest("horizon: \(message), but \(task)", code: "invalid_parameter")
        }
        guard Forecaster.horizons.contains(horizon) else {
            let expected = "a whole number from 1 to \(Forecaster.horizons.upperBound)"
            throw .invalidParameter("horizon", expected: expected, found: "\(horizon)")
        }
    }

    private static func checkTranslates(_ model: Model) throws(ServingError) {
        guard model.decoder == nil else { return }
        let message = "only a 'sequence-to-sequence' decodes with beams, tokens and a penalty"
        let task = "model '\(model.name)' is for '\(model.manifest.task.rawValue)'"
        throw .badRequest("parameters: \(message), but \(task)", code: "invalid_parameter")
    }

    private func outcomes(
        of sequences: [SequenceEncoder.Encoded],
        with model: Model,
        horizon: Int,
        translation: Translator.Options,
        count: Int,
        deadline: ContinuousClock.Instant?,
        cancellation: Cancellation?
    ) throws(ServingError) -> ([Outcome], Inference) {
        if let target = model.target, let decoder = model.decoder {
            let translator = Translator(
                scheduler: scheduler,
                metrics: metrics,
                model: model,
                target: target,
                decoder: decoder,
                deadline: deadline,
                cancellation: cancellation
            )
            let (targets, inference) = try translator.translate(sequences, translation, count: count)
            return (targets.map(Outcome.translations), inference)
        }
        if model.manifest.task == .sequenceRegression, case .sequence(let encoder) = model.input {
            let forecaster = Forecaster(
                scheduler: scheduler,
                model: model,
                encoder: encoder,
                deadline: deadline,
                cancellation: cancellation
            )
            let (values, inference) = try forecaster.forecast(sequences, horizon: horizon)
            return (values.map(Outcome.values), inference)
        }
        let inference = try scheduler.infer(
            model,
            items: sequences.map(\.tensor),
            deadline: deadline,
            cancellation: cancellation
        )
        let outcomes = try zip(sequences, inference.outputs).map { sequence, output throws(ServingError) in
            try outcome(output, of: sequence, model)
        }
        return (outcomes, inference)
    }

    /// What the logits of a sequence say.
    private func outcome(
        _ output: [Float],
        of sequence: SequenceEncoder.Encoded,
        _ model: Model
    ) throws(ServingError) -> Outcome {
        switch model.manifest.task {
        case .tokenClassification: .tags(try TokenTags(output, of: sequence, classes: model.classes))
        case .textGeneration:
            .likelihood(try TextLikelihood(output, of: sequence, vocabulary: model.classes))
        case .sequenceRegression: .values([try Forecaster.scaled(output, model)])
        case .imageClassification, .sequenceClassification: .classes(try ClassScores([output]))
        case .sequenceToSequence: preconditionFailure("a translation takes more than one run")
        }
    }
}

extension SequencePredictor {
    /// What came of a stretch of a sequence, and the state from which the next goes on.
    struct Advanced {
        let answer: Answer
        let state: [Float]
    }

    /// Predicts from a stretch of a sequence that goes on from a state, empty for one that begins.
    ///
    /// - Throws: what `predict` throws.
    func advance(
        _ instance: Instance,
        from state: [Float],
        with model: Model,
        deadline: ContinuousClock.Instant?,
        cancellation: Cancellation?
    ) throws(ServingError) -> Advanced {
        let sequence = try encode([instance], for: model, deadline: deadline, cancellation: cancellation)[0]
        let inference = try scheduler.infer(
            model,
            items: [sequence.tensor],
            states: [state],
            returnsStates: true,
            deadline: deadline,
            cancellation: cancellation
        )
        let answer = Answer(
            outcome: try outcome(inference.outputs[0], of: sequence, model),
            steps: sequence.steps,
            unknownTokens: sequence.unknownTokens,
            preprocess: .zero,
            inference: inference
        )
        return Advanced(answer: answer, state: inference.states[0])
    }
}
