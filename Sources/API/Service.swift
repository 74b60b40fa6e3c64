package import HTTP
internal import HTTPTypes
package import Inference
package import Logging
package import Models
package import Platform
package import Support
internal import Synchronization
package import Tasks

/// The daemon's HTTP interface: finds the endpoint of a request and turns whatever it throws into an answer.
///
/// Probes, metrics and listings are answered on the event loop itself, whatever else goes on; everything else is one
/// `async` function on the lane, which holds no thread while it waits. To add a route: a line in `routes` and a method in
/// a file of `Endpoints`.
package final class Service: Sendable {
    /// What requests share.
    package struct Parts: Sendable {
        package let registry: Registry
        package let metrics: ServingMetrics
        package let scheduler: Scheduler
        package let classifier: ImageClassifier
        package let predictor: SequencePredictor
        package let generator: TextGenerator
        package let generations: GenerationLimit
        package let sequences: SequenceStore
        package let seal: StateSeal
        package let shapes: ShapeWorkshop
        package let lane: Lane
        package let budget: MemoryBudget

        package init(
            registry: Registry,
            metrics: ServingMetrics,
            scheduler: Scheduler,
            classifier: ImageClassifier,
            predictor: SequencePredictor,
            generator: TextGenerator,
            generations: GenerationLimit,
            sequences: SequenceStore,
            seal: StateSeal = StateSeal(),
            shapes: ShapeWorkshop? = nil,
            lane: Lane,
            budget: MemoryBudget
        ) {
            self.registry = registry
            self.metrics = metrics
            self.scheduler = scheduler
            self.classifier = classifier
            self.predictor = predictor
            self.generator = generator
            self.generations = generations
            self.sequences = sequences
            self.seal = seal
            self.shapes = shapes ?? ShapeWorkshop(budget: budget)
            self.lane = lane
            self.budget = budget
        }
    }

    /// What one request may cost, and which models have to be there.
    package struct Limits: Sendable, Equatable {
        /// How long a request may take when it does not say, from its last byte.
        package var requestTimeout: Duration = .seconds(30)
        /// The largest answer, as it is estimated before it is computed.
        package var maxAnswerBytes = 64 << 20
        /// The largest body, and the largest of tensors.
        package var maxBodyBytes = 32 << 20
        package var maxTensorBytes = 256 << 20
        /// The most steps that the forecasts of a request may have together.
        package var maxForecastSteps = 65_536
        /// How many times its size a body may become that came packed, beyond its first mebibyte.
        package var maxUnpackingRatio = 256
        /// Answers from so many bytes on are packed for a client that takes them so; nil: never.
        package var minPackedBytes: Int? = 4096
        /// Whether operators' routes are answered on a listener of their own, and on no other.
        package var hasAdminListener = false
        package var readiness = Readiness.all
        package var repository = RepositoryAccess.local

        package init() {}

        /// The largest body of a route, as it comes and unpacked.
        func maxBodyBytes(of endpoint: Endpoint) -> Int {
            endpoint.takesTensors ? maxTensorBytes : min(endpoint.maxBodyBytes ?? .max, maxBodyBytes)
        }
    }

    /// When the daemon says that it is ready.
    package enum Readiness: String, Sendable, CaseIterable {
        /// Every model of the folder can answer.
        case all
        /// One of them can.
        case any
    }

    /// Who may load and unload models over HTTP.
    package enum RepositoryAccess: String, Sendable, CaseIterable {
        /// Clients on this machine.
        case local
        case any
        case off
    }

    let registry: Registry
    let metrics: ServingMetrics
    let scheduler: Scheduler
    let classifier: ImageClassifier
    let predictor: SequencePredictor
    let generator: TextGenerator
    let generations: GenerationLimit
    let sequences: SequenceStore
    let seal: StateSeal
    let shapes: ShapeWorkshop
    let lane: Lane
    let budget: MemoryBudget
    let limits: Limits
    let access: Access
    let logger: Logger
    private let pacer: RefusalPacer
    /// A body of so many bytes is looked through at once.
    private static let quickBytes = 8 * 1024
    /// So long after its turn began an event loop does nothing itself that the lane could do.
    private static let quickTime = Duration.milliseconds(2)
    private let draining = Atomic(false)

    package init(
        _ parts: Parts,
        limits: Limits = Limits(),
        access: Access? = nil,
        logger: Logger = Logger(label: "martlet.api") { _ in SwiftLogNoOpLogHandler() }
    ) throws(SystemError) {
        self.access = access ?? Access(metrics: parts.metrics)
        pacer = try RefusalPacer()
        registry = parts.registry
        metrics = parts.metrics
        scheduler = parts.scheduler
        classifier = parts.classifier
        predictor = parts.predictor
        generator = parts.generator
        generations = parts.generations
        sequences = parts.sequences
        seal = parts.seal
        shapes = parts.shapes
        lane = parts.lane
        budget = parts.budget
        self.limits = limits
        self.logger = logger
    }

    /// Whether the daemon is on its way out: it goes on answering but says it is not ready.
    package var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// From now on `/readyz` says no.
    package func beginDraining() { draining.store(true, ordering: .relaxed) }

    /// Ends the service's own thread.
    package func close() { pacer.close() }

    /// Answers a request; called on the event loop, and never holds it up.
    package func respond(to request: Request, _ responder: Responder) {
        let started = Started(request)
        let admitted = request.note as? Admitted ?? Admitted(Self.destination(request.method, request.path))
        if let caller = admitted.caller { started.record.update { $0.caller = caller.name } }
        switch admitted.destination {
        case .answer(let route, let response): finish(started, route, response, responder)
        case .endpoint(let endpoint, let captured):
            let call = Call(
                request: request,
                record: started.record,
                caller: admitted.caller,
                captured: captured
            )
            switch endpoint.action {
            case .control(let respond):
                let response: Response
                do { response = try respond(self, call) } catch {
                    response = refusal(error, started, endpoint.errors)
                }
                finish(started, endpoint.name, packed(response, for: request, upTo: 128 << 10), responder)
            case .work(let respond): begin(respond, of: endpoint, call, started, responder)
            }
        }
    }

    /// Begins what has to wait for something, on the lane.
    private func begin(
        _ respond: @escaping Endpoint.Work,
        of endpoint: Endpoint,
        _ call: Call,
        _ started: Started,
        _ responder: Responder
    ) {
        let (route, errors) = (endpoint.name, endpoint.errors)
        var call = call
        do {
            if endpoint.isAdmitted { try admit(&call) }
        } catch {
            let response = refusal(error, started, endpoint.errors)
            guard RefusalPacer.paces(error) else { return finish(started, route, response, responder) }
            return pacer.send { [self] in finish(started, route, response, responder) }
        }
        let work: Lane.Work = { [self, call] in
            // The client left while the request waited: nobody will read what this says.
            guard !call.request.cancellation.isCancelled else {
                return finish(started, route, Response(ServingError.cancelled), responder)
            }
            do {
                let call = call.request.packed == nil ? call : try unpacked(call, endpoint)
                guard let response = try await respond(self, call, responder) else { return }
                finish(started, route, packed(response, for: call.request), responder)
            } catch {
                finish(started, route, refusal(error, started, errors), responder)
            }
        }
        let isQuick =
            endpoint.mayBeQuick && call.request.packed == nil && call.request.body.count <= Self.quickBytes
            && call.admission?.isQuick ?? false
            && .now - call.request.received < Self.quickTime
        if isQuick { lane.beginHere(work) } else { lane.begin(work) }
    }

    /// What a route makes of a head whose body has not come: nothing is read for a path that leads nowhere, nor of those who
    /// may not ask.
    package func admit(_ head: RequestHead, from client: String) -> Admission {
        admit(head, from: client, to: limits.hasAdminListener ? [.infer, .probe] : Endpoint.Scope.allCases)
    }

    /// The same on the listener that is for operators.
    package func admitOperator(_ head: RequestHead, from client: String) -> Admission {
        admit(head, from: client, to: [.admin, .probe])
    }

    private func admit(_ head: RequestHead, from client: String, to scopes: [Endpoint.Scope]) -> Admission {
        var admitted = Admitted(Self.destination(head.method, head.path))
        if case .endpoint(let endpoint, _) = admitted.destination, !scopes.contains(endpoint.scope) {
            let message = "'\(head.path.clipped(to: 500))' is answered on another listener of this daemon"
            return .refuse(Response(.missing(code: "route_not_found", message)))
        }
        if let answer = access.answer(head, from: client, &admitted) { return .refuse(answer) }
        guard case .endpoint(let endpoint, _) = admitted.destination else { return .accept(note: admitted) }
        return .accept(maxBodyBytes: limits.maxBodyBytes(of: endpoint), note: admitted)
    }
}

/// A request since it came, with what is measured of it.
struct Started: Sendable {
    let request: Request
    let record = RequestRecord()

    init(_ request: Request) {
        self.request = request
        if let trace = TraceContext(request) { record.update { $0.trace = trace } }
    }
}

extension Service {
    /// The answer to whatever an endpoint threw; what is none of the client's faults is told in the log.
    private func refusal(_ error: any Error, _ started: Started, _ form: ErrorForm) -> Response {
        let known = error as? ServingError ?? .internalError("the server made a mistake")
        started.record.update { values in
            values.error = known.code
            if error is ServingError { values.cause = known.message } else { values.cause = "\(error)" }
        }
        return Response(known, form)
    }

    private func finish(_ started: Started, _ route: String, _ response: Response, _ responder: Responder) {
        var response = response
        let request = started.request
        let values = started.record.values
        let total = ContinuousClock.now - request.received
        response.setServerTiming(values, total: total)
        response.setTrace(values)
        access.crossOrigin?.mark(&response, request.fields)
        response.annotation = values
        count(response.status.code, request, route, values, total: total)
        responder.respond(response)
    }

    /// Counts an answer; one that is streamed when it has ended.
    func count(
        _ status: Int,
        _ request: Request,
        _ route: String,
        _ values: RequestRecord.Values,
        total: Duration
    ) {
        metrics.countAnswer(route: route, method: Self.label(request.method), status: status, took: total)
        guard let model = values.model, let version = values.version else { return }
        metrics.model(model, version: version).observe(values, status: status, total: total)
    }

    /// The method as a label; a client cannot make up new ones.
    static func label(_ method: HTTPRequest.Method) -> String {
        [.get, .head, .post, .put, .delete, .options].contains(method) ? method.rawValue : "other"
    }
}
