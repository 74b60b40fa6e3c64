internal import HTTP
internal import HTTPTypes
internal import Support

/// What a request's method and path lead to.
final class Found: Sendable {
    let endpoint: Endpoint
    let captured: [String: String]

    init(endpoint: Endpoint, captured: [String: String]) {
        self.endpoint = endpoint
        self.captured = captured
    }

    convenience init?(_ request: Request) {
        guard
            case .found(let endpoint, let captured) = Service.routes.match(
                method: request.method,
                path: request.path
            )
        else { return nil }
        self.init(endpoint: endpoint, captured: captured)
    }
}

extension Service {
    /// What becomes of a request.
    enum Dispatch {
        case answer(route: String, Response)
        case control(route: String, Call, Endpoint.Control)
        case work(route: String, Call, Endpoint.Work)
    }

    /// Finds what answers a request.
    func dispatch(_ started: Started) -> Dispatch {
        let request = started.request
        guard let found = request.note as? Found ?? Found(request) else {
            return unmatched(request.method, request.path)
        }
        let call = Call(request: request, record: started.record, captured: found.captured)
        return switch found.endpoint.action {
        case .control(let respond): .control(route: found.endpoint.name, call, respond)
        case .work(let respond): .work(route: found.endpoint.name, call, respond)
        }
    }

    /// The answer where nothing has the method and path.
    func unmatched(_ method: HTTPRequest.Method, _ path: String) -> Dispatch {
        switch Self.routes.match(method: method, path: path) {
        case .found: preconditionFailure("\(path) has an endpoint")
        case .options(let allowed):
            return .answer(
                route: "options",
                Response(status: .noContent, fields: [.allow: Self.list(allowed)])
            )
        case .methodNotAllowed(let allowed):
            var response = Response(
                status: .methodNotAllowed,
                code: "method_not_allowed",
                message: "\(method) is not allowed here; use \(Self.list(allowed))"
            )
            response.fields[.allow] = Self.list(allowed)
            return .answer(route: "unmatched", response)
        case .notFound(let nearest):
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
            let message = "there is nothing at '\(path.clipped(to: 500))'\(hint)"
            return .answer(
                route: "unmatched",
                Response(.missing(code: "route_not_found", message))
            )
        }
    }

    private static func list(_ methods: [HTTPRequest.Method]) -> String {
        methods.map(\.rawValue).joined(separator: ", ")
    }
}
