internal import Engine
internal import Inference
package import Models
internal import Platform
package import Support

/// A text while it is generated: `next` until it gives nothing.
package struct Generation: Sendable {
    /// Why a text has ended.
    package enum FinishReason: String, Sendable, CaseIterable {
        /// A stop string came.
        case stop
        /// There are as many tokens as were asked for.
        case length
    }

    /// One token, and what it makes certain of the text.
    package struct Piece: Sendable, Equatable {
        /// From 0.
        package let index: Int
        /// The token itself.
        package let token: TokenName
        /// The number of the token in the vocabulary.
        package let number: Int
        /// The natural logarithm of its probability, as the network has it; nil where that was not asked for.
        package let logProbability: Double?
        /// Empty while the token may belong to a stop string or to an unfinished character.
        package let text: String
    }

    private let model: Model
    private let decoder: TextDecoder
    private let options: TextGenerator.Options
    private let scheduler: Scheduler
    private let context: RequestContext
    private let metrics: ModelMetrics?
    private var sampler: Sampler
    private var assembler: TextAssembler
    private var previous: Int
    private var logits: ArraySlice<Float> = []
    private var state: [Float] = []

    /// How many tokens the prompt has.
    package let promptTokens: Int
    /// How many of them the vocabulary did not know.
    package let unknownTokens: Int
    /// How many tokens the text has so far, that of its stop string counted.
    package private(set) var tokens = 0
    package private(set) var finishReason: FinishReason?
    /// The time that the prompt and the tokens waited for the engine, and the time that they ran.
    package private(set) var queue = Duration.zero
    package private(set) var compute = Duration.zero

    /// Runs the prompt.
    init(
        from prompt: SequenceEncoder.Encoded,
        with model: Model,
        decoder: TextDecoder,
        options: TextGenerator.Options,
        scheduler: Scheduler,
        context: RequestContext,
        metrics: ServingMetrics?
    ) async throws(ServingError) {
        self.model = model
        self.decoder = decoder
        self.options = options
        self.scheduler = scheduler
        self.context = context
        self.metrics = metrics?.model(model.name, version: model.version)
        sampler = Sampler(options.sampling, seed: options.seed, excluded: decoder.unknown)
        assembler = TextAssembler(stops: options.stops)
        promptTokens = prompt.steps
        unknownTokens = prompt.unknownTokens
        previous = prompt.number(at: prompt.steps - 1)
        try await run(prompt.tensor)
    }

    /// The seed that gives this text again.
    package var seed: UInt64 { options.seed }

    /// Generates a token; nil when the text has ended.
    ///
    /// - Throws: what `Scheduler.infer` throws, and `ServingError` 500 when a logit is not a finite number.
    package mutating func next() async throws(ServingError) -> Piece? {
        guard finishReason == nil else { return nil }
        if tokens > 0 { try await run(Tensor(shape: [1], values: [Float(previous)])) }
        let token = try sampler.draw(logits)
        let index = tokens
        tokens += 1
        var text = assembler.append(decoder.bytes(of: token, after: previous))
        previous = token
        if assembler.isStopped {
            finishReason = .stop
        } else if tokens == options.maxTokens {
            text += assembler.finish()
            finishReason = .length
        }
        metrics?.generatedTokens.add()
        return Piece(
            index: index,
            token: decoder.name(of: token),
            number: token,
            logProbability: options.listsProbabilities ? logProbability(of: token) : nil,
            text: text
        )
    }

    private func logProbability(of token: Int) -> Double {
        let largest = Double(logits.max() ?? 0)
        let sum = logits.reduce(0.0) { $0 + Exponential.of(Double($1) - largest) }
        return Double(logits[logits.startIndex + token]) - largest - Logarithm.of(sum)
    }

    private mutating func run(_ steps: Tensor) async throws(ServingError) {
        let inference = try await scheduler.infer(
            model.network,
            items: [steps],
            states: [state],
            returnsStates: true,
            context
        )
        logits = inference.outputs[0].suffix(model.classes)
        state = inference.states[0]
        queue += inference.queue
        compute += inference.compute
    }
}
