import API
import Engine
import HTTP
import Imaging
import Inference
import Models
import Platform
import Support
import Tasks

// The tests are threads that wait for what the daemon never waits for.

/// The lane on which the work of all tests runs.
enum TestLane {
    static let shared: Lane = {
        do { return try Lane(threads: 4, name: "test-lane") } catch { fatalError("\(error)") }
    }()
}

extension RequestContext {
    static func test(
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) -> RequestContext {
        RequestContext(deadline: deadline, cancellation: cancellation ?? Cancellation())
    }
}

extension Scheduler {
    func infer(
        _ model: Model,
        items: [Tensor],
        states: [[Float]]? = nil,
        returnsStates: Bool = false,
        admission: Admission? = nil,
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) throws(ServingError) -> InferenceResult {
        try infer(
            model.network,
            items: items,
            states: states,
            returnsStates: returnsStates,
            admission: admission,
            deadline: deadline,
            cancellation: cancellation
        )
    }

    func infer(
        _ network: ServedNetwork,
        items: [Tensor],
        states: [[Float]]? = nil,
        returnsStates: Bool = false,
        admission: Admission? = nil,
        deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation? = nil
    ) throws(ServingError) -> InferenceResult {
        let context = RequestContext.test(deadline: deadline, cancellation: cancellation)
        return try TestLane.shared.wait { () async throws(ServingError) in
            try await self.infer(
                network,
                items: items,
                states: states,
                returnsStates: returnsStates,
                admission: admission,
                context
            )
        }
    }

    @Sendable func warmUp(_ model: Model, _ golden: Golden?) throws(ServingError) {
        try TestLane.shared.wait { () async throws(ServingError) in try await self.warmUp(model, golden) }
    }
}

extension ImageClassifier {
    func classify(
        _ bytes: ArraySlice<UInt8>,
        with model: Model,
        _ options: Options = Options(),
        context: RequestContext = RequestContext()
    ) throws(ServingError) -> Answer {
        try TestLane.shared.wait { () async throws(ServingError) in
            try await self.classify(bytes, with: model, options, context)
        }
    }
}

extension SequencePredictor {
    func predict(
        _ instances: [JSONValue],
        with model: Model,
        horizon: Int? = nil,
        translation: Translator.Options? = nil,
        count: Int = 1,
        context: RequestContext = RequestContext()
    ) throws -> [Answer] {
        let read = try instances.map { value in
            if case .string(let text) = value { return Instance.text(text) }
            return try InstanceReader.instance(value.encoded, for: model)
        }
        var options = Options()
        options.horizon = horizon
        options.translation = translation
        options.count = count
        return try TestLane.shared.wait { [options] () async throws(ServingError) in
            try await self.predict(read, with: model, options, context)
        }
    }

    func predict(_ instance: JSONValue, with model: Model) throws -> Answer {
        try predict([instance], with: model)[0]
    }
}

extension SequenceEncoder {
    /// Encodes an instance as JSON has it.
    func encode(_ value: JSONValue) throws -> Encoded {
        var reader = JSONPullReader(value.encoded)
        return try encode(InstanceReader(.sequence(self)).read(&reader).get())
    }
}

extension TextGenerator {
    func begin(
        _ prompt: String,
        with model: Model,
        _ options: Options,
        _ context: RequestContext = RequestContext()
    ) throws(ServingError) -> Generation {
        try TestLane.shared.wait { () async throws(ServingError) in
            try await self.begin(prompt, with: model, options, context)
        }
    }
}

extension Generation {
    mutating func next() throws(ServingError) -> Piece? {
        let copy = self
        let (after, piece) = try TestLane.shared.wait { () async throws(ServingError) in
            var generation = copy
            let piece = try await generation.next()
            return (generation, piece)
        }
        self = after
        return piece
    }
}

/// What a service answered, all of it.
struct Whole: Sendable {
    let response: Response
    /// How a streamed body ended; nil for one that was not streamed.
    let end: BodyChannel.End?
}

extension Service {
    /// A service of its own lane and budget.
    convenience init(
        registry: Registry,
        metrics: ServingMetrics = ServingMetrics(version: "test"),
        scheduler: Scheduler,
        generations: GenerationLimit = GenerationLimit(2),
        sequences: SequenceStore = SequenceStore(),
        seal: StateSeal = StateSeal(),
        limits: Service.Limits = Service.Limits(),
        access: Access? = nil
    ) throws {
        let classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits())
        try self.init(
            Parts(
                registry: registry,
                metrics: metrics,
                scheduler: scheduler,
                classifier: classifier,
                predictor: SequencePredictor(scheduler: scheduler, classifier: classifier, metrics: metrics),
                generator: TextGenerator(scheduler: scheduler, metrics: metrics),
                generations: generations,
                sequences: sequences,
                seal: seal,
                lane: TestLane.shared,
                budget: MemoryBudget(limit: 1 << 30)
            ),
            limits: limits,
            access: access
        )
    }

    /// Answers a request, and waits for all of the answer.
    func whole(_ request: Request) -> Whole {
        struct State {
            var response: Response?
            var channel: BodyChannel?
            var body: [UInt8] = []
            var end: BodyChannel.End?
            var isDone = false
        }
        let state = Monitor(State())
        let take = { (state: inout State) in
            guard let channel = state.channel else { return }
            while true {
                let (bytes, end) = channel.take(1 << 20)
                state.body += bytes
                if let end { (state.end, state.isDone) = (end, true) }
                if bytes.isEmpty || end != nil { return }
            }
        }
        respond(
            to: request,
            Responder { delivery in
                state.signal { state in
                    switch delivery {
                    case .response(let response, let channel):
                        (state.response, state.channel) = (response, channel)
                        state.isDone = channel == nil
                    case .bodyArrived: break
                    case .unanswered: state.isDone = true
                    }
                }
            }
        )
        while true {
            let done = state.wait(until: .now + .milliseconds(1)) { state in state.isDone ? true : nil }
            state.withLock { take(&$0) }
            if done == true || state.withLock(\.isDone) { break }
        }
        return state.withLock { state in
            var response = state.response ?? Response(status: .internalServerError)
            if state.channel != nil { response.body = state.body }
            return Whole(response: response, end: state.end)
        }
    }

    func respond(to request: Request) -> Response { whole(request).response }
}
