internal import Engine
internal import Platform
internal import Imaging
package import Inference
package import Models
package import Support

/// The way of a sequence to its prediction: encode, run, score.
package struct SequencePredictor: Sendable {
    /// What a model says of a sequence, or of what else it takes.
    package enum Outcome: Sendable, Equatable {
        /// One of several classes.
        case classes(ClassScores)
        /// A class for each step.
        case tags(TokenTags)
        /// The values of a regression, of the next step and of those that were asked for after it.
        case values([[Float]])
        /// How likely a text is.
        case likelihood(TextLikelihood)
        /// What a sequence becomes, or the captions of an image, the best first.
        case translations([Translator.Translation])
        /// Objects in an image, the best first.
        case detections([Detection])
        /// A class for each pixel of an image.
        case map(ClassMap)
        /// A vector for an image.
        case vector(Features)
        /// The outputs of a network, one behind the other.
        case tensors([Float])
    }

    /// What came of a sequence.
    package struct Answer: Sendable {
        package let outcome: Outcome
        package let steps: Int
        /// What stands for each step, where attention to them was asked for.
        package let source: [TokenName]?
        /// How many tokens the vocabulary did not know.
        package let unknownTokens: Int
        package let preprocess: Duration
        package let inference: InferenceResult
    }

    /// An instance that was read; what is wrong with it from here on are only the images of a clip.
    enum Input {
        case sequence(SequenceEncoder.Encoded)
        case clip(Clip)
    }

    let scheduler: Scheduler
    private let frames: FrameEncoder
    private let metrics: ServingMetrics?

    /// - Parameters:
    ///   - scheduler: the engine.
    ///   - classifier: what decodes the images of clips; nil for one with the usual limits.
    ///   - metrics: where texts and their tokens are counted.
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

    /// What a client asks for beside the instances.
    package struct Options: Sendable, Equatable {
        /// How many steps of a regression to predict; nil for one.
        package var horizon: Int?
        /// How a model of sequences to sequences decodes; nil for its defaults.
        package var translation: Translator.Options?
        /// How many translations are asked for.
        package var count = 1

        package init() {}
    }

    /// Predicts several instances as one request; those of like length run together.
    ///
    /// - Parameters:
    ///   - instances: what to predict from.
    ///   - model: of any task on sequences.
    ///   - options: what is asked for.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: an answer for each instance, in order.
    /// - Throws: `ServingError` for an instance that the model cannot take, the message beginning with its place where there
    ///   are several, and what `Scheduler.infer` throws.
    package func predict(
        _ instances: [Instance],
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Answer] {
        guard !instances.isEmpty else { throw .badRequest("there are no instances", code: "no_instances") }
        if let horizon = options.horizon { try Self.check(horizon, model) }
        try options.translation?.check(for: model)
        let listsAttention = options.translation?.listsAttention ?? false
        let start = ContinuousClock.now
        let (encoded, lease) = try await encode(
            read(instances, for: model, context),
            for: model,
            admission,
            context
        )
        defer { withExtendedLifetime(lease) {} }
        if case .sequence = model.input {
            let size = encoded.reduce(0) { $0 + $1.tensor.shape.elementCount }
            try admission?.grow(to: encoded.count, size: size, context)
        }
        let preprocess = ContinuousClock.now - start
        let (outcomes, inference) = try await outcomes(
            of: encoded,
            with: model,
            options,
            admission,
            context
        )
        return zip(encoded, outcomes).map { sequence, outcome in
            Answer(
                outcome: outcome,
                steps: sequence.steps,
                source: listsAttention ? sequence.names : nil,
                unknownTokens: sequence.unknownTokens,
                preprocess: preprocess,
                inference: inference
            )
        }
    }

    func read(
        _ instances: [Instance],
        for model: Model,
        _ context: RequestContext
    ) throws(ServingError) -> [Input] {
        let start = ContinuousClock.now
        defer { context.record.update { $0.preprocess += .now - start } }
        var read: [Input] = []
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

    private func read(_ instance: Instance, for model: Model) throws(ServingError) -> Input {
        switch model.input {
        case .tensors:
            throw .badRequest("model '\(model.name)' takes tensors, not sequences", code: "wrong_task")
        case .image, .regions:
            throw .badRequest("model '\(model.name)' takes images, not sequences", code: "wrong_task")
        case .frames(_, let maxLength):
            switch instance {
            case .image(let frame): return .clip(try Clip([frame]).checked(atMost: maxLength))
            case .clip(let frames): return .clip(try Clip(frames).checked(atMost: maxLength))
            default: throw .invalidInput("expected a clip (the model takes images), found \(instance.kind)")
            }
        case .sequence(let encoder):
            return .sequence(try encoder.encode(instance))
        }
    }

    /// What the network takes of each instance; clips pass through the extractor for that, which the place of the request
    /// grows to.
    func encode(
        _ instances: [Input],
        for model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws(ServingError) -> FrameEncoder.Encoded {
        guard case .frames(let preprocessing, _) = model.input, let extractor = model.pipeline.extractor
        else {
            return (
                instances.compactMap { if case .sequence(let encoded) = $0 { encoded } else { nil } }, nil
            )
        }
        let clips = instances.compactMap { if case .clip(let clip) = $0 { clip } else { nil } }
        return try await frames.encode(clips, with: extractor, preprocessing, admission, context)
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

    private func outcomes(
        of sequences: [SequenceEncoder.Encoded],
        with model: Model,
        _ options: Options,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws(ServingError) -> ([Outcome], InferenceResult) {
        if let target = model.target, let decoder = model.pipeline.decoder {
            let translator = Translator(
                scheduler: scheduler,
                metrics: metrics,
                model: model,
                target: target,
                decoder: decoder,
                context: context
            )
            let (targets, inference) = try await translator.translate(
                sequences,
                options.translation ?? Translator.Options(),
                count: options.count
            )
            return (targets.map(Outcome.translations), inference)
        }
        if model.manifest.task == .sequenceRegression, case .sequence(let encoder) = model.input {
            let forecaster = Forecaster(
                scheduler: scheduler,
                model: model,
                encoder: encoder,
                context: context
            )
            let (values, inference) = try await forecaster.forecast(sequences, horizon: options.horizon ?? 1)
            return (values.map(Outcome.values), inference)
        }
        let inference = try await scheduler.infer(
            model.network,
            items: sequences.map(\.tensor),
            admission: admission,
            context
        )
        var outcomes: [Outcome] = []
        for (sequence, output) in zip(sequences, inference.outputs) {
            try context.check()
            outcomes.append(try outcome(output, of: sequence, model))
        }
        return (outcomes, inference)
    }

    /// What the logits of a sequence say.
    func outcome(
        _ output: [Float],
        of sequence: SequenceEncoder.Encoded,
        _ model: Model
    ) throws(ServingError) -> Outcome {
        switch model.manifest.task {
        case .tokenClassification: .tags(try TokenTags(output, of: sequence, model))
        case .textGeneration:
            .likelihood(try TextLikelihood(output, of: sequence, vocabulary: model.classes))
        case .sequenceRegression: .values([try Forecaster.scaled(output, model)])
        case .imageClassification, .sequenceClassification:
            .classes(try ClassScores([output], scoring: model.scoring))
        case .sequenceToSequence: preconditionFailure("a translation takes more than one run")
        case .objectDetection, .semanticSegmentation, .imageCaptioning, .embedding, .tensors:
            throw .badRequest(
                "model '\(model.name)' is for '\(model.manifest.task.rawValue)', not sequences",
                code: "wrong_task"
            )
        }
    }
}
