internal import HTTP
internal import Inference
internal import Models
internal import Platform
internal import Support

/// What the endpoints need of a call.
extension Service {
    /// The model that a call names, loaded for it if need be: the one that it was admitted for, whatever is loaded since.
    func model(_ call: Call) async throws(ServingError) -> Model {
        if let model = call.readyModel { return model }
        try check(call)
        let model = try await registry.model(named: call.model, version: call.version, context(of: call))
        note(model, call)
        return model
    }

    /// The model that a call for the engine names, with the call's place there: one that had to wait for its model takes it
    /// now.
    func admittedModel(_ call: inout Call) async throws(ServingError) -> Model {
        let model = try await model(call)
        if call.readyModel == nil {
            call.readyModel = model
            call.admission = try scheduler.admit(model.networks[0], items: 1, context(of: call))
        }
        return model
    }

    /// Lets a request for the engine in, or refuses it on the spot; one whose model is not loaded yet comes in later.
    func admit(_ call: inout Call) throws(ServingError) {
        try check(call)
        guard let model = try registry.readyModel(named: call.model, version: call.version) else { return }
        note(model, call)
        call.readyModel = model
        call.admission = try scheduler.admit(model.networks[0], items: 1, context(of: call))
    }

    /// Requires that the call's key opens the model: also where its name is not in the path.
    private func check(_ call: Call) throws(ServingError) {
        guard let caller = call.caller, !caller.opens(model: call.model) else { return }
        throw .forbidden(Access.closed(call.model, to: caller))
    }

    private func note(_ model: Model, _ call: Call) {
        call.record.update { values in
            values.model = model.name
            values.version = model.version
        }
    }

    /// What the layers below have to know of a call: its answer must be ready `timeout_ms` after its last byte, else in the
    /// daemon's own time.
    func context(of call: Call, _ parameters: RequestParameters) throws(ServingError) -> RequestContext {
        let timeout = try parameters.positiveInteger("timeout_ms").map { Duration.milliseconds($0) }
        let limit = min(timeout ?? limits.requestTimeout, limits.requestTimeout)
        return context(of: call).until(call.request.received + limit)
    }

    func context(of call: Call) -> RequestContext {
        RequestContext(
            id: call.request.id,
            client: call.caller.map { "key:\($0.name)" } ?? call.request.client,
            deadline: call.request.received + limits.requestTimeout,
            cancellation: call.request.cancellation,
            record: call.record,
            log: logger
        )
    }
}
