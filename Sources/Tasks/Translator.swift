internal import Engine
internal import Inference
package import Models
internal import Platform
internal import Support

/// From sequence to sequence: the encoder reads each source once, then the decoder writes all targets side by side.
///
/// Every step of the decoder passes through the scheduler, so that targets of several requests share batches where the
/// encoder's memories have like lengths. What they say does not depend on that.
package struct Translator {
    /// What a client may ask for.
    package struct Options: Sendable, Equatable {
        package var beams = 1
        /// nil: as many as the model may write.
        package var maxTokens: Int?
        package var lengthPenalty = 0.0
        /// Whether to tell how much each token looked at each step of the source.
        package var listsAttention = false

        package init() {}

        /// Requires a model that translates.
        func check(for model: Model) throws(ServingError) {
            guard model.pipeline.decoder == nil else { return }
            let message =
                listsAttention
                ? "only a 'sequence-to-sequence' has attention to list"
                : "only a 'sequence-to-sequence' decodes with beams, tokens and a penalty"
            let task = "model '\(model.name)' is for '\(model.manifest.task.rawValue)'"
            throw .badRequest("parameters: \(message), but \(task)", code: "invalid_parameter")
        }

        package static let beamsRange = 1...16
        package static let penaltyRange = 0.0...10.0
        /// The most hypotheses of a request, each of which is a row of every batch.
        static let maxHypotheses = 1024
    }

    /// A target, and why it has ended.
    package struct Translation: Sendable, Equatable {
        package enum Stop: String, Sendable {
            /// The token that ends a target came.
            case end
            /// There are as many tokens as there may be.
            case length
        }

        /// nil where the tokens are numbers.
        package let text: String?
        package let tokens: [TokenName]
        /// The natural logarithm of the probability of the tokens, and of the end where it came.
        package let score: Double
        package let stop: Stop
        /// For each token how much the decoder looked at each step of the source, of 1 in all; nil unless asked for.
        package let attention: [[Float]]?

        init(_ hypothesis: BeamSearch.Hypothesis, of target: Target, attention: [[Float]]?) {
            text = target.text(of: hypothesis.tokens)
            tokens = target.names(of: hypothesis.tokens)
            score = hypothesis.score
            stop = hypothesis.isEnded ? .end : .length
            self.attention = attention
        }
    }

    /// A target while it is written.
    private struct Decoding {
        /// What the encoder made of the source.
        let memory: Tensor
        var search: BeamSearch
        /// The decoder's state for each live hypothesis: the token before, and what its layers keep.
        var states: [[Float]]
        /// For each step and each hypothesis that was live then, the weights of the memory's rows; nil where nobody asks.
        var attention: [[[Float]]]?

        /// - Parameters:
        ///   - outputs: for each live hypothesis its logits, and behind them the weights of the memory's rows.
        ///   - next: the states.
        ///   - classes: how many logits there are.
        /// - Throws: what `BeamSearch.advance` throws.
        mutating func advance(
            _ outputs: [[Float]],
            _ next: [[Float]],
            classes: Int
        ) throws(ServingError) {
            attention?.append(outputs.map { Array($0.dropFirst(classes)) })
            let parents = try search.advance(outputs.map { $0[..<classes] })
            states = zip(parents, search.live).map { parent, hypothesis in
                var state = next[parent]
                state[0] = Float(hypothesis.tokens[hypothesis.tokens.count - 1])
                return state
            }
        }

        /// The best targets.
        func translations(_ target: Target) -> [Translation] {
            search.best.map { hypothesis in
                let rows = attention.map { steps in
                    zip(steps, hypothesis.places).prefix(hypothesis.tokens.count).map { $0[$1] }
                }
                return Translation(hypothesis, of: target, attention: rows)
            }
        }
    }

    let scheduler: Scheduler
    let metrics: ServingMetrics?
    let model: Model
    let target: Target
    let decoder: ServedNetwork
    let context: RequestContext

    /// The best targets of each source, `count` of them where the beam has so many.
    ///
    /// - Returns: the targets, best first, and what the encoder took.
    /// - Throws: `ServingError` 400 for options that the model cannot follow, what `Scheduler.infer` throws, and 500 when a
    ///   logit is not a finite number.
    func translate(
        _ sources: [SequenceEncoder.Encoded],
        _ options: Options,
        count: Int
    ) async throws(ServingError) -> (targets: [[Translation]], inference: InferenceResult) {
        let rule = try rule(options, sources: sources.count, count: count)
        do {
            let (inference, starts) = try await read(sources)
            var decodings = starts.map { begin($0.memory, $0.state, rule, options) }
            while try await advance(&decodings) {}
            let found = decodings.map { $0.translations(target) }
            for best in found { self.count(best[0].stop.rawValue) }
            return (found, inference)
        } catch {
            for _ in sources { self.count(error.code) }
            throw error
        }
    }

    private func rule(_ options: Options, sources: Int, count: Int) throws(ServingError) -> BeamSearch.Rule {
        guard !options.listsAttention || model.pipeline.handsOutAttention else {
            let message = "model '\(model.name)' looks at no step of its source: it has no attention"
            throw .badRequest("parameters.detail: \(message)", code: "invalid_parameter")
        }
        let maxTokens = options.maxTokens ?? target.maxLength
        guard maxTokens <= target.maxLength else {
            let expected = "at most \(target.maxLength), the model's own 'max_length'"
            throw .invalidParameter("parameters.max_tokens", expected: expected, found: "\(maxTokens)")
        }
        guard sources * options.beams <= Options.maxHypotheses else {
            let expected = "at most \(Options.maxHypotheses) beams for all instances together"
            throw .invalidParameter(
                "parameters.beams",
                expected: expected,
                found: "\(options.beams) for each of \(sources)"
            )
        }
        var rule = BeamSearch.Rule(maxTokens: maxTokens)
        rule.width = options.beams
        rule.lengthPenalty = options.lengthPenalty
        rule.count = min(count, options.beams)
        return rule
    }

    /// What the encoder makes of each source: the memory, and the state of the decoder's layers before the first step.
    private func read(
        _ sources: [SequenceEncoder.Encoded]
    ) async throws(ServingError) -> (InferenceResult, [(memory: [Float], state: [Float])]) {
        let count = model.pipeline.startingStateCount
        let inference = try await scheduler.infer(
            model.network,
            items: sources.map(\.tensor),
            returnsStates: count == nil,
            context
        )
        guard let count else {
            return (inference, zip(inference.outputs, inference.states).map { (memory: $0, state: $1) })
        }
        let starts = inference.outputs.map { numbers in
            (memory: Array(numbers.dropLast(count)), state: Array(numbers.suffix(count)))
        }
        return (inference, starts)
    }

    /// The token before the first stands in front of the state; what the decoder keeps beside its layers is zero at first.
    private func begin(
        _ memory: [Float],
        _ state: [Float],
        _ rule: BeamSearch.Rule,
        _ options: Options
    ) -> Decoding {
        let width = decoder.graph.inputShape[1]
        let known = [Float(target.start)] + state
        return Decoding(
            memory: Tensor(shape: [memory.count / width, width], values: memory),
            search: BeamSearch(rule, end: target.end),
            states: [known + Array(repeating: 0, count: decoder.graph.stateCount - known.count)],
            attention: options.listsAttention ? [] : nil
        )
    }

    /// Writes a token of each target that goes on; false when there is none.
    private func advance(_ decodings: inout [Decoding]) async throws(ServingError) -> Bool {
        let open = decodings.indices.filter { !decodings[$0].search.isDone }
        guard !open.isEmpty else { return false }
        let states = open.map { decodings[$0].states }
        let items = zip(open, states).flatMap { Array(repeating: decodings[$0].memory, count: $1.count) }
        let step = try await scheduler.infer(
            decoder,
            items: items,
            states: states.flatMap(\.self),
            returnsStates: true,
            context
        )
        var first = 0
        for (index, count) in zip(open, states.map(\.count)) {
            let own = first..<first + count
            try decodings[index].advance(
                Array(step.outputs[own]),
                Array(step.states[own]),
                classes: target.size
            )
            first += count
        }
        metrics?.model(model.name, version: model.version).generatedTokens.add(open.count)
        return true
    }

    private func count(_ reason: String) {
        metrics?.generations.series(model.name, model.version, reason).add()
    }
}
