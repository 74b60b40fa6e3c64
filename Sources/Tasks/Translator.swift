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
        private static let maxHypotheses = 1024

        /// How targets are searched for.
        ///
        /// - Parameters:
        ///   - maxLength: how many tokens the model may write.
        ///   - targets: how many are written side by side.
        ///   - count: how many of the best are asked for.
        ///   - path: before the names of parameters.
        ///   - noun: what each target is for.
        /// - Returns: the rule of each search.
        /// - Throws: `ServingError` 400 for more than the model, or a request, may have.
        func rule(
            maxLength: Int,
            targets: Int,
            count: Int,
            in path: String,
            for noun: String
        ) throws(ServingError) -> BeamSearch.Rule {
            let maxTokens = maxTokens ?? maxLength
            guard maxTokens <= maxLength else {
                let expected = "at most \(maxLength), the model's own 'max_length'"
                throw .invalidParameter("\(path)max_tokens", expected: expected, found: "\(maxTokens)")
            }
            guard targets * beams <= Self.maxHypotheses else {
                let expected = "at most \(Self.maxHypotheses) beams for all \(noun) together"
                let found = "\(beams) for each of \(targets)"
                throw .invalidParameter("\(path)beams", expected: expected, found: found)
            }
            var rule = BeamSearch.Rule(maxTokens: maxTokens)
            rule.width = beams
            rule.lengthPenalty = lengthPenalty
            rule.count = min(count, beams)
            return rule
        }
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
            let writer = TargetWriter<BeamSearch>(
                scheduler: scheduler,
                metrics: metrics,
                model: model,
                decoder: decoder,
                context: context,
                classes: target.size,
                keepsAttention: options.listsAttention
            )
            let begun = starts.map {
                (memory: $0.memory, state: $0.state, search: BeamSearch(rule, end: target.end))
            }
            let found = try await writer.write(begun, start: target.start).map { best in
                best.map { Translation($0.hypothesis, of: target, attention: $0.attention) }
            }
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
        return try options.rule(
            maxLength: target.maxLength,
            targets: sources,
            count: count,
            in: "parameters.",
            for: "instances"
        )
    }

    /// What the encoder makes of each source: the memory, and the state of the decoder's layers before the first step.
    private func read(
        _ sources: [SequenceEncoder.Encoded]
    ) async throws(ServingError) -> (InferenceResult, [(memory: [Float], state: [Float])]) {
        let pipeline = model.pipeline
        let inference = try await scheduler.infer(
            model.network,
            items: sources.map(\.tensor),
            returnsStates: !pipeline.handsOutState,
            context
        )
        guard pipeline.handsOutState else {
            return (inference, zip(inference.outputs, inference.states).map { (memory: $0, state: $1) })
        }
        return (inference, inference.outputs.map(pipeline.parts))
    }

    private func count(_ reason: String) {
        metrics?.generations.series(model.name, model.version, reason).add()
    }
}
