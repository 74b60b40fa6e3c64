internal import HTTP
internal import HTTPTypes
internal import Imaging
internal import Inference
internal import Models
internal import Support
internal import Tasks

extension Service {
    private static let classifyQuery: [RouteDescription.Parameter] = [
        .topK, .timeout,
        .init("crops", .choice(CropMode.allCases.map(\.rawValue)), "The test-time augmentation"),
        .init("scales", .string(pattern: "^[1-9][0-9]{0,3}(,[1-9][0-9]{0,3}){0,15}$"), "Shorter sides"),
        .init(
            "average",
            .choice(ClassScores.Average.allCases.map(\.rawValue)),
            "What is averaged over the crops"
        ),
        .init("detail", .choice(["crops"]), "Whether each crop is listed with its best class"),
    ]
    private static let classifyParameters = classifyQuery.map(\.name)
    static let classifyDescription = RouteDescription(
        "The most probable classes of one image, several, or examples",
        query: classifyQuery,
        takes: RouteDescription.Content.image
            + [.json(.anyOf([.imagesInJSON, .examples])), .form(.imageForm)],
        answers: .json(.classification)
    )

    /// `POST /v1/models/{model}:classify`: one image or several in, the most probable classes of each out; also examples, as
    /// TensorFlow Serving has them.
    func classify(_ call: Call) async throws -> Response {
        if ServingExamples.areIn(call.request.body) { return try await classifyExamples(call) }
        var call = call
        let model = try await admittedModel(&call)
        let (upload, parameters, context) = try images(of: call, known: Self.classifyParameters)
        let options = try Self.options(parameters)
        let format = AnswerFormat(accept: call.request.accept)
        let listing = ImageAnswer(
            topK: try parameters.positiveInteger("top_k") ?? (format == .json ? nil : 1),
            labels: model.labels,
            listsCrops: try parameters.flag("detail", spelled: "crops")
        )
        let results = try await classifier.classify(
            images: upload.images,
            with: model,
            options,
            admission: call.admission,
            context
        )
        if format != .json {
            var table = ImageTable(format)
            if !upload.isList { _ = try results[0].get() } // its error is the answer
            for (index, result) in results.enumerated() {
                table.append(
                    result.map { $0.scores.listed(listing.topK, labels: listing.labels) },
                    image: index
                )
            }
            return table.response
        }
        let heading: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        return upload.isList
            ? try list(results, heading, listing) : try single(results[0].get(), heading, listing)
    }

    private static func options(_ parameters: RequestParameters) throws(ServingError)
        -> ImageClassifier.Options
    {
        let scales = try parameters.positiveIntegers("scales", upTo: Preprocessing.maxSide, most: 16) ?? []
        return ImageClassifier.Options(
            crops: try parameters.choice("crops", of: CropMode.self) ?? .center,
            scales: scales,
            average: try parameters.choice("average", of: ClassScores.Average.self) ?? .probabilities
        )
    }

    private func single(
        _ image: ImageClassifier.Answer,
        _ heading: JSONObject,
        _ listing: ImageAnswer
    ) throws -> Response {
        var json = heading
        for member in try listing.json(image).members { json.append(member.key, member.value) }
        return Response(json: json)
    }

    private func list(
        _ results: [Result<ImageClassifier.Answer, ServingError>],
        _ heading: JSONObject,
        _ listing: ImageAnswer
    ) throws -> Response {
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
}
