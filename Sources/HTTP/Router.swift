package import HTTPTypes
internal import Platform

/// Finds the endpoint for a method and a path, or says what would have been right.
///
/// A literal goes before a hole, whatever the order of registration. GET answers HEAD.
package struct Router<Endpoint> {
    /// What there is for a request.
    package enum Match {
        /// The endpoint, and the decoded contents of the pattern's holes by name.
        case found(Endpoint, parameters: [String: String])
        /// An OPTIONS request that no endpoint takes: these methods go in `Allow`.
        case options(allow: [HTTPRequest.Method])
        /// The path is known with these methods only; they go in `Allow`.
        case methodNotAllowed([HTTPRequest.Method])
        /// The path is unknown; perhaps the nearest one was meant.
        case notFound(nearest: String?)
    }

    fileprivate struct Route {
        let pattern: RoutePattern
        var endpoints: [(method: HTTPRequest.Method, endpoint: Endpoint)]
    }

    private var routes: [Route] = []

    package init() {}

    /// Adds a route, such as `on(.get, "/v1/models/{model}", …)`.
    package mutating func on(_ method: HTTPRequest.Method, _ pattern: String, _ endpoint: Endpoint) {
        let pattern = RoutePattern(pattern)
        if let index = routes.firstIndex(where: { $0.pattern == pattern }) {
            let isNew = !routes[index].endpoints.contains { $0.method == method }
            precondition(isNew, "route \(method) \(pattern.text) is there twice")
            routes[index].endpoints.append((method, endpoint))
        } else {
            let index = routes.firstIndex { $0.pattern.isMoreGeneral(than: pattern) } ?? routes.endIndex
            routes.insert(Route(pattern: pattern, endpoints: [(method, endpoint)]), at: index)
        }
    }

    /// Looks up a decoded path.
    package func match(method: HTTPRequest.Method, path: String) -> Match {
        let segments = RoutePattern.split(path)
        let isAsterisk = path.hasSameBytes(as: "*")
        var allowed: [HTTPRequest.Method] = isAsterisk ? routes.flatMap { $0.endpoints.map(\.method) } : []
        if path.utf8.first == UInt8(ascii: "/") {
            for route in routes {
                guard let parameters = route.pattern.match(segments) else { continue }
                if let endpoint = Self.endpoint(route, for: method) {
                    return .found(endpoint, parameters: parameters)
                }
                allowed += route.endpoints.map(\.method)
            }
        }
        if allowed.isEmpty { return .notFound(nearest: nearest(to: path, segments)) }
        let complete = Self.complete(allowed)
        return method == .options ? .options(allow: complete) : .methodNotAllowed(complete)
    }

    private static func endpoint(_ route: Route, for method: HTTPRequest.Method) -> Endpoint? {
        let exact = route.endpoints.first { $0.method == method }
        let fallback = method == .head ? route.endpoints.first { $0.method == .get } : nil
        return (exact ?? fallback)?.endpoint
    }

    /// Each once, with HEAD beside GET, and OPTIONS.
    private static func complete(_ methods: [HTTPRequest.Method]) -> [HTTPRequest.Method] {
        var complete: [HTTPRequest.Method] = []
        for method in methods.flatMap({ $0 == .get ? [.get, .head] : [$0] }) + [.options]
        where !complete.contains(method) {
            complete.append(method)
        }
        return complete
    }

    private func nearest(to path: String, _ segments: [Substring.UTF8View]) -> String? {
        nearestName(to: path, in: routes.map { $0.pattern.filled(from: segments) })
    }
}

extension Router: Sendable where Endpoint: Sendable {}
extension Router.Route: Sendable where Endpoint: Sendable {}
extension Router.Match: Sendable where Endpoint: Sendable {}
