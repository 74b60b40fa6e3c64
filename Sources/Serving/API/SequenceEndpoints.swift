internal import Engine
internal import HTTP
internal import HTTPTypes
internal import Platform
internal import Support

extension API {
    /// The answer of `:predict` for one stretch of a sequence that goes on from an earlier request.
    ///
    /// The numbers are those of the whole sequence at once, bit for bit.
    func predictSequence(
        _ body: PredictRequest,
        _ sequence: SequenceParameters,
        with model: Model,
        deadline: ContinuousClock.Instant,
        cancellation: Cancellation
    ) throws(ServingError) -> Response {
        try Self.check(body, model)
        let instances = try predictor.read(body.instances, for: model)
        let given =
            try sequence.state.map { text throws(ServingError) in try seal.open(text, for: model) } ?? []
        let advance = { [predictor] (state: [Float]) throws(ServingError) in
            let answer = try predictor.advance(
                instances[0],
                from: state,
                with: model,
                deadline: deadline,
                cancellation: cancellation
            )
            return (result: answer, state: answer.state)
        }
        let answer: SequencePredictor.Advanced
        if let id = sequence.id {
            answer = try sequences.advance(
                SequenceTable.Key(model: model.name, version: model.version, id: id),
                start: sequence.starts ? given : nil,
                ends: sequence.ends,
                advance
            )
        } else {
            answer = try advance(given).result
        }
        var json: JSONObject = ["predictions": .array([body.json(answer.answer, labels: model.labels)])]
        if sequence.returnsState { json.append("state", .string(seal.seal(answer.state, of: model))) }
        return Response(json: json)
    }

    /// `DELETE /v1/models/{model}/sequences/{id}`: forgets a sequence.
    func endSequence(_ call: Call) throws(ServingError) -> Response {
        let model = try registry.model(named: call.model, version: call.version)
        let id = call.captured["id"] ?? ""
        try sequences.remove(SequenceTable.Key(model: model.name, version: model.version, id: id))
        return Response(status: .noContent)
    }

    /// Requires one stretch, of a model whose answers depend on nothing but its state and the steps that come.
    private static func check(_ body: PredictRequest, _ model: Model) throws(ServingError) {
        guard body.instances.count == 1 else {
            let message = "a sequence goes on with one instance, found \(body.instances.count)"
            throw .badRequest("instances: \(message)", code: "invalid_parameter")
        }
        guard body.horizon == nil else {
            let message = "a sequence that goes on is predicted one step ahead"
            throw .badRequest("parameters.horizon: \(message)", code: "invalid_parameter")
        }
        let pools = model.manifest.pooling.map { $0 != .last } ?? false
        guard model.graph.isStreamable, !pools, model.manifest.task != .textGeneration, model.decoder == nil
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
