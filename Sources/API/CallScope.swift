internal import HTTP
internal import Inference
internal import Models
internal import Platform
internal import Support

/// What the endpoints need of a call.
extension Service {
    /// The model that a call names.
    func model(_ call: Call) throws(ServingError) -> Model {
        let model = try registry.model(named: call.model, version: call.version)
        call.record.update { values in
            values.model = model.name
            values.version = model.version
        }
        return model
    }

    /// Lets a request for the engine in, or refuses it on the spot.
    func admission(of call: Call) throws(ServingError) -> Scheduler.Admission {
        let model = try model(call)
        return try scheduler.admit(model.networks[0], items: 1, context(of: call))
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
            client: call.request.client,
            deadline: call.request.received + limits.requestTimeout,
            cancellation: call.request.cancellation,
            record: call.record,
            log: logger
        )
    }
}
