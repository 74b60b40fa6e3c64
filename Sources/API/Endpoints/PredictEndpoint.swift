internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

extension Service {
    static let predictDescription = RouteDescription(
        "A prediction for each instance",
        query: [
            .timeout, .topK,
            .init("detail", .choice(["attention"]), "Whether a translation tells what it looked at"),
        ],
        takes: [.json(.predictRequest), .text] + RouteDescription.Content.image + [.form(.imageForm)],
        answers: .json(.predictions)
    )

    /// `POST /v1/models/{model}:predict`: instances in, a prediction for each out, in order.
    ///
    /// The shape is TensorFlow Serving's and KServe V1's: `{"instances": […], "parameters": {…}}`. A `text/plain`
    /// body is one text instance; for a model over frames an image, an animation and a form with images are one clip.
    func predict(_ call: Call) async throws -> Response {
        var call = call
        let (model, inputs) = try await begin(&call)
        defer { withExtendedLifetime(inputs) {} }
        if Self.isPicture(call.request, model) {
            switch model.manifest.task {
            case .objectDetection: return try await detect(call)
            case .imageCaptioning: return try await caption(call)
            default: return try await segment(call)
            }
        }
        let query = try RequestParameters(call.request.query.pairs, known: ["timeout_ms", "top_k", "detail"])
        let context = try context(of: call, query)
        var request = try PredictRequest(call.request, for: model, context)
        request.form.topK = try query.positiveInteger("top_k") ?? request.form.topK
        if try query.flag("detail", spelled: "attention") { try request.listAttention(of: model) }
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
                call.admission,
                context
            )
        }
        let horizon = request.horizon ?? 1
        try checkForecast(of: horizon, for: request.instances.count)
        let answer = try leaseAnswer(to: request.instances, request.form, of: model, horizon: horizon)
        defer { withExtendedLifetime(answer) {} }
        switch model.input {
        case .image, .regions: return try await predict(images: request, model, call.admission, context)
        case .sequence, .frames: return try await predict(sequences: request, model, call.admission, context)
        case .tensors(let ports):
            let outputs = try await classifier.outputs(
                of: request.instances.compactMap { if case .tensor(let tensor) = $0 { tensor } else { nil } },
                with: model,
                admission: call.admission,
                context
            )
            return try TensorPredictions(ports, outputs).response(isColumnar: request.isColumnar)
        }
    }

    /// Whether a body for a model that finds things in images is an image, as its own verb takes it, not instances.
    private static func isPicture(_ request: Request, _ model: Model) -> Bool {
        let tasks: [Manifest.Task] = [.objectDetection, .semanticSegmentation, .imageCaptioning]
        guard tasks.contains(model.manifest.task) else { return false }
        return RequestBody.mediaType(request) != "application/json" && !ImageUpload.isObject(request.body)
    }

    private func predict(
        sequences request: PredictRequest,
        _ model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws -> Response {
        var options = SequencePredictor.Options()
        options.horizon = request.horizon
        options.translation = request.translation
        options.count = request.form.topK ?? 1
        let answers = try await predictions(for: request.instances, with: model, options, admission, context)
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
        var options = ImageOptions()
        options.detection.topK = request.form.topK ?? options.detection.topK
        (options.detection.threshold, options.detection.overlap) = (request.threshold, request.overlap)
        options.detection.proposals = request.proposals
        options.captions.writing = request.translation ?? options.captions.writing
        options.captions.count = request.form.topK ?? 1
        let outcomes = try await outcomes(
            ofImages: request.instances,
            with: model,
            admission,
            context,
            options
        ) {
            "instance \($0)"
        }
        let maps =
            model.manifest.task == .semanticSegmentation
            ? try leaseMaps(outcomes, SegmentationAnswer(model).bytes) : nil
        defer { withExtendedLifetime(maps) {} }
        let answers = try outcomes.map { outcome throws(ServingError) in
            try request.form.json(outcome, of: model)
        }
        guard !request.isColumnar else { return columns(answers) }
        return try predictions(answers.count, context) { index, output in answers[index].write(to: &output) }
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
}
