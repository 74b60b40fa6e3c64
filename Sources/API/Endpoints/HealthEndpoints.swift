internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support

extension Service {
    /// `GET /livez`: the process answers.
    func live() -> Response { Response(json: ["status": .string("live")]) }

    /// `GET /readyz`: requests are welcome; 503 with the reasons while the daemon drains, and while a model that should be
    /// ready is not.
    func ready() -> Response {
        if isDraining { return Response(.draining) }
        let entries = registry.models()
        let canAnswer = { (version: ModelEntry.Version) in version.model != nil || version.isOnDemand }
        // What is not loaded by somebody's wish is nothing to wait for.
        let reasons = entries.filter { !canAnswer($0.current) && $0.current.state != .unloaded }.map {
            entry in
            let state = entry.current.state.rawValue
            return "model '\(entry.name)' \(entry.current.reason.map { "\(state): \($0)" } ?? state)"
        }
        let isReady: Bool =
            switch limits.readiness {
            case .all: reasons.isEmpty && registry.isListed
            case .any: entries.contains { canAnswer($0.current) }
            }
        guard !isReady else { return Response(json: ["status": .string("ready")]) }
        var response = Response(
            json: [
                "error": .string("not every model that should be ready is"),
                "code": .string("not_ready"), "reasons": .strings(reasons),
            ],
            status: .serviceUnavailable
        )
        response.fields[.retryAfter] = "1"
        return response
    }

    /// `GET /metrics`: Prometheus text, exposition format 0.0.4.
    func exposeMetrics() -> Response {
        Response(
            fields: [.contentType: MetricText.contentType],
            body: metrics.render()
        )
    }
}
