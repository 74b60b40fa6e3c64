internal import Engine
internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

extension Service {
    /// `POST /v2/models/{model}/infer`: tensors in, tensors out.
    func inferTensors(_ call: Call) async throws -> Response {
        var call = call
        let model = try await admittedModel(&call)
        let started = ContinuousClock.now
        let given = context(of: call)
        let request = try inferRequest(call.request, for: model, given)
        let context = given.until(given.deadline, orAfter: request.parameters.timeout, call.request.received)
        let shaped = try await shaped(request, model, call, context)
        let wanted = try ModelTensors(model, shaped?.ports).wanted(request)
        let tensors = try TensorInstances(request, call.request.body, for: model, shaped?.ports, budget)
        let horizon = request.parameters.horizon
        let answerLease = try leaseTensors(wanted, of: tensors.instances, model, horizon: horizon)
        defer { withExtendedLifetime((request, tensors, answerLease)) {} }
        call.record.update { $0.preprocess += .now - started }
        var answer = InferAnswer(model: model.name, version: model.version, id: request.id)
        let outcomes: [SequencePredictor.Outcome]
        if let sequence = try SequenceParameters(request.parameters.sequence) {
            let advanced = try await advance(tensors.instances, sequence, horizon, call, model, context)
            outcomes = [advanced.answer.outcome]
            if sequence.returnsState {
                answer.parameters.append("state", .string(seal.seal(advanced.state, of: model)))
            }
        } else {
            switch model.input {
            case .image, .regions, .tensors:
                guard horizon == nil else {
                    let kind = model.manifest.input.kind
                    throw InferRequest.fault(
                        "parameters.horizon: model '\(model.name)' takes \(kind == "image" ? "images" : kind)"
                    )
                }
            case .sequence, .frames: break
            }
            var options = SequencePredictor.Options()
            options.horizon = horizon
            let instances = tensors.instances
            outcomes = try await self.outcomes(
                of: instances,
                with: model,
                on: shaped?.served,
                options,
                call,
                context
            ) {
                instances.count == 1 ? nil : "image \($0)"
            }
        }
        let computed = ContinuousClock.now
        // The numbers of a tensor, and their text or bytes.
        let maps = try leaseMaps(outcomes) { $0.classes.count * (8 + 8) }
        defer { withExtendedLifetime(maps) {} }
        for wanted in wanted {
            var tensor = try Self.tensor(wanted, of: model, shaped?.ports, outcomes)
            if let count = wanted.classes { tensor = tensor.classes(count, labels: model.labels) }
            answer.outputs.append((wanted.output.name, tensor, wanted.isBinary))
        }
        let response = answer.response
        call.record.update { $0.render += .now - computed }
        return response
    }

    /// The network for the shapes of a request, made where it is not there; nil for a model that has one for all.
    private func shaped(
        _ request: InferRequest,
        _ model: Model,
        _ call: Call,
        _ context: RequestContext
    ) async throws(ServingError) -> NetworksByShape.Shaped? {
        guard let networks = model.shapes, case .tensors(let ports) = model.input else { return nil }
        try TensorItems.check(request, ports)
        let shapes = Dictionary(request.inputs.map { ($0.name, $0.shape) }) { first, _ in first }
        let given = try networks.given(shapes)
        if let known = networks.known(given) { return known }
        // Batches of other shapes do not wait for it meanwhile.
        call.admission?.release()
        return try await self.shapes.network(for: given, of: networks, context)
    }

    private static func tensor(
        _ wanted: ModelTensors.Wanted,
        of model: Model,
        _ ports: NetworkPorts?,
        _ outcomes: [SequencePredictor.Outcome]
    ) throws(ServingError) -> OutputTensor {
        guard case .tensors(let own) = model.head, case let ports = ports ?? own,
            let index = ports.outputs.firstIndex(where: { $0.name == wanted.output.name })
        else { return try OutputTensor(wanted.output.kind, of: outcomes) }
        return try OutputTensor(
            port: index,
            of: ports,
            as: wanted.output.dataType,
            outcomes,
            isBinary: wanted.isBinary
        )
    }

    private func inferRequest(
        _ request: Request,
        for model: Model,
        _ context: RequestContext
    ) throws -> InferRequest {
        let length = try request.fields[.inferenceHeaderLength].map { text throws(ServingError) in
            guard let length = Int(text), length >= 0 else {
                throw .badRequest(
                    "Inference-Header-Content-Length: expected a number of bytes, found '\(text.clipped(to: 40))'",
                    code: "invalid_header_length"
                )
            }
            return length
        }
        if length == 0 { return try Self.rawRequest(request.body, for: model) }
        return try InferRequest(request.body, headerLength: length, budget: budget) { try context.check() }
    }

    /// A body without JSON: one item, of any number of steps where the model takes them.
    ///
    /// To a model of images whatever is not as large as its tensor is an encoded image.
    private static func rawRequest(_ body: [UInt8], for model: Model) throws(ServingError) -> InferRequest {
        let tensors = ModelTensors(model)
        guard tensors.inputs.count == 1, let input = tensors.inputs.first else {
            let names = tensors.inputs.map(\.name).joined(separator: ", ")
            throw InferRequest.fault("a body without JSON is one input; the model has \(names)")
        }
        guard !body.isEmpty else { throw .badRequest("the body is empty", code: "empty_body") }
        guard let type = input.dataType.elementType else {
            return InferRequest(raw: body, name: input.name, .bytes, shape: [1, 1])
        }
        guard input.dimensions.count(where: { $0 == -1 }) < 2 else {
            let shape = input.dimensions.map(String.init).joined(separator: ", ")
            throw InferRequest.fault(
                "a body without JSON has no shape, and several extents of [\(shape)] are open; send it behind JSON"
            )
        }
        let fixed = input.dimensions.filter { $0 > 0 }.reduce(type.size, *)
        let isFixed = !input.dimensions.contains(-1)
        let takesImages = if case .image = model.input { true } else { false }
        if takesImages, isFixed, body.count != fixed {
            return InferRequest(raw: body, name: input.name, .bytes, shape: [1])
        }
        guard body.count % fixed == 0 else {
            let expected = "expected a multiple of \(fixed) bytes"
            throw InferRequest.fault(
                "unexpected size for input '\(input.name)': \(expected), found \(body.count)"
            )
        }
        guard !isFixed || body.count == fixed else {
            throw InferRequest.fault(
                "unexpected size for input '\(input.name)': expected \(fixed), found \(body.count)"
            )
        }
        let batch = tensors.isBatched ? [1] : []
        let shape = batch + input.dimensions.map { $0 == -1 ? body.count / fixed : $0 }
        return InferRequest(raw: body, name: input.name, input.dataType, shape: shape)
    }

    private func advance(
        _ instances: [Instance],
        _ sequence: SequenceParameters,
        _ horizon: Int?,
        _ call: Call,
        _ model: Model,
        _ context: RequestContext
    ) async throws -> SequencePredictor.Advanced {
        try Self.checkGoesOn(model, instances: instances.count, horizon: horizon)
        let begun = sequence.starts ? nil : sequence.id.map { modelOfSequence($0, call, model) }
        return try await advance(
            instances[0],
            sequence,
            of: call.owner,
            with: begun ?? model,
            call.admission,
            context
        )
    }

    /// Leases the bytes that the tensors of the answer may have.
    private func leaseTensors(
        _ wanted: [ModelTensors.Wanted],
        of instances: [Instance],
        _ model: Model,
        horizon: Int?
    ) throws(ServingError) -> MemoryLease {
        let horizon = horizon ?? 1
        try checkForecast(of: horizon, for: instances.count)
        let steps = horizon * (instances.map(\.steps).max() ?? 1)
        let bytes = wanted.reduce(0) { sum, wanted in
            sum + instances.count * wanted.bytes(steps: steps, horizon: horizon, labels: model.labels)
        }
        return try leaseAnswer(of: bytes, to: "items")
    }
}

extension ModelTensors.Wanted {
    /// What an item of the output may take, at most or nearly so: a number of JSON has about 16 digits.
    fileprivate func bytes(steps: Int, horizon: Int, labels: [String]?) -> Int {
        let longest = labels?.reduce(0) { max($0, $1.utf8.count) } ?? 0
        let hasSteps = output.dimensions.first == -1
        let rows = hasSteps ? steps : horizon
        if output.kind == .port || output.kind == .embedding {
            return output.dimensions.reduce(1, *) * (isBinary ? 8 : 24)
        }
        if [.boxes, .scores, .labels].contains(output.kind) { return 100 * (isBinary ? 16 : 96) }
        let width = max(1, output.dimensions.last ?? 1)
        if let classes { return rows * min(classes, width) * (longest + 40) }
        let text = output.dataType == .bytes ? steps * 32 : 0
        return rows * width * (isBinary ? 8 : 24) + text
    }
}

extension RequestContext {
    /// The same request with less time, where it asks for less.
    fileprivate func until(
        _ deadline: ContinuousClock.Instant?,
        orAfter timeout: Duration?,
        _ received: ContinuousClock.Instant
    ) -> RequestContext {
        guard let timeout else { return self }
        let asked = received + timeout
        return until(deadline.map { min($0, asked) } ?? asked)
    }
}
