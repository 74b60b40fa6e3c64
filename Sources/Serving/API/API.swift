package import HTTP
internal import HTTPTypes
internal import Platform
internal import Support
internal import Synchronization

/// The daemon's HTTP interface: finds the endpoint of a request and turns whatever it throws into an answer.
///
/// To add a route: a line in `routes` and a method in a file of its own beside this one.
package final class API: Sendable {
    let registry: Registry
    let metrics: ServingMetrics
    let classifier: ImageClassifier
    let predictor: SequencePredictor
    let generator: TextGenerator
    let generations: GenerationLimit
    let sequences: SequenceStore
    let seal: StateSeal
    /// How long a request may take when it does not say.
    let requestTimeout: Duration
    private let draining = Atomic(false)

    package init(
        registry: Registry,
        metrics: ServingMetrics,
        classifier: ImageClassifier,
        predictor: SequencePredictor,
        generator: TextGenerator,
        generations: GenerationLimit,
        sequences: SequenceStore,
        seal: StateSeal = StateSeal(),
        requestTimeout: Duration
    ) {
        self.registry = registry
        self.metrics = metrics
        self.classifier = classifier
        self.predictor = predictor
        self.generator = generator
        self.generations = generations
        self.sequences = sequences
        self.seal = seal
        self.requestTimeout = requestTimeout
    }

    /// Whether the daemon is on its way out: it goes on answering but says it is not ready.
    package var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// From now on `/readyz` says no.
    package func beginDraining() { draining.store(true, ordering: .relaxed) }

    /// Answers a request; whatever goes wrong becomes an error answer.
    ///
    /// A streamed answer is counted when it has ended.
    package func respond(to request: Request) -> Response {
        let (route, result) = dispatch(request)
        var response: Response
        do {
            response = try result.get()
        } catch {
            response = Response(error)
        }
        let total = ContinuousClock.now - request.received
        response.addServerTiming("total", total)
        guard let stream = response.stream else {
            count(response, to: request, route)
            return response
        }
        response.stream = { [self, response] channel in
            defer { count(response, to: request, route) }
            try stream(channel)
        }
        return response
    }

    private func count(_ response: Response, to request: Request, _ route: String) {
        metrics.requests.add(1, route, Self.label(request.method), String(response.status.code))
        metrics.requestDuration.observe(.now - request.received, route)
    }

    /// The method as a label; a client cannot make up new ones.
    private static func label(_ method: HTTPRequest.Method) -> String {
        [.get, .head, .post, .put, .delete, .options].contains(method) ? method.rawValue : "other"
    }

    private func dispatch(_ request: Request) -> (route: String, Result<Response, ServingError>) {
        switch Self.routes.match(method: request.method, path: request.path) {
        case .found(let endpoint, let captured):
            let call = Call(request: request, captured: captured)
            return (endpoint.name, Result { () throws(ServingError) in try endpoint.respond(self, call) })
        case .options(let allowed):
            return ("options", .success(Response(status: .noContent, fields: [.allow: Self.list(allowed)])))
        case .methodNotAllowed(let allowed):
            var response = Response(
                status: .methodNotAllowed,
                code: "method_not_allowed",
                message: "\(request.method) is not allowed here; use \(Self.list(allowed))"
            )
            response.fields[.allow] = Self.list(allowed)
            return ("unmatched", .success(response))
        case .notFound(let nearest):
            let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
            let message = "there is nothing at '\(request.path)'\(hint)"
            return ("unmatched", .failure(.missing(code: "route_not_found", message)))
        }
    }

    private static func list(_ methods: [HTTPRequest.Method]) -> String {
        methods.map(\.rawValue).joined(separator: ", ")
    }
}
