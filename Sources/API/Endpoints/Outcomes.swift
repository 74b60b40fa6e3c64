internal import Engine
internal import HTTP
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// What is asked of images, by the task of the model that is asked.
struct ImageOptions {
    var detection = ObjectDetector.Options()
    var captions = Captioner.Options()
}

/// From instances to what a model says of them: the same for every protocol, each of which reads and writes its own form.
extension Service {
    /// The model that a call is for, let in at the engine, with room for what its body becomes.
    func begin(_ call: inout Call) async throws -> (model: Model, inputs: AnyObject?) {
        let model = try await admittedModel(&call)
        let bytes = call.request.body.count * InstanceReader(model.input).bytesPerByte
        return (model, try budget.require(bytes, for: .inputs))
    }

    /// The images of a call, and its parameters: those of the query and, of a form, its fields.
    func images(
        of call: Call,
        known names: [String]
    ) throws -> (upload: ImageUpload, parameters: RequestParameters, context: RequestContext) {
        let upload = try ImageUpload(call.request, context(of: call), parameterNames: names)
        let parameters = try RequestParameters(call.request.query.pairs + upload.fields, known: names)
        return (upload, parameters, try context(of: call, parameters))
    }

    /// What a model says of each instance, whatever it takes.
    ///
    /// - Parameters:
    ///   - instances: at least one, read for the model.
    ///   - model: the one to ask.
    ///   - network: the one for the shapes of tensors; nil for the model's own.
    ///   - options: what is asked of sequences.
    ///   - call: the request, with its place at the engine.
    ///   - context: the request, as the layers below see it.
    ///   - place: what an error about one of several images begins with; nil for nothing.
    /// - Returns: an outcome for each instance, in order.
    /// - Throws: `ServingError`; that of one image ends the request.
    func outcomes(
        of instances: [Instance],
        with model: Model,
        on network: ServedNetwork? = nil,
        _ options: SequencePredictor.Options,
        _ call: Call,
        _ context: RequestContext,
        at place: (Int) -> String?
    ) async throws -> [SequencePredictor.Outcome] {
        let tensors = instances.compactMap { if case .tensor(let tensor) = $0 { tensor } else { nil } }
        switch model.input {
        case .regions,
            .image where tensors.isEmpty:
            return try await outcomes(ofImages: instances, with: model, call.admission, context, at: place)
        case .image:
            return try await outcomes(ofTensors: tensors, with: model, call.admission, context)
        case .tensors:
            return try await classifier.outputs(
                of: tensors,
                with: model,
                on: network,
                admission: call.admission,
                context
            ).map(SequencePredictor.Outcome.tensors)
        case .sequence, .frames:
            return try await predictions(for: instances, with: model, options, call.admission, context).map(
                \.outcome
            )
        }
    }

    /// What a model says of images that the client has prepared itself.
    private func outcomes(
        ofTensors tensors: [Tensor],
        with model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws -> [SequencePredictor.Outcome] {
        switch model.manifest.task {
        case .objectDetection:
            return try await ObjectDetector(classifier).detect(
                tensors: tensors,
                with: model,
                admission: admission,
                context
            ).map(SequencePredictor.Outcome.detections)
        case .semanticSegmentation:
            return try await ImageSegmenter(classifier).segment(
                tensors: tensors,
                with: model,
                admission: admission,
                context
            ).map(SequencePredictor.Outcome.map)
        case .imageCaptioning:
            let permit = try generations.permit()
            defer { withExtendedLifetime(permit) {} }
            return try await captioner.caption(
                tensors: tensors,
                with: model,
                admission: admission,
                context
            ).map { .translations($0.map(\.sentence)) }
        case .embedding:
            return try await FeatureExtraction(classifier, predictor).features(
                ofTensors: tensors,
                FeatureExtraction.Layer(nil, of: model),
                of: model,
                admission: admission,
                context
            ).map(SequencePredictor.Outcome.vector)
        default:
            return try await classifier.classify(
                tensors: tensors,
                with: model,
                admission: admission,
                context
            ).map(SequencePredictor.Outcome.classes)
        }
    }

    /// What a model says of each image: of a classification by its central crop.
    ///
    /// - Throws: `ServingError`; that of one image ends the request.
    func outcomes(
        ofImages instances: [Instance],
        with model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext,
        _ options: ImageOptions = ImageOptions(),
        at place: (Int) -> String?
    ) async throws -> [SequencePredictor.Outcome] {
        let images = try Self.images(instances)
        let results: [Result<SequencePredictor.Outcome, ServingError>]
        switch model.manifest.task {
        case .objectDetection:
            results = try await ObjectDetector(classifier).detect(
                images: images,
                with: model,
                options.detection,
                admission: admission,
                context
            ).map { $0.map { .detections($0.detections) } }
        case .semanticSegmentation:
            results = try await ImageSegmenter(classifier).segment(
                images: images,
                with: model,
                admission: admission,
                context
            ).map { $0.map { .map($0.map) } }
        case .imageCaptioning:
            let permit = try generations.permit()
            defer { withExtendedLifetime(permit) {} }
            results = try await captioner.caption(
                images: images,
                with: model,
                options.captions,
                admission: admission,
                context
            ).map { $0.map { .translations($0.captions.map(\.sentence)) } }
        case .embedding:
            results = try await FeatureExtraction(classifier, predictor).features(
                ofImages: images,
                FeatureExtraction.Layer(nil, of: model),
                of: model,
                admission: admission,
                context
            ).map { $0.map { .vector($0) } }
        default:
            results = try await classifier.classify(
                images: images,
                with: model,
                admission: admission,
                context
            ).map { $0.map { .classes($0.scores) } }
        }
        return try results.enumerated().map { index, result throws(ServingError) in
            do throws(ServingError) {
                return try result.get()
            } catch {
                throw place(index).map(error.at) ?? error
            }
        }
    }

    private static func images(
        _ instances: [Instance]
    ) throws(ServingError) -> [Result<ArraySlice<UInt8>, ServingError>] {
        try instances.map { instance throws(ServingError) in
            guard case .image(let bytes) = instance else {
                throw .invalidInput("expected an image, found \(instance.kind)")
            }
            return .success(bytes)
        }
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

    /// Leases what maps take in an answer, which is known when they are there.
    ///
    /// - Parameters:
    ///   - outcomes: of which some may be maps.
    ///   - bytes: what a map takes.
    /// - Returns: nil where none is a map.
    /// - Throws: `ServingError` 413 where it is more than an answer may have, 503 where there is no memory.
    func leaseMaps(
        _ outcomes: [SequencePredictor.Outcome],
        _ bytes: (ClassMap) -> Int
    ) throws(ServingError) -> MemoryLease? {
        let sum = outcomes.reduce(0) { sum, outcome in
            if case .map(let map) = outcome { sum + bytes(map) } else { sum }
        }
        return sum > 0 ? try leaseAnswer(of: sum, to: "images, or ask for a PNG,") : nil
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
