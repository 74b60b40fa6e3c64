internal import Engine
internal import HTTP
internal import HTTPTypes
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
        let wanted = try ModelTensors(model).wanted(request)
        let tensors = try TensorInstances(request, call.request.body, for: model, budget)
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
            outcomes = try await self.outcomes(of: tensors.instances, horizon, call, model, context)
        }
        let computed = ContinuousClock.now
        for wanted in wanted {
            var tensor = OutputTensor(wanted.output.kind, of: outcomes)
            if let count = wanted.classes { tensor = tensor.classes(count, labels: model.labels) }
            answer.outputs.append((wanted.output.kind.rawValue, tensor, wanted.isBinary))
        }
        let response = answer.response
        call.record.update { $0.render += .now - computed }
        return response
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
        let input = ModelTensors(model).input
        guard !body.isEmpty else { throw .badRequest("the body is empty", code: "empty_body") }
        guard let type = input.dataType.elementType else {
            return InferRequest(raw: body, name: input.name, .bytes, shape: [1, 1])
        }
        let fixed = input.dimensions.filter { $0 > 0 }.reduce(type.size, *)
        let isFixed = !input.dimensions.contains(-1)
        if isFixed, body.count != fixed {
            return InferRequest(raw: body, name: input.name, .bytes, shape: [1])
        }
        guard body.count % fixed == 0 else {
            let expected = "expected a multiple of \(fixed) bytes"
            throw InferRequest.fault(
                "unexpected size for input '\(input.name)': \(expected), found \(body.count)"
            )
        }
        let shape = [1] + input.dimensions.map { $0 == -1 ? body.count / fixed : $0 }
        return InferRequest(raw: body, name: input.name, input.dataType, shape: shape)
    }

    /// What the model says of each instance.
    private func outcomes(
        of instances: [Instance],
        _ horizon: Int?,
        _ call: Call,
        _ model: Model,
        _ context: RequestContext
    ) async throws -> [SequencePredictor.Outcome] {
        guard case .image = model.input else {
            // A translation works as long as a text that is generated.
            let permit = model.pipeline.decoder == nil ? nil : try generations.permit()
            defer { withExtendedLifetime(permit) {} }
            var options = SequencePredictor.Options()
            options.horizon = horizon
            return try await predictor.predict(
                instances,
                with: model,
                options,
                admission: call.admission,
                context
            ).map(\.outcome)
        }
        guard horizon == nil else {
            throw InferRequest.fault("parameters.horizon: model '\(model.name)' takes images")
        }
        let tensors = instances.compactMap { if case .tensor(let tensor) = $0 { tensor } else { nil } }
        if !tensors.isEmpty {
            return try await classifier.classify(
                tensors: tensors,
                with: model,
                admission: call.admission,
                context
            ).map(SequencePredictor.Outcome.classes)
        }
        let images = instances.compactMap { if case .image(let bytes) = $0 { bytes } else { nil } }
        let answers = try await classifier.classify(
            images: images.map(Result.success),
            with: model,
            admission: call.admission,
            context
        )
        return try answers.enumerated().map { index, answer throws(ServingError) in
            do throws(ServingError) {
                return .classes(try answer.get().scores)
            } catch {
                throw images.count == 1 ? error : error.at("image \(index)")
            }
        }
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
        return try await advance(instances[0], sequence, of: call.owner, with: begun ?? model, context)
    }

    /// Leases the bytes that the answer may have, or refuses the request before any of it is computed.
    private func leaseTensors(
        _ wanted: [ModelTensors.Wanted],
        of instances: [Instance],
        _ model: Model,
        horizon: Int?
    ) throws(ServingError) -> MemoryLease {
        let horizon = horizon ?? 1
        guard horizon == 1 || horizon * instances.count <= limits.maxForecastSteps else {
            let found = "\(horizon) steps for each of \(instances.count) instances"
            throw .tooLarge(
                code: "request_too_costly",
                "parameters.horizon: expected at most \(limits.maxForecastSteps) steps together, found \(found)"
            )
        }
        let steps = horizon * (instances.map(\.steps).max() ?? 1)
        let bytes = wanted.reduce(0) { sum, wanted in
            sum + instances.count * wanted.bytes(steps: steps, horizon: horizon, labels: model.labels)
        }
        guard bytes <= limits.maxAnswerBytes else {
            let limit = "more than the \(limits.maxAnswerBytes) of max_answer_bytes"
            throw .tooLarge(
                code: "answer_too_large",
                "the answer would have about \(bytes) bytes, \(limit); send fewer items or ask for less"
            )
        }
        return try budget.require(bytes, for: .answers)
    }
}

extension ModelTensors.Wanted {
    /// What an item of the output may take, at most or nearly so: a number of JSON has about 16 digits.
    fileprivate func bytes(steps: Int, horizon: Int, labels: [String]?) -> Int {
        let longest = labels?.reduce(0) { max($0, $1.utf8.count) } ?? 0
        let hasSteps = output.dimensions.first == -1
        let rows = hasSteps ? steps : horizon
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
