internal import HTTP
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// From instances to what a model says of them: the same for every protocol, each of which reads and writes its own form.
extension Service {
    /// The model that a call is for, let in at the engine, with room for what its body becomes.
    func begin(_ call: inout Call) async throws -> (model: Model, inputs: AnyObject?) {
        let model = try await admittedModel(&call)
        let bytes = call.request.body.count * InstanceReader(model.input).bytesPerByte
        return (model, try budget.require(bytes, for: .inputs))
    }

    /// What a model says of each instance, whatever it takes.
    ///
    /// - Parameters:
    ///   - instances: at least one, read for the model.
    ///   - model: the one to ask.
    ///   - options: what is asked of sequences.
    ///   - call: the request, with its place at the engine.
    ///   - context: the request, as the layers below see it.
    ///   - place: what an error about one of several images begins with; nil for nothing.
    /// - Returns: an outcome for each instance, in order.
    /// - Throws: `ServingError`; that of one image ends the request.
    func outcomes(
        of instances: [Instance],
        with model: Model,
        _ options: SequencePredictor.Options,
        _ call: Call,
        _ context: RequestContext,
        at place: (Int) -> String?
    ) async throws -> [SequencePredictor.Outcome] {
        guard case .image = model.input else {
            return try await predictions(for: instances, with: model, options, call.admission, context).map(
                \.outcome
            )
        }
        let tensors = instances.compactMap { if case .tensor(let tensor) = $0 { tensor } else { nil } }
        let scores =
            try await tensors.isEmpty
            ? scores(of: instances, with: model, call.admission, context, at: place)
            : classifier.classify(tensors: tensors, with: model, admission: call.admission, context)
        return scores.map(SequencePredictor.Outcome.classes)
    }

    /// What a model says of each sequence.
    func predictions(
        for instances: [Instance],
        with model: Model,
        _ options: SequencePredictor.Options,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws -> [SequencePredictor.Answer] {
        // A translation works as long as a text that is generated.
        let permit = model.pipeline.decoder == nil ? nil : try generations.permit()
        defer { withExtendedLifetime(permit) {} }
        return try await predictor.predict(
            instances,
            with: model,
            options,
            admission: admission,
            context
        )
    }

    /// The classes of each image, by its central crop.
    func scores(
        of instances: [Instance],
        with model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext,
        at place: (Int) -> String?
    ) async throws -> [ClassScores] {
        let images = try instances.map { instance throws(ServingError) in
            guard case .image(let bytes) = instance else {
                throw .invalidInput("expected an image, found \(instance.kind)")
            }
            return Result<ArraySlice<UInt8>, ServingError>.success(bytes)
        }
        let results = try await classifier.classify(
            images: images,
            with: model,
            admission: admission,
            context
        )
        return try results.enumerated().map { index, result throws(ServingError) in
            do throws(ServingError) {
                return try result.get().scores
            } catch {
                throw place(index).map(error.at) ?? error
            }
        }
    }

    /// Refuses forecasts that have more steps together than a request may ask for.
    func checkForecast(of steps: Int, for instances: Int) throws(ServingError) {
        guard steps == 1 || steps * instances <= limits.maxForecastSteps else {
            let found = "\(steps) steps for each of \(instances) instances"
            throw .tooLarge(
                code: "request_too_costly",
                "parameters.horizon: expected at most \(limits.maxForecastSteps) steps together, found \(found)"
            )
        }
    }

    /// Leases the bytes that predictions for instances may have.
    func leaseAnswer(
        to instances: [Instance],
        _ form: PredictionForm,
        of model: Model,
        horizon: Int = 1
    ) throws(ServingError) -> MemoryLease {
        let bytes = instances.reduce(0) { sum, instance in
            sum + form.estimatedBytes(instance, of: model, horizon: horizon)
        }
        return try leaseAnswer(of: bytes, to: "instances")
    }

    /// Leases the bytes that an answer may have, or refuses the request before any of it is computed.
    func leaseAnswer(of bytes: Int, to what: String) throws(ServingError) -> MemoryLease {
        guard bytes <= limits.maxAnswerBytes else {
            let limit = "more than the \(limits.maxAnswerBytes) of max_answer_bytes"
            throw .tooLarge(
                code: "answer_too_large",
                "the answer would have about \(bytes) bytes, \(limit); send fewer \(what) or ask for less"
            )
        }
        return try budget.require(bytes, for: .answers)
    }
}
