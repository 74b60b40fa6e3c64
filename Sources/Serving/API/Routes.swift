internal import HTTP
internal import HTTPTypes
internal import Support

/// What answers one route, and under which name the metrics count it.
struct Endpoint: Sendable {
    let name: String
    let respond: @Sendable (API, Call) throws(ServingError) -> Response
}

/// One request with what its route captured.
struct Call {
    let request: Request
    /// The route's placeholders: `model`, `version`, `id`.
    let captured: [String: String]

    var model: String { captured["model"] ?? "" }
    var version: String? { captured["version"] }
}

extension API {
    /// Every route of the daemon: the table of contents of its HTTP interface.
    static let routes: Router<Endpoint> = {
        var router = Router<Endpoint>()
        router.on(
            .get,
            "/v1/models",
            Endpoint(name: "models") { (api, _) throws(ServingError) in api.listModels() }
        )
        for model in ["/v1/models/{model}", "/v1/models/{model}/versions/{version}"] {
            router.on(
                .get,
                model,
                Endpoint(name: "model") { (api, call) throws(ServingError) in try api.describeModel(call) }
            )
            router.on(
                .get,
                model + "/labels",
                Endpoint(name: "labels") { (api, call) throws(ServingError) in try api.listLabels(call) }
            )
            router.on(
                .post,
                model + ":classify",
                Endpoint(name: "classify") { (api, call) throws(ServingError) in try api.classify(call) }
            )
            router.on(
                .post,
                model + ":predict",
                Endpoint(name: "predict") { (api, call) throws(ServingError) in try api.predict(call) }
            )
            router.on(
                .post,
                model + ":generate",
                Endpoint(name: "generate") { (api, call) throws(ServingError) in try api.generate(call) }
            )
            router.on(
                .delete,
                model + "/sequences/{id}",
                Endpoint(name: "sequence") { (api, call) throws(ServingError) in try api.endSequence(call) }
            )
        }
        router.on(.get, "/livez", Endpoint(name: "livez") { (api, _) throws(ServingError) in api.live() })
        router.on(
            .get,
            "/readyz",
            Endpoint(name: "readyz") { (api, _) throws(ServingError) in try api.ready() }
        )
        router.on(
            .get,
            "/metrics",
            Endpoint(name: "metrics") { (api, _) throws(ServingError) in api.exposeMetrics() }
        )
        return router
    }()
}
