internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// TorchServe's inference and description APIs on the same port, for clients of a server that is no longer maintained.
///
/// Models come and go as everywhere in Martlet; the management calls that would change that are not there.
/// - Source: pytorch/serve, `docs/inference_api.md`, `docs/management_api.md` and the image and text classifiers of
///   `ts/torch_handler`.
extension Service {
    static func addTorchServe(to routes: inout RouteTable) {
        routes.section = "TorchServe"
        let prediction = RouteDescription(
            "What a model says of an image or a sequence, sent as it is",
            takes: RouteDescription.Content.image + [.text, .json(.any), .form(.object(["data": .bytes]))],
            answers: .init(content: [.json(.any), .text])
        )
        for path in ["/predictions/{model}", "/predictions/{model}/{version}"] {
            let predict = torchServe(.inference("predictions") { try await $0.predictAsTorchServe($1) })
            routes.on(.post, path, predict, prediction)
            routes.on(.put, path, predict, prediction)
        }
        routes.on(
            .get,
            "/ping",
            torchServe(.control("ping", scope: .probe) { service, _ in service.ping() }),
            RouteDescription(
                "Whether requests are welcome",
                answers: .json(.object(["status": .choice(["Healthy", "Unhealthy"])]))
            )
        )
        routes.on(
            .get,
            "/models",
            torchServe(.control("models") { try $0.listAsTorchServe($1) }),
            RouteDescription(
                "The models by name",
                query: [
                    .init("limit", .integer(atLeast: 1), "How many to list, 100 where it is not said"),
                    .init("next_page_token", .integer(atLeast: 0), "Where the page before has ended"),
                ],
                answers: .json(.torchServeModels)
            )
        )
        let description = RouteDescription("One model", answers: .json(.array(of: .torchServeModel)))
        for path in ["/models/{model}", "/models/{model}/{version}"] {
            routes.on(
                .get,
                path,
                torchServe(.control("model") { try $0.describeAsTorchServe($1) }),
                description
            )
        }
        routes.on(
            .get,
            "/models/{model}/all",
            torchServe(.control("model") { try $0.describeAsTorchServe($1, all: true) }),
            description
        )
    }

    private static func torchServe(_ endpoint: Endpoint) -> Endpoint {
        var endpoint = endpoint
        endpoint.errors = .torchServe
        return endpoint
    }

    /// `POST /predictions/{model}`: what the model's handler would answer; a list where several files were sent.
    private func predictAsTorchServe(_ call: Call) async throws -> Response {
        var call = call
        let (model, inputs) = try await begin(&call)
        defer { withExtendedLifetime(inputs) {} }
        let context = context(of: call)
        let request = try TorchServeRequest(call.request, for: model, context)
        if model.manifest.task == .textGeneration {
            return try await continueAsTorchServe(request, call, model, context)
        }
        let form = PredictionForm()
        let answers = try await outcomes(of: request.instances, with: model, call, context).map { outcome in
            switch outcome {
            case .detections, .map, .vector: try form.json(outcome, of: model)
            case .tensors(let outputs): try TensorPredictions.json(outputs, of: model)
            default: outcome.torchServeJSON(labels: model.labels)
            }
        }
        return Response(json: request.isList ? .array(answers) : answers[0])
    }

    /// The text that a model makes of a prompt, as plain text.
    private func continueAsTorchServe(
        _ request: TorchServeRequest,
        _ call: Call,
        _ model: Model,
        _ context: RequestContext
    ) async throws -> Response {
        guard case .text(let prompt) = request.instances[0], !request.isList else {
            throw ServingError.invalidInput("expected one text, found \(request.instances[0].kind)")
        }
        call.admission?.release()
        let permit = try generations.permit()
        defer { withExtendedLifetime(permit) {} }
        var options = TextGenerator.Options(seed: 0)
        options.sampling.temperature = 0 // a handler's `generate` is greedy, and says the same each time
        var generation = try await generator.begin(prompt, with: model, options, context)
        var text = prompt
        while let piece = try await generation.next() { text += piece.text }
        countGeneration(of: model, generation.finishReason?.rawValue)
        return Response(fields: [.contentType: "text/plain; charset=utf-8"], body: Array(text.utf8))
    }

    /// `GET /ping`.
    private func ping() -> Response {
        let isHealthy = ready().status == .ok
        return Response(
            json: ["status": .string(isHealthy ? "Healthy" : "Unhealthy")],
            status: isHealthy ? .ok : .internalServerError
        )
    }

    /// `GET /models`: a page of the models, and where the next begins.
    private func listAsTorchServe(_ call: Call) throws -> Response {
        let query = try RequestParameters(call.request.query.pairs, known: ["limit", "next_page_token"])
        let start =
            call.request.query["next_page_token"] == "0"
            ? 0 : try query.positiveInteger("next_page_token") ?? 0
        let limit = try query.positiveInteger("limit") ?? 100
        let entries = registry.models().filter { call.opens($0.name) }
        let page = entries.dropFirst(start).prefix(limit)
        var json: JSONObject = [
            "models": .array(
                page.map { .object(["modelName": .string($0.name), "modelUrl": .string($0.name)]) }
            )
        ]
        if page.endIndex < entries.endIndex { json.append("nextPageToken", .string(String(page.endIndex))) }
        return Response(json: json)
    }

    /// `GET /models/{model}`: the version that answers, or one, or all.
    private func describeAsTorchServe(_ call: Call, all: Bool = false) throws -> Response {
        let entry = try registry.entry(named: call.model, version: call.version)
        let versions = all ? entry.versions : [call.version.flatMap(entry.version) ?? entry.current]
        let queues = scheduler.queues()
        return Response(
            json: .array(
                versions.map { version in
                    let waiting = queues.filter {
                        $0.network.model == entry.name && $0.network.version == version.version
                    }
                    return .object(
                        version.torchServeJSON(of: entry.name, pending: waiting.map(\.items).max() ?? 0)
                    )
                }
            )
        )
    }
}

extension SequencePredictor.Outcome {
    /// What TorchServe's handlers answer: the five likeliest labels with their probabilities, or what there is of a task that
    /// has none.
    fileprivate func torchServeJSON(labels: [String]?) -> JSONValue {
        switch self {
        case .classes(let scores): return .object(Self.labelled(scores.top(5, labels: labels)))
        case .tags(let tags):
            return .array(
                tags.tags.map { tag in
                    let best = tag.scores.top(1, labels: labels)[0]
                    return .array([tag.token?.json ?? .integer(tag.frame ?? 0), .string(best.name)])
                }
            )
        case .values(let steps): return .array(steps[0].map(JSONValue.float))
        case .likelihood(let likelihood): return .number(likelihood.total)
        case .translations(let translations):
            let best = translations[0]
            return best.text.map(JSONValue.string) ?? .array(best.tokens.map(\.json))
        case .detections, .map, .vector, .tensors: return .null // which are as Martlet's own
        }
    }

    /// An object has one member for a name, but classes may share theirs (ImageNet has two cranes): the less likely one's has
    /// its index behind it.
    private static func labelled(_ classes: [ClassScores.Prediction]) -> JSONObject {
        var json = JSONObject()
        for entry in classes {
            json.append(json[entry.name] == nil ? entry.name : "\(entry.name) (\(entry.index))", entry.score)
        }
        return json
    }
}

extension ModelEntry.Version {
    fileprivate func torchServeJSON(of model: String, pending: Int) -> JSONObject {
        let status =
            switch state {
            case .ready: "READY"
            case .loading: "LOADING"
            case .failed, .unloaded: "UNLOADED"
            }
        let policy = manifest?.serving ?? ServingPolicy()
        let delay = policy.maxBatchDelay.map { Int($0 / .milliseconds(1)) } ?? 0
        let worker: JSONObject = [
            "id": .string("\(model)-\(version)"), "status": .string(status), "gpu": .bool(false),
        ]
        return [
            "modelName": .string(model), "modelVersion": .string(version), "modelUrl": .string(model),
            "runtime": .string("martlet"), "minWorkers": .integer(1), "maxWorkers": .integer(1),
            "batchSize": .integer(policy.maxBatchSize ?? BatchPolicy().maxBatchSize),
            "maxBatchDelay": .integer(delay), "loadedAtStartup": .bool(!isOnDemand),
            "workers": .array([.object(worker)]),
            "jobQueueStatus": .object(["pendingRequests": .integer(pending)]),
        ]
    }
}

extension Schema {
    fileprivate static let torchServeModels = Schema.named(
        "TorchServeModels",
        .object([
            "models": .array(of: .object(["modelName": .string(), "modelUrl": .string()])),
            "nextPageToken?": .string(),
        ])
    )

    fileprivate static let torchServeModel = Schema.named(
        "TorchServeModel",
        .object([
            "modelName": .string(), "modelVersion": .string(), "modelUrl": .string(), "runtime": .string(),
            "minWorkers": .integer(), "maxWorkers": .integer(), "batchSize": .integer(),
            "maxBatchDelay": .integer(), "loadedAtStartup": .boolean,
            "workers": .array(of: .object(["id": .string(), "status": .string(), "gpu": .boolean])),
            "jobQueueStatus": .object(["pendingRequests": .integer()]),
        ])
    )
}
