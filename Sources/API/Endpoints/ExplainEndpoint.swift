internal import HTTP
internal import HTTPTypes
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

extension Service {
    private static let explainQuery: [RouteDescription.Parameter] = [
        .init("class", .string(), "The number or the label of the class; the likeliest when it is left out"),
        .init(
            "method",
            .choice(ExplanationMethod.allCases.map(\.rawValue)),
            "How; a class activation map where the network has one, else occlusion; leave-one-out for sequences"
        ),
        .init("patch", .integer(atLeast: 1), "Occlusion: the side of what is covered, in pixels of the crop"),
        .init("stride", .integer(atLeast: 1), "Occlusion: pixels of the crop from one patch to the next"),
        .init("step", .integer(atLeast: 0), "The step whose class is explained, of a model that tags"),
        .pictureFormat(),
        .init("overlay", .choice(["true", "false"]), "PNG: the map over the upright image, or alone"),
        .timeout,
    ]
    // The centre crop is explained: `crops` may stand in a query that a client has for all verbs.
    private static let explainParameters = explainQuery.map(\.name) + ["crops"]
    static let explainDescription = RouteDescription(
        "Which parts of an image, or steps of a sequence, speak for a class",
        query: explainQuery,
        takes: RouteDescription.Content.image
            + [.json(.anyOf([.imagesInJSON, .predictRequest])), .form(.imageForm), .text],
        answers: .init(content: [.json(.explanation), .init(type: PNGEncoder.mediaType, schema: .bytes)])
    )

    /// `POST /v1/models/{model}:explain`: one image or one sequence in, what speaks for its class out, in numbers or as a
    /// picture.
    func explain(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        if case .image = model.input { return try await explainImage(call, model) }
        let lease = try budget.require(
            call.request.body.count * InstanceReader(model.input).bytesPerByte,
            for: .inputs
        )
        defer { withExtendedLifetime(lease) {} }
        return try await explainSequence(call, model)
    }

    private func explainImage(_ call: Call, _ model: Model) async throws -> Response {
        let (upload, parameters, context) = try images(of: call, known: Self.explainParameters)
        var options = ImageExplainer.Options()
        options.target = parameters.text("class")
        options.method = try parameters.choice("method", of: ExplanationMethod.self)
        options.patch = try parameters.positiveInteger("patch")
        options.stride = try parameters.positiveInteger("stride")
        if let method = options.method, method != .occlusion, options.patch ?? options.stride != nil {
            throw ServingError.invalidParameter(
                "method",
                expected: "occlusion, which has patches",
                found: method.rawValue
            )
        }
        if parameters.text("step") != nil {
            throw ServingError.badRequest("step: an image has none", code: "invalid_parameter")
        }
        let format = try PictureFormat(parameters, accept: call.request.accept)
        let hasOverlay = try parameters.boolean("overlay") ?? true
        guard upload.images.count == 1 else {
            throw ServingError.badRequest(
                "expected one image, found \(upload.images.count); each is explained by a request of its own",
                code: "one_image"
            )
        }
        let bytes = try upload.images[0].get()
        let explainer = ImageExplainer(classifier)
        let answer = try await explainer.explain(
            bytes,
            with: model,
            options,
            admission: call.admission,
            context
        )
        guard format == .png else { return Response(json: ExplanationAnswer(model).json(answer)).varying }
        guard hasOverlay else { return try drawn(answer) }
        return try drawing(on: bytes, context) { picture in
            let scale = Double(picture.width) / Double(answer.size.width)
            return answer.map.drawn(over: picture, at: answer.box.scaled(by: scale))
        }
    }

    /// The map alone, as large as the part of the image that it is of.
    private func drawn(_ answer: ImageExplainer.Answer) throws -> Response {
        let size = answer.box.size(atMost: Self.pictureSide)
        let lease = try leasePicture(size)
        defer { withExtendedLifetime(lease) {} }
        return try png(answer.map.drawn(size))
    }

    private func explainSequence(_ call: Call, _ model: Model) async throws -> Response {
        let parameters = try RequestParameters(call.request.query.pairs, known: Self.explainParameters)
        let context = try context(of: call, parameters)
        var options = LeaveOneOut.Options()
        options.target = parameters.text("class")
        options.method = try parameters.choice("method", of: ExplanationMethod.self)
        options.step = try parameters.wholeNumber("step")
        if parameters.text("patch") ?? parameters.text("stride") != nil {
            throw ServingError.badRequest("patch, stride: a sequence has none", code: "invalid_parameter")
        }
        if try PictureFormat(parameters, accept: nil) == .png {
            throw ServingError.invalidParameter("format", expected: "json for a sequence", found: "png")
        }
        let request = try PredictRequest(call.request, for: model, context)
        if let fault = request.fault { throw fault }
        guard request.instances.count == 1, request.sequence == nil, request.horizon == nil else {
            throw ServingError.badRequest(
                "expected one whole sequence, and no sequence_id and no horizon; found \(request.instances.count)",
                code: "one_instance"
            )
        }
        let bytes = request.instances[0].steps * 96
        let lease = try leaseAnswer(of: bytes, to: "steps")
        defer { withExtendedLifetime(lease) {} }
        let answer = try await LeaveOneOut(predictor, budget: budget).explain(
            request.instances[0],
            with: model,
            options,
            admission: call.admission,
            context
        )
        return Response(json: ExplanationAnswer(model).json(answer)).varying
    }
}

extension Response {
    /// The same, which is another answer for another `Accept`.
    var varying: Response {
        var response = self
        response.vary(by: .accept)
        return response
    }
}
