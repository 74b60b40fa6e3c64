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

        package init() {}

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

        init(_ hypothesis: BeamSearch.Hypothesis, of target: Target) {
            text = target.text(of: hypothesis.tokens)
            tokens = target.names(of: hypothesis.tokens)
            score = hypothesis.score
            stop = hypothesis.isEnded ? .end : .length
        }
    }

    /// A target while it is written.
    private struct Decoding {
        /// What the encoder made of the source.
        let memory: Tensor
        var search: BeamSearch
        /// The decoder's state for each live hypothesis: the token before, and its layers'.
        var states: [[Float]]

        mutating func advance(_ logits: [[Float]], _ next: [[Float]]) throws(ServingError) {
            let parents = try search.advance(logits)
            states = zip(parents, search.live).map { parent, hypothesis in
                var state = next[parent]
                state[0] = Float(hypothesis.tokens[hypothesis.tokens.count - 1])
                return state
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
            let inference = try await infer(model.network, sources.map(\.tensor), states: nil)
            var decodings = zip(inference.outputs, inference.states).map { begin($0, $1, rule) }
            while try await advance(&decodings) {}
            let found = decodings.map { $0.search.best.map { Translation($0, of: target) } }
            for best in found { self.count(best[0].stop.rawValue) }
            return (found, inference)
        } catch {
            for _ in sources { self.count(error.code) }
            throw error
        }
    }

    private func rule(_ options: Options, sources: Int, count: Int) throws(ServingError) -> BeamSearch.Rule {
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

    private func begin(_ memory: [Float], _ state: [Float], _ rule: BeamSearch.Rule) -> Decoding {
        let width = decoder.graph.inputShape[1]
        return Decoding(
            memory: Tensor(shape: [memory.count / width, width], values: memory),
            search: BeamSearch(rule, end: target.end),
            states: [[Float(target.start)] + state]
        )
    }

    /// Writes a token of each target that goes on; false when there is none.
    private func advance(_ decodings: inout [Decoding]) async throws(ServingError) -> Bool {
        let open = decodings.indices.filter { !decodings[$0].search.isDone }
        guard !open.isEmpty else { return false }
        let states = open.map { decodings[$0].states }
        let items = zip(open, states).flatMap { Array(repeating: decodings[$0].memory, count: $1.count) }
        let step = try await infer(decoder, items, states: states.flatMap(\.self))
        var first = 0
        for (index, count) in zip(open, states.map(\.count)) {
            let own = first..<first + count
            try decodings[index].advance(Array(step.outputs[own]), Array(step.states[own]))
            first += count
        }
        metrics?.model(model.name, version: model.version).generatedTokens.add(open.count)
        return true
    }

    private func infer(
        _ network: ServedNetwork,
        _ items: [Tensor],
        states: [[Float]]?
    ) async throws(ServingError) -> InferenceResult {
        try await scheduler.infer(network, items: items, states: states, returnsStates: true, context)
    }

    private func count(_ reason: String) {
        metrics?.generations.series(model.name, model.version, reason).add()
    }
}
