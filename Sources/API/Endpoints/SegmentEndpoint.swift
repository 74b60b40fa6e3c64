internal import HTTP
internal import HTTPTypes
internal import Imaging
internal import Models
internal import Platform
internal import Support
internal import Tasks

extension Service {
    private static let segmentQuery: [RouteDescription.Parameter] = [
        .pictureFormat(),
        .init(
            "overlay",
            .choice(["true", "false"]),
            "PNG: the classes' colours over the upright image, or alone"
        ),
        .timeout,
    ]
    private static let segmentParameters = segmentQuery.map(\.name)
    static let segmentDescription = RouteDescription(
        "A class for each pixel of one image or several, as run lengths; or of one image as a PNG with a palette",
        query: segmentQuery,
        drawsOr: .segmentation
    )

    /// `POST /v1/models/{model}:segment`: one image or several in, a class for each of their pixels out.
    func segment(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        let (upload, parameters, context) = try images(of: call, known: Self.segmentParameters)
        let hasOverlay = try parameters.boolean("overlay") ?? false
        let format = try PictureFormat(parameters, of: upload, accept: call.request.accept)
        let results = try await ImageSegmenter(classifier).segment(
            images: upload.images,
            with: model,
            admission: call.admission,
            context
        )
        let answer = try SegmentationAnswer(model)
        guard format == .png else {
            let bytes = results.reduce(0) { sum, result in
                sum + ((try? result.get()).map { answer.bytes(of: $0.map) } ?? 0) // an error takes nothing
            }
            let lease = try leaseAnswer(of: bytes, to: "images")
            defer { withExtendedLifetime(lease) {} }
            return try pictures(results.map { $0.map(answer.json) }, of: model, isList: upload.isList)
        }
        let found = try results[0].get()
        if hasOverlay {
            return try drawing(on: upload.images[0].get(), context) { answer.drawn(found, on: $0) }
        }
        let lease = try budget.require(
            found.map.classes.count + PNGEncoder.mostBytes(found.run.size, channels: 1),
            for: .answers
        )
        defer { withExtendedLifetime(lease) {} }
        return Response(fields: [.contentType: PNGEncoder.mediaType], body: try answer.png(found.map)).varying
    }
}
