internal import Engine
package import Inference
package import Models
package import Platform
package import Support

/// Why a sequence has its class or its value: what it would lose without each of its steps.
///
/// Every effect is the score of the whole sequence minus that of the sequence without the step: both are what the model
/// predicts, to the bit.
/// - Source: Li, Monroe & Jurafsky 2016, "Understanding Neural Networks through Representation Erasure".
package struct LeaveOneOut: Sendable {
    /// What a client asks for.
    package struct Options: Sendable {
        /// The label or the number of the class, the number of a regression's value; nil for the likeliest, the first.
        package var target: String?
        package var method: ExplanationMethod?
        /// Which step's class is explained, of a model that has one for each step.
        package var step: Int?

        package init() {}
    }

    /// A step and what it does for the score.
    package struct Step: Sendable {
        /// Its token as it was written, or its number; nil where a step has features.
        package let token: TokenName?
        /// The number of the frame of a clip.
        package let frame: Int?
        /// Whether the vocabulary does not know the token.
        package let isUnknown: Bool
        /// Nil where nothing would be left without it.
        package let effect: Double?
    }

    /// What came of a sequence.
    package struct Answer: Sendable {
        package let target: ExplainedClass
        package let steps: [Step]
        /// How many sequences ran.
        package let runs: Int
        package let preprocess: Duration
        package let inference: InferenceResult
    }

    /// The most sequences that one request may run.
    package static let mostRuns = 1024
    /// Sequences that run together.
    private static let atATime = 64

    private let predictor: SequencePredictor
    private let budget: MemoryBudget?

    /// - Parameters:
    ///   - predictor: what encodes sequences, and where they run.
    ///   - budget: what the shortened sequences are leased from.
    package init(_ predictor: SequencePredictor, budget: MemoryBudget? = nil) {
        self.predictor = predictor
        self.budget = budget
    }

    /// Explains what a model says of one sequence.
    ///
    /// - Parameters:
    ///   - instance: the sequence.
    ///   - model: one that answers with classes or values.
    ///   - options: what is asked for.
    ///   - admission: the request's place at the engine; it grows to all runs before the first.
    ///   - context: the request.
    /// - Returns: what is explained, and every step's effect.
    /// - Throws: `ServingError` 400 for a model that writes sequences, an unknown class, and what `SequencePredictor.predict`
    ///   throws; 413 for a sequence with more steps than runs are allowed.
    package func explain(
        _ instance: Instance,
        with model: Model,
        _ options: Options = Options(),
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> Answer {
        try Self.check(model, options)
        let index = try ExplainedClass.index(of: options.target, in: model)
        let start = ContinuousClock.now
        let (sequences, lease) = try await predictor.encode(
            predictor.read([instance], for: model, context),
            for: model,
            admission,
            context
        )
        defer { withExtendedLifetime(lease) {} }
        let sequence = sequences[0]
        let preprocess = ContinuousClock.now - start
        let target = try Target(index, step: options.step, of: sequence, model)
        let count = sequence.steps > 1 ? sequence.steps : 0
        guard count < Self.mostRuns else {
            throw .tooLarge(
                code: "request_too_costly",
                "leaving out each of \(count) steps takes as many runs; at most \(Self.mostRuns - 1) are made"
            )
        }
        let size = sequence.tensor.shape.elementCount
        // A clip has its place with its frames, which are done.
        if !sequence.isClip {
            try admission?.grow(to: min(count + 1, Self.atATime), size: (count + 1) * size, context)
        }
        let whole = try await infer([sequence.tensor], model, admission, context)
        let explained = try target.explained(whole.outputs[0])
        var (inference, effects) = (whole, [Double?]())
        for first in stride(from: 0, to: count, by: Self.atATime) {
            let steps = first..<min(first + Self.atATime, count)
            let lease = try budget?.require(steps.count * sequence.tensor.byteCount, for: .tensors)
            defer { withExtendedLifetime(lease) {} }
            let items = steps.map { sequence.tensor.without(step: $0) }
            let result = try await infer(items, model, admission, context)
            for (step, output) in zip(steps, result.outputs) {
                let score = try target.score(output, without: step, explained.index)
                effects.append(score.map { explained.score - $0 })
            }
            inference = inference.followed(by: result)
        }
        let unknown = Set(sequence.unknownPositions)
        let steps = (0..<sequence.steps).map { step in
            Step(
                token: sequence.token(at: step),
                frame: sequence.isClip ? step : nil,
                isUnknown: unknown.contains(step),
                effect: effects.indices.contains(step) ? effects[step] : nil
            )
        }
        return Answer(
            target: explained,
            steps: steps,
            runs: count + 1,
            preprocess: preprocess,
            inference: inference
        )
    }

    private func infer(
        _ items: [Tensor],
        _ model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws(ServingError) -> InferenceResult {
        try context.check()
        return try await predictor.scheduler.infer(
            model.network,
            items: items,
            admission: admission,
            context
        )
    }

    private static func check(_ model: Model, _ options: Options) throws(ServingError) {
        let task = "model '\(model.name)' is for '\(model.manifest.task.rawValue)'"
        switch model.manifest.task {
        case .textGeneration, .sequenceToSequence:
            throw .badRequest(
                "\(task): what is explained is a class or a value, and it writes sequences",
                code: "wrong_task"
            )
        case .objectDetection, .semanticSegmentation, .imageCaptioning, .embedding, .tensors:
            throw .badRequest("\(task): what is explained is a class or a value", code: "wrong_task")
        case .tokenClassification where options.step == nil:
            throw .badRequest(
                "\(task), and has a class for each step: say with 'step' which one is explained, from 0",
                code: "invalid_parameter"
            )
        case .tokenClassification: break
        case .imageClassification, .sequenceClassification, .sequenceRegression:
            guard options.step != nil else { break }
            throw .badRequest("step: \(task), and has one answer for all steps", code: "invalid_parameter")
        }
        guard let method = options.method, method != .leaveOneOut else { return }
        throw .invalidParameter("method", expected: "leave-one-out for a sequence", found: method.rawValue)
    }

    /// What of a model's output is explained.
    private struct Target {
        private let index: Int?
        private let step: Int?
        private let model: Model

        init(
            _ index: Int?,
            step: Int?,
            of sequence: SequenceEncoder.Encoded,
            _ model: Model
        ) throws(ServingError) {
            if let step, step >= sequence.steps {
                throw .invalidParameter("step", expected: "0 to \(sequence.steps - 1)", found: "\(step)")
            }
            (self.index, self.step, self.model) = (index, step, model)
        }

        /// What the whole sequence says.
        func explained(_ output: [Float]) throws(ServingError) -> ExplainedClass {
            guard model.manifest.task != .sequenceRegression else {
                let index = index ?? 0
                let value = try Forecaster.scaled(output, model)[index]
                return ExplainedClass(
                    index: index,
                    label: model.labels?[index],
                    score: Double(value),
                    logit: nil
                )
            }
            return ExplainedClass(index, of: try scores(output, at: step ?? 0), model)
        }

        /// The score of the same without one of the steps; nil where the step that is explained is the one left out.
        func score(_ output: [Float], without left: Int, _ index: Int) throws(ServingError) -> Double? {
            if model.manifest.task == .sequenceRegression {
                return Double(try Forecaster.scaled(output, model)[index])
            }
            guard let step else { return try scores(output, at: 0).probabilities[index] }
            guard left != step else { return nil }
            return try scores(output, at: left < step ? step - 1 : step).probabilities[index]
        }

        private func scores(_ output: [Float], at step: Int) throws(ServingError) -> ClassScores {
            let classes = model.classes
            return try ClassScores(
                [Array(output[step * classes..<(step + 1) * classes])],
                scoring: model.scoring
            )
        }
    }
}

extension Tensor {
    /// The same sequence without one of its steps.
    fileprivate func without(step: Int) -> Tensor {
        let width = shape.elementCount / shape[0]
        var values = values
        values.removeSubrange(step * width..<(step + 1) * width)
        return Tensor(shape: Shape([shape[0] - 1] + shape.dimensions.dropFirst()), values: values)
    }
}
