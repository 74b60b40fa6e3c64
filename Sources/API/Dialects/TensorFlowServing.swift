internal import HTTP
internal import HTTPTypes
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// What TensorFlow Serving's REST API has beyond Martlet's own, which has its shape: `:classify` with examples, `:regress`,
/// metadata, and versions by their labels. KServe's V1 is the same without these.
///
/// Columns (`inputs`) and `signature_name` are read by `PredictRequest`.
/// - Source: tensorflow/serving, `g3doc/api_rest.md` and `util/json_tensor.cc`.
extension Service {
    static func addTensorFlowServing(to routes: inout RouteTable) {
        routes.section = "TensorFlow Serving"
        let metadata = RouteDescription("What the model takes and answers", answers: .json(.servingMetadata))
        let regress = RouteDescription(
            "A number for each example",
            query: [.timeout],
            takes: [.json(.examples)],
            answers: .json(.object(["results": .array(of: .number())]))
        )
        for model in ["/v1/models/{model}", "/v1/models/{model}/versions/{version}"] {
            routes.on(.get, model + "/metadata", .control("metadata") { try $0.metadata($1) }, metadata)
            routes.on(.post, model + ":regress", .inference("regress") { try await $0.regress($1) }, regress)
        }
        let labelled = "/v1/models/{model}/labels/{label}"
        routes.on(
            .get,
            labelled,
            .control("model") { try $0.describeModel($0.labelled($1)) },
            RouteDescription("One version of a model", answers: .json(.model))
        )
        routes.on(
            .get,
            labelled + "/metadata",
            .control("metadata") { try $0.metadata($0.labelled($1)) },
            metadata
        )
        routes.on(
            .post,
            labelled + ":predict",
            .work("predict") { try await $0.predict($0.admitted($0.labelled($1))) },
            predictDescription
        )
        routes.on(
            .post,
            labelled + ":classify",
            .work("classify") { try await $0.classify($0.admitted($0.labelled($1))) },
            classifyDescription
        )
        routes.on(
            .post,
            labelled + ":regress",
            .work("regress") { try await $0.regress($0.admitted($0.labelled($1))) },
            regress
        )
    }

    /// `GET …/metadata`: the signatures of a model, as TensorFlow's tools print them.
    private func metadata(_ call: Call) throws -> Response {
        let model = try registry.model(named: call.model, version: call.version)
        return Response(json: ServingSignature.metadata(of: model))
    }

    /// `:classify` of examples: the classes of each with their probabilities, the likeliest first.
    func classifyExamples(_ call: Call) async throws -> Response {
        var call = call
        let (model, inputs) = try await begin(&call)
        defer { withExtendedLifetime(inputs) {} }
        let query = try RequestParameters(call.request.query.pairs, known: ["timeout_ms"])
        let context = try context(of: call, query)
        let examples = try ServingExamples(call.request, for: model, context)
        let results = try await outcomes(of: examples.instances, with: model, call, context).map { outcome in
            guard case .classes(let scores) = outcome else {
                throw Self.hasNoForm(model, in: "TensorFlow Serving's ':classify'")
            }
            let classes = scores.top(scores.logits.count, labels: model.labels)
            return JSONValue.array(classes.map { .array([.string($0.name), $0.score]) })
        }
        return Response(json: ["results": .array(results)])
    }

    /// `:regress`: a number for each example.
    private func regress(_ call: Call) async throws -> Response {
        var call = call
        let (model, inputs) = try await begin(&call)
        defer { withExtendedLifetime(inputs) {} }
        let query = try RequestParameters(call.request.query.pairs, known: ["timeout_ms"])
        let context = try context(of: call, query)
        let examples = try ServingExamples(call.request, for: model, context)
        guard model.manifest.task == .sequenceRegression, model.classes == 1 else {
            throw Self.hasNoForm(model, in: "TensorFlow Serving's ':regress'")
        }
        let results = try await outcomes(of: examples.instances, with: model, call, context).map { outcome in
            guard case .values(let steps) = outcome else { throw ServingError.internalError("no values") }
            return JSONValue.float(steps[0][0])
        }
        return Response(json: ["results": .array(results)])
    }

    /// The call for the version that its label names.
    private func labelled(_ call: Call) throws(ServingError) -> Call {
        let label = call.captured["label"] ?? ""
        let entry = try registry.entry(named: call.model)
        guard let version = entry.labelled(label) else {
            let known = entry.labels.joined(separator: ", ")
            let message = "model '\(call.model)' has no version with the label '\(label)'; it has \(known)"
            throw .missing(code: "label_not_found", message)
        }
        return redirected(call, to: call.model, version: version.version)
    }

    /// The call, let in at the engine.
    func admitted(_ call: Call) throws(ServingError) -> Call {
        var call = call
        try admit(&call)
        return call
    }

    /// The predictions as columns: a list for each name, or the list alone where there is one name.
    func columns(_ rows: [JSONValue]) -> Response {
        var names: [String] = []
        for row in rows.flatMap(\.rows) {
            guard case .object(let object) = row else { continue }
            for member in object.members where !names.contains(member.key) { names.append(member.key) }
        }
        let columns = names.map { name in JSONValue.array(rows.map { $0.column(name) }) }
        guard names.count != 1 else { return Response(json: ["outputs": columns[0]]) }
        var outputs = JSONObject()
        for (name, column) in zip(names, columns) { outputs.append(name, column) }
        return Response(json: ["outputs": .object(outputs)])
    }
}

extension JSONValue {
    /// The predictions of an instance: its own, or those of its steps.
    fileprivate var rows: [JSONValue] { if case .array(let steps) = self { steps } else { [self] } }

    /// What stands under a name, at each step where there are steps.
    fileprivate func column(_ name: String) -> JSONValue {
        guard case .array(let steps) = self else { return self[name] ?? .null }
        return .array(steps.map { $0[name] ?? .null })
    }
}

/// The body of `:classify` and `:regress` in TensorFlow Serving's form: `{"examples": [{"<feature>": value}, …]}`.
struct ServingExamples {
    private static let keys = ["signature_name", "context", "examples"]

    let instances: [Instance]

    /// Whether a body is of this form rather than Martlet's own: whether its examples come first, or behind what may stand
    /// before them.
    static func areIn(_ body: [UInt8]) -> Bool {
        guard body.first(where: { !$0.isBlank && $0 != 0x0A && $0 != 0x0D }) == UInt8(ascii: "{") else {
            return false
        }
        var reader = JSONPullReader(body)
        var found = false
        // What cannot be read is refused by whoever reads all of it.
        try? reader.object { reader, name in
            found = name == "examples"
            guard !found, keys.contains(name) else { throw ServingError.cancelled }
            try reader.skip()
        }
        return found
    }

    /// - Throws: `ServingError` that names what is wrong.
    init(_ request: Request, for model: Model, _ context: RequestContext) throws {
        let form = InstanceReader(model.input)
        var list: PredictRequest.Instances?
        var (signature, shared, found) = (JSONValue.null, JSONValue.null, "nothing")
        try RequestBody.read(request, context, known: Self.keys) { reader, name in
            switch name {
            case "examples":
                found = try reader.kind().name
                guard try reader.kind() == .array else { return try reader.skip() }
                list = try PredictRequest.Instances(&reader, form)
            case "context": shared = try reader.value()
            default: signature = try reader.value()
            }
        }
        try ServingSignature.check(signature, of: model)
        guard [.null, .object([:])].contains(shared) else {
            let message =
                "context: the model has one input, '\(form.inputName)', which each example gives itself"
            throw ServingError.badRequest(message, code: "invalid_parameter")
        }
        guard let list, 1...PredictRequest.maxInstances ~= list.count else {
            let expected = "an array of 1 to \(PredictRequest.maxInstances) examples"
            let count = list.map { "\($0.count)" } ?? found
            throw ServingError.badRequest(
                "examples: expected \(expected), found \(count)",
                code: "invalid_json"
            )
        }
        if let fault = list.fault { throw fault.at("example \(list.instances.count)") }
        instances = list.instances
    }
}
