internal import Engine
internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Support
internal import Tasks

extension Service {
    /// The answer of `:predict` for one stretch of a sequence that goes on from an earlier request.
    ///
    /// The numbers are those of the whole sequence at once, bit for bit.
    func predictSequence(
        _ request: PredictRequest,
        _ sequence: SequenceParameters,
        of owner: String,
        with model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws -> Response {
        let answer = try await advance(
            request.instances[0],
            sequence,
            of: owner,
            with: model,
            admission,
            context
        )
        var json: JSONObject = [
            "predictions": .array([request.form.json(answer.answer, labels: model.labels)])
        ]
        if sequence.returnsState { json.append("state", .string(seal.seal(answer.state, of: model))) }
        return Response(json: json)
    }

    /// Takes a sequence that goes on from an earlier request one stretch further.
    func advance(
        _ instance: Instance,
        _ sequence: SequenceParameters,
        of owner: String,
        with model: Model,
        _ admission: Scheduler.Admission?,
        _ context: RequestContext
    ) async throws -> SequencePredictor.Advanced {
        let given =
            try sequence.state.map { text throws(ServingError) in try seal.open(text, for: model) } ?? []
        let advance = { [predictor] (state: [Float]) async throws(ServingError) in
            let answer = try await predictor.advance(
                instance,
                from: state,
                with: model,
                admission: admission,
                context
            )
            return (result: answer, state: answer.state)
        }
        guard let id = sequence.id else { return try await advance(given).result }
        return try await sequences.advance(
            SequenceTable.Key(model: model.name, version: model.version, id: id, owner: owner),
            of: context.client,
            weights: model.weightsDigest(),
            start: sequence.starts ? given : nil,
            step: sequence.step,
            ends: sequence.ends,
            advance
        )
    }

    /// `DELETE /v1/models/{model}/sequences/{id}`: forgets a sequence.
    func endSequence(_ call: Call) async throws -> Response {
        let id = call.captured["id"] ?? ""
        let model = try await model(call, with: id)
        try sequences.remove(
            SequenceTable.Key(model: model.name, version: model.version, id: id, owner: call.owner)
        )
        return Response(status: .noContent)
    }

    /// The model that a sequence goes on with: where the call names no version, that with which it began, while it is there.
    private func model(_ call: Call, with id: String) async throws(ServingError) -> Model {
        let model = try await model(call)
        return modelOfSequence(id, call, model)
    }

    /// The version of a model that keeps a sequence, where the call names none and `model` does not.
    func modelOfSequence(_ id: String, _ call: Call, _ model: Model) -> Model {
        func keeps(_ version: String) -> Bool {
            sequences.contains(
                SequenceTable.Key(model: model.name, version: version, id: id, owner: call.owner)
            )
        }
        guard call.version == nil, !keeps(model.version) else { return model }
        let versions = (try? registry.entry(named: call.model))?.versions ?? [] // it went meanwhile
        return versions.last { $0.model != nil && keeps($0.version) }?.model ?? model
    }

    /// Requires one stretch, of a model whose answers depend on nothing but its state and the steps that come.
    static func checkGoesOn(_ model: Model, instances: Int, horizon: Int?) throws(ServingError) {
        guard instances == 1 else {
            let message = "a sequence goes on with one instance, found \(instances)"
            throw .badRequest("instances: \(message)", code: "invalid_parameter")
        }
        guard horizon == nil else {
            let message = "a sequence that goes on is predicted one step ahead"
            throw .badRequest("parameters.horizon: \(message)", code: "invalid_parameter")
        }
        let pools = model.manifest.pooling.map { !$0.isLastStep } ?? false
        guard model.graph.isStreamable, !pools, model.manifest.task != .textGeneration,
            model.pipeline.decoder == nil
        else {
            let reason =
                switch model.manifest.task {
                case .imageClassification: "it takes images"
                case .textGeneration: "its texts go on with ':generate'"
                case .sequenceToSequence: "it reads each source as a whole"
                default: pools ? "it pools over the whole sequence" : "it reads sequences backwards too"
                }
            let message = "model '\(model.name)' cannot go on from an earlier request: \(reason)"
            throw .badRequest(message, code: "not_streamable")
        }
    }
}
