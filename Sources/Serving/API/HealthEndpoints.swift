internal import HTTP
internal import HTTPTypes
internal import Support

extension API {
    /// `GET /livez`: the process answers.
    func live() -> Response { Response(json: ["status": .string("live")]) }

    /// `GET /readyz`: requests are welcome; 503 while the daemon drains.
    func ready() throws(ServingError) -> Response {
        if isDraining { throw .draining }
        return Response(json: ["status": .string("ready")])
    }

    /// `GET /metrics`: Prometheus text, exposition format 0.0.4.
    func exposeMetrics() -> Response {
        Response(
            fields: [.contentType: MetricText.contentType],
            body: metrics.render()
        )
    }
}
