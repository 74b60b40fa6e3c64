internal import Engine
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Zoo

/// Several steps ahead: each prediction is the step that the next one goes on from.
///
/// A network that reads forwards and answers from its last state carries the state on; any other reads the whole
/// sequence again, with what was predicted at its end. Both give the same values.
struct Forecaster {
    let scheduler: Scheduler
    let model: Model
    let encoder: SequenceEncoder
    let context: RequestContext

    /// How many steps ahead a request may ask for.
    package static let horizons = 1...1000

    /// The values of the next `horizon` steps of each sequence.
    ///
    /// - Throws: `ServingError` 400 when the network's values are not what a step of its input is, or when a sequence would
    ///   grow too long; and what `Scheduler.infer` throws.
    func forecast(
        _ sequences: [SequenceEncoder.Encoded],
        horizon: Int
    ) async throws(ServingError) -> (values: [[[Float]]], inference: InferenceResult) {
        let carries = horizon > 1 && model.graph.isStreamable && model.manifest.pooling?.isLastStep == true
        if horizon > 1 { try check(sequences, horizon: horizon, carries: carries) }
        var items = sequences.map(\.tensor)
        var inference = try await infer(items, states: nil, carries: carries)
        var values = try inference.outputs.map { output throws(ServingError) in
            [try Self.scaled(output, model)]
        }
        let first = inference
        for _ in 1..<horizon {
            for (index, steps) in values.enumerated() {
                let next = try encoder.step(steps[steps.count - 1])
                let before = carries ? [] : items[index].values
                items[index] = Tensor(
                    shape: [before.count / next.count + 1, next.count],
                    values: before + next
                )
            }
            inference = try await infer(items, states: carries ? inference.states : nil, carries: carries)
            for (index, output) in inference.outputs.enumerated() {
                values[index].append(try Self.scaled(output, model))
            }
        }
        return (values, first)
    }

    private func infer(
        _ items: [Tensor],
        states: [[Float]]?,
        carries: Bool
    ) async throws(ServingError) -> InferenceResult {
        try await scheduler.infer(
            model.network,
            items: items,
            states: states,
            returnsStates: carries,
            context
        )
    }

    private func check(
        _ sequences: [SequenceEncoder.Encoded],
        horizon: Int,
        carries: Bool
    ) throws(ServingError) {
        guard case .features(let size) = encoder.input, size == model.classes else {
            let message = "model '\(model.name)' cannot go on from its own predictions"
            let reason = "its \(model.classes) values are not a step of its input"
            throw .badRequest("horizon: \(message): \(reason)", code: "invalid_parameter")
        }
        guard !carries, let longest = sequences.map(\.steps).max() else { return }
        try SequenceEncoder.checkLength(longest + horizon - 1, atMost: encoder.maxLength)
    }

    /// The values of one step.
    ///
    /// - Throws: `ServingError` with status 500 when a value is not a finite number.
    static func scaled(_ output: [Float], _ model: Model) throws(ServingError) -> [Float] {
        let values = model.manifest.output?.values(output) ?? output
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return values }
        throw .internalError("the predicted value \(index) is not a finite number", code: "not_finite")
    }
}
