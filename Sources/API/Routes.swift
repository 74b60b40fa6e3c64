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
    /// Whether a call takes a place at the engine before anything is prepared for it.
    var isAdmitted = false
    /// Whether a small call may be over sooner than another thread is woken for it.
    var mayBeQuick = false

    static func control(
        _ name: String,
        scope: Scope = .infer,
        _ respond: @escaping Control
    ) -> Endpoint {
        Endpoint(name: name, action: .control(respond), scope: scope)
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
    let request: Request
    let record: RequestRecord
    /// The model that it names, where that was looked up and can answer.
    var readyModel: Model?
    /// The request's place at the engine, where it needs one.
    var admission: Scheduler.Admission?
    /// The route's placeholders: `model`, `version`, `id`.
    let captured: [String: String]

    var model: String { captured["model"] ?? "" }
    var version: String? { captured["version"] }
}

extension Service {
    /// Every route of the daemon: the table of contents of its HTTP interface.
    static let routes: Router<Endpoint> = {
        var router = Router<Endpoint>()
        router.on(.get, "/v1/models", .control("models") { service, _ in service.listModels() })
        for model in ["/v1/models/{model}", "/v1/models/{model}/versions/{version}"] {
            router.on(.get, model, .control("model") { service, call in try service.describeModel(call) })
            router.on(.get, model + "/labels", .control("labels") { try $0.listLabels($1) })
            router.on(
                .post,
                model + ":classify",
                .inference("classify", mayBeQuick: true) { try await $0.classify($1) }
            )
            router.on(.post, model + ":predict", .inference("predict") { try await $0.predict($1) })
            router.on(
                .post,
                model + ":generate",
                Endpoint(name: "generate", action: .work { try await $0.generate($1, $2) })
            )
            router.on(.delete, model + "/sequences/{id}", .work("sequence") { try await $0.endSequence($1) })
        }
        addOperations(to: &router)
        return router
    }()

    /// What watches over the daemon and what operates it.
    private static func addOperations(to router: inout Router<Endpoint>) {
        router.on(.get, "/livez", .control("livez", scope: .probe) { service, _ in service.live() })
        router.on(.get, "/readyz", .control("readyz", scope: .probe) { service, _ in service.ready() })
        router.on(
            .get,
            "/metrics",
            .control("metrics", scope: .admin) { service, _ in service.exposeMetrics() }
        )
        let repository = { (work: @escaping @Sendable (Service, Call) async throws -> Response) in
            Endpoint.work("repository", scope: .admin, work)
        }
        router.on(.post, "/v1/models:reload", repository { try await $0.reloadModels($1) })
        router.on(.post, "/v2/repository/index", repository { try $0.indexRepository($1) })
        let model = "/v2/repository/models/{model}"
        router.on(.post, model + "/load", repository { try await $0.loadModel($1) })
        router.on(.post, model + "/unload", repository { try await $0.unloadModel($1) })
    }
}
