internal import HTTP
internal import HTTPTypes
internal import Imaging
internal import Support

extension API {
    private static let classifyParameters = [
        "top_k", "crops", "scales", "average", "timeout_ms", "detail",
    ]

    /// `POST /v1/models/{model}:classify`: one image or several in, the most probable classes of each out.
    func classify(_ call: Call) throws(ServingError) -> Response {
        let model = try registry.model(named: call.model, version: call.version)
        let upload = try ImageUpload(call.request, parameterNames: Self.classifyParameters)
        let parameters = try RequestParameters(
            call.request.query.pairs + upload.fields,
            known: Self.classifyParameters
        )
        let options = ImageClassifier.Options(
            crops: try parameters.choice("crops", of: CropMode.self) ?? .center,
            scales: try parameters.positiveIntegers("scales", upTo: Preprocessing.maxSide, most: 16) ?? [],
            average: try parameters.choice("average", of: ClassScores.Average.self) ?? .probabilities,
            deadline: try deadline(of: call.request, parameters),
            cancellation: call.request.cancellation
        )
        let listing = ImageAnswer(
            topK: try parameters.positiveInteger("top_k") ?? 5,
            labels: model.labels,
            listsCrops: try parameters.flag("detail", spelled: "crops")
        )
        let results = try classifier.classify(images: upload.images, with: model, options)
        let heading: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        return upload.isList
            ? try list(results, heading, listing) : try single(results[0].get(), heading, listing)
    }

    private func single(
        _ image: ImageClassifier.Answer,
        _ heading: JSONObject,
        _ listing: ImageAnswer
    ) throws(ServingError) -> Response {
        var json = heading
        for member in try listing.json(image).members { json.append(member.key, member.value) }
        var response = Response(json: json)
        response.addServerTiming("decode", image.decode)
        response.addServerTiming("preprocess", image.preprocess)
        response.addServerTiming("queue", image.inference.queue)
        response.addServerTiming("inference", image.inference.compute)
        return response
    }

    private func list(
        _ results: [Result<ImageClassifier.Answer, ServingError>],
        _ heading: JSONObject,
        _ listing: ImageAnswer
    ) throws(ServingError) -> Response {
        var entries: [JSONValue] = []
        for result in results {
            switch result {
            case .success(let image): entries.append(.object(try listing.json(image)))
            case .failure(let error): entries.append(.object(error.json))
            }
        }
        var json = heading
        json.append("results", .array(entries))
        return Response(json: json)
    }

    /// When the answer must be ready: `timeout_ms` after the request's arrival, else the daemon's own limit.
    func deadline(
        of request: Request,
        _ parameters: RequestParameters
    ) throws(ServingError) -> ContinuousClock.Instant {
        let timeout = try parameters.positiveInteger("timeout_ms").map { Duration.milliseconds($0) }
        return request.received + min(timeout ?? requestTimeout, requestTimeout)
    }
}
