internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support
internal import Tasks

extension Service {
    private static let searchQuery: [RouteDescription.Parameter] = [
        .init("k", .integer(atLeast: 1), "How many images to list; 10 when it is left out"),
        .init(
            "method",
            .choice(Retrieval.Method.allCases.map(\.rawValue)),
            "Whether all images are compared, or those alone with a like hash"
        ),
        .timeout,
    ]
    private static let searchParameters = searchQuery.map(\.name)
    static let searchDescription = RouteDescription(
        "The images of the model's index that are most like one image or several",
        query: searchQuery,
        takes: RouteDescription.Content.image + [.json(.imagesInJSON), .form(.imageForm)],
        answers: .json(.neighbors)
    )

    /// How many images are listed when nobody says, and at most.
    private static let usualNeighbors = 10
    private static let mostNeighbors = 1000

    /// `POST /v1/models/{model}:search`: one image or several in, for each the images of the model's index that are like it.
    func search(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        let (upload, parameters, context) = try images(of: call, known: Self.searchParameters)
        let count = try parameters.positiveInteger("k") ?? Self.usualNeighbors
        guard count <= Self.mostNeighbors else {
            throw ServingError.invalidParameter(
                "k",
                expected: "at most \(Self.mostNeighbors)",
                found: "\(count)"
            )
        }
        let method = try parameters.choice("method", of: Retrieval.Method.self) ?? .exact
        let retrieval = try Retrieval(of: model)
        let layer = try FeatureExtraction.Layer(retrieval.layer, of: model)
        let results = try await FeatureExtraction(classifier, predictor).features(
            ofImages: upload.images,
            layer,
            of: model,
            admission: call.admission,
            context
        )
        let entries = try results.map { result throws(ServingError) in
            do throws(ServingError) {
                let features = try result.get()
                let answer = try retrieval.nearest(to: features.values, count, method, context)
                return Result<JSONObject, ServingError>.success(Self.json(answer))
            } catch {
                try context.check()
                return .failure(error)
            }
        }
        var json: JSONObject = [
            "model": .string(model.name), "version": .string(model.version),
            "method": .string(method.rawValue), "images": .integer(retrieval.count),
        ]
        guard upload.isList else {
            json.append(contentsOf: try entries[0].get())
            return Response(json: json)
        }
        let list = entries.map { entry in
            switch entry {
            case .success(let found): JSONValue.object(found)
            case .failure(let error): JSONValue.object(error.json)
            }
        }
        json.append("results", .array(list))
        return Response(json: json)
    }

    /// `{"neighbors": [{"name", "similarity", "index"}], "compared", "search_ms"}`.
    private static func json(_ answer: Retrieval.Answer) -> JSONObject {
        [
            "neighbors": .array(
                answer.neighbors.map { neighbor in
                    .object([
                        "name": .string(neighbor.name), "similarity": .float(neighbor.similarity),
                        "index": .integer(neighbor.index),
                    ])
                }
            ),
            "compared": .integer(answer.compared),
            "search_ms": .number(milliseconds(answer.duration)),
        ]
    }
}
