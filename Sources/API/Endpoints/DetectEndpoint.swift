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
        .pictureFormat(),
        .timeout,
    ]
    private static let detectParameters = detectQuery.map(\.name)
    static let detectDescription = RouteDescription(
        "The objects in one image or several, each with its box; or one image with the boxes drawn on it",
        query: detectQuery,
        drawsOr: .detections
    )

    /// `POST /v1/models/{model}:detect`: one image or several in, the objects in each out.
    func detect(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        let (upload, parameters, context) = try images(of: call, known: Self.detectParameters)
        var options = ObjectDetector.Options()
        options.threshold = try parameters.share("threshold")
        options.overlap = try parameters.share("nms")
        options.topK = try parameters.positiveInteger("top_k") ?? options.topK
        options.proposals = try parameters.positiveInteger(
            "proposals",
            upTo: RegionDescription.limits.upperBound
        )
        let format = try PictureFormat(parameters, of: upload, accept: call.request.accept)
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
