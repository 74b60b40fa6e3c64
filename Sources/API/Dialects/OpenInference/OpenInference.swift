internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support

/// The Open Inference Protocol V2 over HTTP, with those of Triton's extensions that are true of Martlet.
///
/// Here are its routes, and what is the same for all models. Errors are Martlet's own, whose `error` is what clients look for.
/// - Source: github.com/kserve/open-inference-protocol, `inference_rest.md`; Triton's `docs/protocol/extension_*.md`.
extension Service {
    /// What Martlet has of Triton's extensions, under Triton's names.
    private static let extensions = [
        "classification", "sequence", "model_repository", "model_repository(unload_dependents)",
        "model_configuration", "binary_tensor_data", "parameters", "statistics",
    ]

    static func addOpenInference(to routes: inout RouteTable) {
        routes.section = "Open Inference Protocol V2"
        routes.on(
            .get,
            "/v2",
            .control("v2_server") { service, _ in service.describeServer() },
            RouteDescription("The server and its extensions", answers: .json(.v2Server))
        )
        routes.on(
            .get,
            "/v2/health/live",
            .control("v2_health", scope: .probe) { _, _ in Response(json: ["live": .bool(true)]) },
            RouteDescription("Whether the process answers", answers: .json(.object(["live": .boolean])))
        )
        routes.on(
            .get,
            "/v2/health/ready",
            .control("v2_health", scope: .probe) { service, _ in service.serverReady() },
            RouteDescription("Whether requests are welcome", answers: .json(.object(["ready": .boolean])))
        )
        routes.on(
            .get,
            "/v2/models",
            .control("v2_models") { $0.listServed($1) },
            RouteDescription(
                "The models that can answer",
                answers: .json(.object(["models": .array(of: .string())]))
            )
        )
        let statistics = RouteDescription("What models have done", answers: .json(.v2Statistics))
        routes.on(
            .get,
            "/v2/models/stats",
            .control("v2_statistics") { try $0.showStatistics($1) },
            statistics
        )
        for model in ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"] {
            routes.on(
                .get,
                model + "/stats",
                .control("v2_statistics") { try $0.showStatistics($1) },
                statistics
            )
            addModel(to: &routes, model)
        }
        addRepository(to: &routes)
        addUnsupported(to: &routes)
    }

    private static func addModel(to routes: inout RouteTable, _ model: String) {
        routes.on(
            .get,
            model,
            .work("v2_model") { try await $0.describeTensors($1) },
            RouteDescription("The tensors of a model", answers: .json(.v2Model))
        )
        routes.on(
            .get,
            model + "/ready",
            .control("v2_model") { try $0.modelReady($1) },
            RouteDescription(
                "Whether a model can answer",
                answers: .json(.object(["name": .string(), "ready": .boolean]))
            )
        )
        routes.on(
            .get,
            model + "/config",
            .work("v2_model") { try await $0.describeConfiguration($1) },
            RouteDescription("A model as Triton would configure it", answers: .json(.map(of: .any)))
        )
        var infer = Endpoint.inference("v2_infer", mayBeQuick: true) { try await $0.inferTensors($1) }
        infer.takesTensors = true
        routes.on(
            .post,
            model + "/infer",
            infer,
            RouteDescription(
                "What a model makes of tensors; with binary tensors as Triton's extension sends them",
                takes: [.json(.v2Request)],
                answers: .init(content: [
                    .json(.v2Answer), .init(type: "application/octet-stream", schema: .bytes),
                ])
            )
        )
    }

    private static func addRepository(to routes: inout RouteTable) {
        routes.on(
            .post,
            "/v2/repository/index",
            repository { try $0.indexRepository($1) },
            RouteDescription(
                "Every version with its state",
                takes: [.json(.closed(["ready?": .boolean]))],
                isBodyOptional: true,
                answers: .json(.array(of: .versionIndex))
            )
        )
        let model = "/v2/repository/models/{model}"
        routes.on(
            .post,
            model + "/load",
            repository { try await $0.loadModel($1) },
            RouteDescription("Loads what is new of a model", answers: .empty())
        )
        routes.on(
            .post,
            model + "/unload",
            repository { try await $0.unloadModel($1) },
            RouteDescription("Lets go of a model", answers: .empty())
        )
    }

    /// What clients of Triton may ask for, and Martlet does otherwise or not at all.
    private static func addUnsupported(to routes: inout RouteTable) {
        func on(_ paths: [String], _ methods: [HTTPRequest.Method], _ message: String) {
            for path in paths {
                for method in methods {
                    routes.on(
                        method,
                        "/v2" + path,
                        .control("v2_unsupported") { _, _ in .unsupported(message) },
                        RouteDescription("Not supported: \(message)", answers: .json(.error, status: 501))
                    )
                }
            }
        }
        on(
            ["/trace/setting", "/models/{model}/trace/setting"],
            [.get, .post],
            "traces have no settings here; requests take part in a trace by their traceparent field"
        )
        on(["/logging"], [.get, .post], "the log has no settings here; see log_level and log_format")
        for kind in ["/systemsharedmemory", "/cudasharedmemory"] {
            let message = "shared memory is not supported; send tensors with the request, in binary"
            on([kind + "/status", kind + "/region/{region}/status"], [.get], message)
            on([kind + "/region/{region}/register"], [.post], message)
            on([kind + "/unregister", kind + "/region/{region}/unregister"], [.post], message)
        }
    }

    /// `GET /v2`: the server, and which extensions of the protocol it has.
    private func describeServer() -> Response {
        Response(json: [
            "name": .string("martlet"), "version": .string(metrics.version),
            "extensions": .strings(Self.extensions),
        ])
    }

    /// `GET /v2/health/ready`: as `/readyz` has it.
    private func serverReady() -> Response {
        let response = ready()
        return response.status == .ok ? Response(json: ["ready": .bool(true)]) : response
    }

    /// `GET /v2/models`: the names of the models that can answer.
    private func listServed(_ call: Call) -> Response {
        let names = registry.models().filter { $0.current.canAnswer && call.opens($0.name) }.map(\.name)
        return Response(json: ["models": .strings(names)])
    }

    /// `GET /v2/models/{model}/ready`: 503 with the reason while it cannot answer.
    private func modelReady(_ call: Call) throws -> Response {
        let entry = try registry.entry(named: call.model, version: call.version)
        let version = call.version.flatMap(entry.version) ?? entry.current
        if !version.canAnswer { _ = try registry.model(named: call.model, version: call.version) }
        return Response(json: ["name": .string(entry.name), "ready": .bool(true)])
    }
}

extension ModelEntry.Version {
    /// Whether a request that names it has an answer, if it has to be loaded for it.
    var canAnswer: Bool { model != nil || isOnDemand }
}

extension Response {
    /// Says that there is no such thing, in the words of the one form of errors.
    fileprivate static func unsupported(_ message: String) -> Response {
        Response(status: .notImplemented, code: "not_supported", message: message)
    }
}

/// What the protocol's routes take and answer.
extension Schema {
    private static let tensor = Schema.named(
        "Tensor",
        .object([
            "name": .string(), "datatype": .string(), "shape": .array(of: .integer()),
            "parameters?": .map(of: .any),
            "data?": .array(of: .any),
        ])
    )
    private static let tensorDescription = Schema.named(
        "TensorDescription",
        .object(["name": .string(), "datatype": .string(), "shape": .array(of: .integer())])
    )

    fileprivate static let v2Server = Schema.object([
        "name": .string(), "version": .string(), "extensions": .array(of: .string()),
    ])
    fileprivate static let v2Model = Schema.named(
        "ModelTensors",
        .object([
            "name": .string(), "versions": .array(of: .string()), "platform": .string(),
            "inputs": .array(of: .tensorDescription), "outputs": .array(of: .tensorDescription),
        ])
    )
    fileprivate static let v2Request = Schema.named(
        "InferRequest",
        .object([
            "id?": .string(), "parameters?": .map(of: .any), "inputs": .array(of: .tensor, atLeast: 1),
            "outputs?": .array(of: .object(["name": .string(), "parameters?": .map(of: .any)])),
        ])
    )
    fileprivate static let v2Answer = Schema.named(
        "InferAnswer",
        .object([
            "id?": .string(), "model_name": .string(), "model_version": .string(),
            "parameters?": .map(of: .any),
            "outputs": .array(of: .tensor),
        ])
    )
    fileprivate static let v2Statistics = Schema.object(["model_stats": .array(of: .map(of: .any))])
}
