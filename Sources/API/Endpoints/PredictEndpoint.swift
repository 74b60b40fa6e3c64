internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

extension Service {
    /// `POST /v1/models/{model}:predict`: instances in, a prediction for each out, in order.
    ///
    /// The shape is TensorFlow Serving's and KServe V1's: `{"instances": […], "parameters": {…}}`. A `text/plain`
    /// body is one text instance.
    func predict(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        let query = try RequestParameters(call.request.query.pairs, known: ["timeout_ms", "top_k"])
        let context = try context(of: call, query)
        let readBytes = call.request.body.count * InstanceReader(model.input).bytesPerByte
        let inputs = try budget.require(readBytes, for: .inputs)
        defer { withExtendedLifetime(inputs) {} }
        var request = try PredictRequest(call.request, for: model, context)
        request.form.topK = try query.positiveInteger("top_k") ?? request.form.topK
        if request.sequence != nil {
            try Self.checkGoesOn(model, instances: request.count, horizon: request.horizon)
        }
        if let fault = request.fault { throw fault }
        if let sequence = request.sequence {
            let begun = sequence.starts ? nil : sequence.id.map { modelOfSequence($0, call, model) }
            return try await predictSequence(
                request,
                sequence,
                of: call.owner,
                with: begun ?? model,
                context
            )
        }
        let answer = try leaseAnswer(to: request, of: model)
        defer { withExtendedLifetime(answer) {} }
        switch model.input {
        case .image: return try await predict(images: request, model, call.admission, context)
        case .sequence, .frames: return try await predict(sequences: request, model, call.admission, context)
        }
    }

    private func predict(
        sequences request: PredictRequest,
        _ model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws -> Response {
        // A translation works as long as a text that is generated.
        let permit = model.pipeline.decoder == nil ? nil : try generations.permit()
        defer { withExtendedLifetime(permit) {} }
        var options = SequencePredictor.Options()
        options.horizon = request.horizon
        options.translation = request.translation
        options.count = request.form.topK ?? 1
        let answers = try await predictor.predict(
            request.instances,
            with: model,
            options,
            admission: admission,
            context
        )
        guard !request.isColumnar else {
            return columns(answers.map { request.form.json($0, labels: model.labels) })
        }
        return try predictions(answers.count, context) { index, output in
            request.form.write(answers[index], labels: model.labels, to: &output)
        }
    }

    private func predict(
        images request: PredictRequest,
        _ model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws -> Response {
        var images: [Result<ArraySlice<UInt8>, ServingError>] = []
        for case .image(let bytes) in request.instances { images.append(.success(bytes)) }
        let results = try await classifier.classify(
            images: images,
            with: model,
            ImageClassifier.Options(),
            admission: admission,
            context
        )
        var scores: [ClassScores] = []
        for (index, result) in results.enumerated() {
            do {
                scores.append(try result.get().scores)
            } catch {
                throw error.at("instance \(index)")
            }
        }
        guard !request.isColumnar else {
            return columns(scores.map { .object(request.form.json($0, labels: model.labels)) })
        }
        return try predictions(scores.count, context) { index, output in
            JSONValue.object(request.form.json(scores[index], labels: model.labels)).write(to: &output)
        }
    }

    /// `{"predictions": […]}`, one after another, as long as somebody waits for them.
    private func predictions(
        _ count: Int,
        _ context: RequestContext,
        _ write: (Int, inout [UInt8]) -> Void
    ) throws(ServingError) -> Response {
        var body = Array(#"{"predictions":["#.utf8)
        for index in 0..<count {
            try context.check()
            if index > 0 { body.append(UInt8(ascii: ",")) }
            write(index, &body)
        }
        body += "]}\n".utf8
        return Response(fields: [.contentType: "application/json"], body: body)
    }

    /// Leases the bytes that the answer may have, or refuses the request before any of it is computed.
    private func leaseAnswer(to request: PredictRequest, of model: Model) throws(ServingError) -> AnyObject? {
        let horizon = request.horizon ?? 1
        guard horizon == 1 || horizon * request.instances.count <= limits.maxForecastSteps else {
            let found = "\(horizon) steps for each of \(request.instances.count) instances"
            throw .tooLarge(
                code: "request_too_costly",
                "parameters.horizon: expected at most \(limits.maxForecastSteps) steps together, found \(found)"
            )
        }
        return try leaseAnswer(to: request.instances, request.form, of: model, horizon: horizon)
    }

    /// Leases the bytes that predictions for instances may have.
    func leaseAnswer(
        to instances: [Instance],
        _ form: PredictionForm,
        of model: Model,
        horizon: Int = 1
    ) throws(ServingError) -> AnyObject? {
        let bytes = instances.reduce(0) { sum, instance in
            sum + form.estimatedBytes(instance, of: model, horizon: horizon)
        }
        guard bytes <= limits.maxAnswerBytes else {
            let limit = "more than the \(limits.maxAnswerBytes) of max_answer_bytes"
            throw .tooLarge(
                code: "answer_too_large",
                "the answer would have about \(bytes) bytes, \(limit); send fewer instances or ask for less"
            )
        }
        return try budget.require(bytes, for: .answers)
    }
}
