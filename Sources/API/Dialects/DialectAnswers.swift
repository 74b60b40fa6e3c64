internal import HTTP
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// What the protocols of other servers share: each reads its own form of instances and writes its own form of outcomes.
extension Service {
    /// The model that a call is for, let in at the engine, with room for what its body becomes.
    func begin(_ call: inout Call) async throws -> (model: Model, inputs: AnyObject?) {
        let model = try await admittedModel(&call)
        let bytes = call.request.body.count * InstanceReader(model.input).bytesPerByte
        return (model, try budget.require(bytes, for: .inputs))
    }

    /// What a model says of each instance, whatever it takes.
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
        guard case .image = model.input else {
            let permit = model.pipeline.decoder == nil ? nil : try generations.permit()
            defer { withExtendedLifetime(permit) {} }
            var options = SequencePredictor.Options()
            options.count = count
            let answers = try await predictor.predict(
                instances,
                with: model,
                options,
                admission: call.admission,
                context
            )
            return answers.map(\.outcome)
        }
        var images: [Result<ArraySlice<UInt8>, ServingError>] = []
        for instance in instances {
            guard case .image(let bytes) = instance else {
                throw ServingError.invalidInput("expected an image, found \(instance.kind)")
            }
            images.append(.success(bytes))
        }
        let results = try await classifier.classify(
            images: images,
            with: model,
            admission: call.admission,
            context
        )
        var outcomes: [SequencePredictor.Outcome] = []
        for (index, result) in results.enumerated() {
            do {
                outcomes.append(.classes(try result.get().scores))
            } catch {
                throw images.count == 1 ? error : error.at("instance \(index)")
            }
        }
        return outcomes
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
