internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Support

/// What answers one route, and under which name the metrics count it.
struct Endpoint: Sendable {
    /// Answers on the event loop: at once, from what is in memory.
    typealias Control = @Sendable (Service, Call) throws -> Response
    /// Answers on the lane; nil when it has answered itself, piece by piece.
    typealias Work = @Sendable (Service, Call, Responder) async throws -> Response?

    enum Action: Sendable {
        case control(Control)
        case work(Work)
    }

    /// Whom a route is for, which decides where it is answered and to whom.
    enum Scope: String, Sendable, CaseIterable {
        /// Clients: models, and what they are asked.
        case infer
        /// Operators: what loads and unloads models, and the metrics.
        case admin
        /// Whoever watches over the daemon; never kept from answering.
        case probe
    }

    let name: String
    let action: Action
    var scope = Scope.infer
    /// The largest body of a call; nil: as large as any may be.
    var maxBodyBytes: Int?
    /// Whether a call takes a place at the engine before anything is prepared for it.
    var isAdmitted = false
    /// Whether a small call may be over sooner than another thread is woken for it.
    var mayBeQuick = false
    /// How its refusals look.
    var errors = ErrorForm.martlet
    /// Whether its bodies are tensors, which have a limit of their own.
    var takesTensors = false

    static func control(
        _ name: String,
        scope: Scope = .infer,
        _ respond: @escaping Control
    ) -> Endpoint {
        // Nothing that is answered at once reads a body: what a client sends of its own accord is small.
        Endpoint(name: name, action: .control(respond), scope: scope, maxBodyBytes: 64 << 10)
    }

    static func work(
        _ name: String,
        scope: Scope = .infer,
        _ respond: @escaping @Sendable (Service, Call) async throws -> Response
    ) -> Endpoint {
        let action = Action.work { service, call, _ in try await respond(service, call) }
        return Endpoint(name: name, action: action, scope: scope)
    }

    /// Work on the engine, for which a call is let in first.
    static func inference(
        _ name: String,
        mayBeQuick: Bool = false,
        _ respond: @escaping @Sendable (Service, Call) async throws -> Response
    ) -> Endpoint {
        var endpoint = work(name, respond)
        (endpoint.isAdmitted, endpoint.mayBeQuick) = (true, mayBeQuick)
        return endpoint
    }
}

/// One request with what its route captured.
struct Call: Sendable {
    var request: Request
    let record: RequestRecord
    /// The key that it came with; nil where none is needed.
    let caller: AccessKey?
    /// The model that it names, where that was looked up and can answer.
    var readyModel: Model?
    /// The request's place at the engine, where it needs one.
    var admission: Scheduler.Admission?
    /// The route's placeholders: `model`, `version`, `id`.
    let captured: [String: String]

    var model: String { captured["model"] ?? "" }
    /// Who owns what it leaves here: the name of its key, empty where none is needed.
    var owner: String { caller?.name ?? "" }

    /// Whether its key opens a model.
    func opens(_ model: String) -> Bool { caller?.opens(model: model) ?? true }
    var version: String? { captured["version"] }
}

extension Service {
    /// Every route of the daemon: the table of contents of its HTTP interface.
    static let table: RouteTable = {
        var routes = RouteTable()
        addModels(to: &routes)
        addOpenInference(to: &routes)
        addTensorFlowServing(to: &routes)
        addTorchServe(to: &routes)
        addHuggingFace(to: &routes)
        addOperations(to: &routes)
        return routes
    }()

    static let routes = table.router

    private static func addModels(to routes: inout RouteTable) {
        routes.on(
            .get,
            "/v1/models",
            .control("models") { $0.listModels($1) },
            RouteDescription("Every model", answers: .json(.object(["models": .array(of: .model)])))
        )
        for model in ["/v1/models/{model}", "/v1/models/{model}/versions/{version}"] {
            routes.on(
                .get,
                model,
                .control("model") { service, call in try service.describeModel(call) },
                RouteDescription("One model, with its versions", answers: .json(.model))
            )
            routes.on(
                .get,
                model + "/labels",
                .control("labels") { try $0.listLabels($1) },
                RouteDescription(
                    "The classes by index",
                    answers: .json(.object(["labels": .array(of: .string())]))
                )
            )
            routes.on(
                .get,
                model + "/layers",
                .work("layers") { try await $0.listLayers($1) },
                RouteDescription("The layers, as `martlet inspect` prints them", answers: .json(.layers))
            )
            addInference(to: &routes, model)
        }
    }

    private static func addInference(to routes: inout RouteTable, _ model: String) {
        routes.on(
            .post,
            model + ":classify",
            .inference("classify", mayBeQuick: true) { try await $0.classify($1) },
            classifyDescription
        )
        routes.on(
            .post,
            model + ":detect",
            .inference("detect") { try await $0.detect($1) },
            detectDescription
        )
        routes.on(
            .post,
            model + ":segment",
            .inference("segment") { try await $0.segment($1) },
            segmentDescription
        )
        routes.on(
            .post,
            model + ":caption",
            .inference("caption") { try await $0.caption($1) },
            captionDescription
        )
        routes.on(
            .post,
            model + ":predict",
            .inference("predict") { try await $0.predict($1) },
            predictDescription
        )
        routes.on(
            .post,
            model + ":explain",
            .inference("explain") { try await $0.explain($1) },
            explainDescription
        )
        routes.on(
            .post,
            model + ":embed",
            .inference("embed") { try await $0.embed($1) },
            embedDescription
        )
        routes.on(
            .post,
            model + ":search",
            .inference("search") { try await $0.search($1) },
            searchDescription
        )
        routes.on(
            .post,
            model + ":generate",
            Endpoint(
                name: "generate",
                action: .work { try await $0.generate($1, $2) },
                maxBodyBytes: 4 << 20
            ),
            RouteDescription(
                "A text that goes on from a prompt, whole or as Server-Sent Events",
                query: [.timeout],
                takes: [.json(.generateRequest)],
                answers: .init(
                    content: [
                        .json(.generation), .events,
                    ]
                )
            )
        )
        routes.on(
            .delete,
            model + "/sequences/{id}",
            .work("sequence") { try await $0.endSequence($1) },
            RouteDescription("Forgets a sequence", answers: .empty(204))
        )
    }

    /// A call that loads and unloads models.
    static func repository(_ work: @escaping @Sendable (Service, Call) async throws -> Response) -> Endpoint {
        var endpoint = Endpoint.work("repository", scope: .admin, work)
        endpoint.maxBodyBytes = 1 << 20
        return endpoint
    }

    private static func addOperations(to routes: inout RouteTable) {
        routes.section = "Operations"
        routes.on(
            .get,
            "/",
            .control("root", scope: .probe) { $0.root($1) },
            RouteDescription(
                "A page to try the models with, for a browser; else whether the server answers, as KServe's V1 clients ask",
                answers: .init(
                    content: [
                        .json(.object(["status": .string()])), .init(type: "text/html", schema: .string()),
                    ]
                )
            )
        )
        routes.on(
            .post,
            "/v1/models:reload",
            repository { try await $0.reloadModels($1) },
            RouteDescription(
                "Looks through the folder of models for what has changed",
                answers: .json(.object(["models": .array(of: .change)]))
            )
        )
        let status = Schema.object(["status": .string()])
        routes.on(
            .get,
            "/livez",
            .control("livez", scope: .probe) { service, _ in service.live() },
            RouteDescription("Whether the process answers", answers: .json(status))
        )
        routes.on(
            .get,
            "/readyz",
            .control("readyz", scope: .probe) { service, _ in service.ready() },
            RouteDescription("Whether requests are welcome", answers: .json(status))
        )
        routes.on(
            .get,
            "/metrics",
            .control("metrics", scope: .admin) { service, _ in service.exposeMetrics() },
            RouteDescription("Metrics for Prometheus", answers: .text(MetricText.contentType, "Metrics"))
        )
        routes.on(
            .get,
            "/openapi.json",
            .control("openapi") { service, _ in service.describeInterface() },
            RouteDescription("This document", answers: .json(.map(of: .any)))
        )
        addManual(to: &routes)
    }

    /// The manual is no secret: like a probe, it needs no key.
    private static func addManual(to routes: inout RouteTable) {
        let page = RouteDescription.Content(type: "text/html", schema: .string())
        routes.on(
            .get,
            "/docs",
            .work("docs", scope: .probe) { service, call in service.listManual(call) },
            RouteDescription("The contents of the manual", answers: .init(content: [page]))
        )
        routes.on(
            .get,
            "/docs/{page}",
            .work("docs", scope: .probe) { service, call in try service.readManual(call) },
            RouteDescription("A page of the manual", answers: .init(content: [page]))
        )
    }
}
