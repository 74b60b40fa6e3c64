internal import HTTP
internal import HTTPTypes
internal import Imaging
internal import Models
internal import Support
internal import Tasks

extension Service {
    private static let detectQuery: [RouteDescription.Parameter] = [
        .init("threshold", .number(atLeast: 0, atMost: 1), "The lowest score of an object that is listed"),
        .init(
            "nms",
            .number(atLeast: 0, atMost: 1),
            "The overlap beyond which the worse of two boxes is dropped"
        ),
        .init("top_k", .integer(atLeast: 1), "How many objects to list"),
        .init(
            "proposals",
            .integer(atLeast: 1, atMost: RegionDescription.limits.upperBound),
            "How many regions an R-CNN looks at"
        ),
        .init(
            "format",
            .choice(PictureFormat.allCases.map(\.rawValue)),
            "What the answer is, whatever `Accept` says"
        ),
        .timeout,
    ]
    private static let detectParameters = detectQuery.map(\.name)
    static let detectDescription = RouteDescription(
        "The objects in one image or several, each with its box; or one image with the boxes drawn on it",
        query: detectQuery,
        takes: RouteDescription.Content.image + [.json(.imagesInJSON), .form(.imageForm)],
        answers: .init(content: [.json(.detections), .init(type: PNGEncoder.mediaType, schema: .bytes)])
    )

    /// `POST /v1/models/{model}:detect`: one image or several in, the objects in each out.
    func detect(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        let upload = try ImageUpload(call.request, context(of: call), parameterNames: Self.detectParameters)
        let parameters = try RequestParameters(
            call.request.query.pairs + upload.fields,
            known: Self.detectParameters
        )
        let context = try context(of: call, parameters)
        var options = ObjectDetector.Options()
        options.threshold = try parameters.share("threshold")
        options.overlap = try parameters.share("nms")
        options.topK = try parameters.positiveInteger("top_k") ?? options.topK
        options.proposals = try parameters.positiveInteger(
            "proposals",
            upTo: RegionDescription.limits.upperBound
        )
        let format = try PictureFormat(parameters, accept: call.request.accept)
        if format == .png { try upload.requireOne() }
        let results = try await ObjectDetector(classifier).detect(
            images: upload.images,
            with: model,
            options,
            admission: call.admission,
            context
        )
        let answer = DetectionAnswer(model)
        guard format == .png else {
            return try pictures(results.map { $0.map(answer.json) }, of: model, isList: upload.isList)
        }
        let found = try results[0].get()
        return try drawing(on: upload.images[0].get(), context) { answer.drawn(found, on: $0) }
    }
}

/// What `:detect`, `:segment` and `:explain` answer with.
enum PictureFormat: String, CaseIterable {
    case json, png

    /// The format that is asked for by name, else the one that a client would rather have by its `Accept`.
    init(_ parameters: RequestParameters, accept: String?) throws(ServingError) {
        if let named = try parameters.choice("format", of: Self.self) {
            self = named
        } else {
            let types = ["application/json", PNGEncoder.mediaType]
            self = MediaPreference.choice(accept, among: types) == 1 ? .png : .json
        }
    }
}

extension Service {
    /// The longest side of a picture on which something is drawn.
    static let pictureSide = 1024

    /// One answer as it is, several as a list in which each that failed has its own error.
    func pictures(
        _ results: [Result<JSONObject, ServingError>],
        of model: Model,
        isList: Bool
    ) throws(ServingError) -> Response {
        var json: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        if isList {
            let entries = results.map { result in
                switch result {
                case .success(let entry): JSONValue.object(entry)
                case .failure(let error): JSONValue.object(error.json)
                }
            }
            json.append("results", .array(entries))
        } else {
            json.append(contentsOf: try results[0].get())
        }
        return Response(json: json).varying
    }

    /// The upright image, with no more than `pictureSide` pixels on a side, with something drawn on it.
    func drawing(
        on bytes: ArraySlice<UInt8>,
        _ context: RequestContext,
        _ draw: (Image) -> Image
    ) throws -> Response {
        let picture = try ImageExplainer(classifier).picture(of: bytes, side: Self.pictureSide, context)
        let lease = try leasePicture(ImageSize(height: picture.height, width: picture.width))
        defer { withExtendedLifetime(lease) {} }
        return try png(draw(picture))
    }
}

extension ImageUpload {
    /// Requires that there is one image: a picture is drawn of one.
    func requireOne() throws(ServingError) {
        guard images.count != 1 else { return }
        throw .badRequest(
            "expected one image, found \(images.count); each is drawn by a request of its own",
            code: "one_image"
        )
    }
}
