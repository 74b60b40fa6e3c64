internal import HTTP
internal import HTTPTypes
internal import Support

/// What a request's method and path lead to.
enum Destination: Sendable {
    case endpoint(Endpoint, captured: [String: String])
    /// Nowhere; `route` is what the metrics count the answer under.
    case answer(route: String, Response)
}

extension Service {
    /// Finds what answers a method and a path.
    static func destination(_ method: HTTPRequest.Method, _ path: String) -> Destination {
        switch routes.match(method: method, path: path) {
        case .found(let endpoint, let captured): return .endpoint(endpoint, captured: captured)
        case .options(let allowed):
            let response = Response(status: .noContent, fields: [.allow: list(allowed)])
            return .answer(route: "options", response)
        case .methodNotAllowed(let allowed):
            var response = Response(
                status: .methodNotAllowed,
                code: "method_not_allowed",
                message: "\(method) is not allowed here; use \(list(allowed))"
            )
            response.fields[.allow] = list(allowed)
            return .answer(route: "unmatched", response)
        case .notFound(let nearest):
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
            let message = "there is nothing at '\(path.clipped(to: 500))'\(hint)"
            return .answer(route: "unmatched", Response(.missing(code: "route_not_found", message)))
        }
    }

    private static func list(_ methods: [HTTPRequest.Method]) -> String {
        methods.map(\.rawValue).joined(separator: ", ")
    }
}
