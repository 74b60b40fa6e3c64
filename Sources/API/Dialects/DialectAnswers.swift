internal import HTTP
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// What the protocols of other servers share: each reads its own form of instances and writes its own form of outcomes.
extension Service {
    /// What a model says of each instance, in the largest form that a protocol has for it.
    ///
    /// - Throws: `ServingError`; where one of several instances is wrong, its message begins with its place.
    func outcomes(
        of instances: [Instance],
        with model: Model,
        _ call: Call,
        _ context: RequestContext,
        count: Int = 1
    ) async throws -> [SequencePredictor.Outcome] {
        var form = PredictionForm()
        form.listsScores = true // no protocol lists more
        let answer = try leaseAnswer(to: instances, form, of: model)
        defer { withExtendedLifetime(answer) {} }
        var options = SequencePredictor.Options()
        options.count = count
        return try await outcomes(of: instances, with: model, options, call, context) {
            instances.count == 1 ? nil : "instance \($0)"
        }
    }

    /// The same call for a version of a model that its path does not name, not yet let in.
    func redirected(_ call: Call, to model: String, version: String? = nil) -> Call {
        var captured = call.captured
        captured["model"] = model
        captured["version"] = version
        return Call(request: call.request, record: call.record, caller: call.caller, captured: captured)
    }

    /// The error of a model whose task a protocol has no form for.
    static func hasNoForm(_ model: Model, in server: String) -> ServingError {
        let task = "model '\(model.name)' is for '\(model.manifest.task.rawValue)'"
        let hint = "use /v1/models/\(model.name):predict"
        return .badRequest("\(task), for which \(server) has no form; \(hint)", code: "wrong_task")
    }
}

extension ClassScores.Prediction {
    /// The label, or the index of a model without labels.
    var name: String { label ?? String(index) }
    /// The probability as all answers write it.
    var score: JSONValue { .float(Float(probability)) }
}
