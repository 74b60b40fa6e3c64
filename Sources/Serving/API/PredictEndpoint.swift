internal import HTTP
internal import HTTPTypes
package import Support

extension API {
    /// `POST /v1/models/{model}:predict`: instances in, a prediction for each out, in order.
    ///
    /// The shape is TensorFlow Serving's and KServe V1's: `{"instances": […], "parameters": {…}}`. A `text/plain`
    /// body is one text instance.
    func predict(_ call: Call) throws(ServingError) -> Response {
        let model = try registry.model(named: call.model, version: call.version)
        let query = try RequestParameters(call.request.query.pairs, known: ["timeout_ms", "top_k"])
        var body = try PredictRequest(call.request)
        body.topK = try query.positiveInteger("top_k") ?? body.topK
        let deadline = try deadline(of: call.request, query)
        let cancellation = call.request.cancellation
        if let sequence = body.sequence {
            return try predictSequence(
                body,
                sequence,
                with: model,
                deadline: deadline,
                cancellation: cancellation
            )
        }
        let predictions: [JSONValue]
        switch model.input {
        case .image:
            let options = ImageClassifier.Options(deadline: deadline, cancellation: cancellation)
            predictions = try predict(images: body, model, options)
        case .sequence, .frames:
            // A translation holds its worker as long as a text that is generated.
            let permit = model.decoder == nil ? nil : try generations.permit()
            defer { withExtendedLifetime(permit) {} }
            let answers = try predictor.predict(
                body.instances,
                with: model,
                horizon: body.horizon,
                translation: body.translation,
                count: body.topK ?? 1,
                deadline: deadline,
                cancellation: cancellation
            )
            predictions = answers.map { body.json($0, labels: model.labels) }
        }
        return Response(json: ["predictions": .array(predictions)])
    }

    private func predict(
        images body: PredictRequest,
        _ model: Model,
        _ options: ImageClassifier.Options
    ) throws(ServingError) -> [JSONValue] {
        var images: [Result<ArraySlice<UInt8>, ServingError>] = []
        for (index, instance) in body.instances.enumerated() {
            images.append(.success(try ImageUpload.instance(instance, at: "instance \(index)")))
        }
        var predictions: [JSONValue] = []
        for (index, result) in try classifier.classify(images: images, with: model, options).enumerated() {
            do {
                predictions.append(.object(body.json(try result.get().scores, labels: model.labels)))
            } catch {
                throw error.at("instance \(index)")
            }
        }
        return predictions
    }
}

/// The body of `:predict`.
package struct PredictRequest {
    /// The most instances that one request may carry.
    static let maxInstances = 1024

    package let instances: [JSONValue]
    /// How many classes, or translations of a beam, to list beside the best.
    ///
    /// nil lists none, or all classes when `scores` is set.
    package var topK: Int?
    /// Whether to list the probabilities of the classes.
    package var listsScores = false
    /// How many steps ahead a regression looks; nil for one, and no list of them.
    package var horizon: Int?
    /// How a model of sequences to sequences decodes; nil for its defaults.
    package var translation: Translator.Options?
    /// How it goes on from an earlier request; nil when each instance is a whole sequence.
    var sequence: SequenceParameters?

    package init(instances: [JSONValue]) {
        self.instances = instances
    }

    init(_ request: Request) throws(ServingError) {
        try ImageUpload.checkEncoding(request)
        switch ImageUpload.mediaType(request.fields[.contentType] ?? "") {
        case "text/plain":
            guard let text = String(validating: request.body, as: UTF8.self) else {
                throw .badRequest("the body is not valid UTF-8", code: "invalid_utf8")
            }
            // What `echo` and most editors add at the end is not part of the text.
            self.init(instances: [.string(text.last?.isNewline == true ? String(text.dropLast()) : text)])
        case "application/json", "application/x-www-form-urlencoded", "":
            try self.init(json: request.body)
        case let type:
            throw .unsupported(
                "Content-Type '\(type)' is not supported; send application/json or text/plain"
            )
        }
    }

    private init(json body: [UInt8]) throws(ServingError) {
        let object = try JSONObject(body: body, known: ["instances", "parameters", "signature_name"])
        guard case .array(let instances)? = object["instances"] else {
            let found = object["instances"]?.kind ?? "nothing"
            throw .badRequest("instances: expected an array, found \(found)", code: "invalid_json")
        }
        guard (1...Self.maxInstances).contains(instances.count) else {
            throw .badRequest(
                "instances: expected 1 to \(Self.maxInstances), found \(instances.count)",
                code: "invalid_json"
            )
        }
        self.init(instances: instances)
        switch object["parameters"] {
        case nil, .null: break
        case .object(let parameters): try read(parameters)
        case let other?:
            throw .badRequest("parameters: expected an object, found \(other.kind)", code: "invalid_json")
        }
    }

    private mutating func read(_ parameters: JSONObject) throws(ServingError) {
        sequence = try SequenceParameters(parameters)
        translation = try Translator.Options(parameters)
        let others = SequenceParameters.keys + Translator.Options.keys
        let known = ["top_k", "scores", "horizon"] + others
        for member in parameters.members where !others.contains(member.key) {
            switch (member.key, member.value) {
            case ("top_k", .number(let value)): topK = try Self.count("top_k", value)
            case ("horizon", .number(let value)): horizon = try Self.count("horizon", value)
            case ("scores", .bool(let value)): listsScores = value
            case ("top_k", let other), ("scores", let other), ("horizon", let other):
                let expected = member.key == "scores" ? "true or false" : "a whole number of at least 1"
                throw .invalidParameter("parameters.\(member.key)", expected: expected, found: other.kind)
            case (let name, _):
                throw .badRequest(
                    "unknown parameter '\(name)'\(didYouMean(name, known))",
                    code: "unknown_parameter"
                )
            }
        }
    }
}

extension PredictRequest {
    private static func count(_ name: String, _ value: Double) throws(ServingError) -> Int {
        if let count = Int(exactly: value), count >= 1 { return count }
        throw .invalidParameter(name, expected: "a whole number of at least 1", found: "\(value)")
    }

    /// The prediction for a sequence: of a class, of one for each step, the values of a regression, a likelihood, a
    /// translation.
    package func json(_ answer: SequencePredictor.Answer, labels: [String]?) -> JSONValue {
        var json: JSONObject
        switch answer.outcome {
        case .classes(let scores): json = self.json(scores, labels: labels)
        case .tags(let tags): return self.json(tags, labels: labels)
        case .values(let steps): json = self.json(steps)
        case .likelihood(let likelihood): json = self.json(likelihood)
        case .translations(let translations):
            json = translations[0].json
            if topK != nil { json.append("beams", .array(translations.map { .object($0.json) })) }
        }
        if answer.unknownTokens > 0 { json.append("unknown_tokens", .integer(answer.unknownTokens)) }
        return .object(json)
    }

    /// `{"token", "label", "index", "probability"}` of each step, of a clip with `frame` in place of `token`;
    /// `"unknown": true` where the vocabulary lacks the token.
    private func json(_ tags: TokenTags, labels: [String]?) -> JSONValue {
        .array(
            tags.tags.map { tag in
                var json = JSONObject()
                json.append("token", tag.token)
                json.append("frame", tag.frame.map(JSONValue.integer))
                json.append(contentsOf: self.json(tag.scores, labels: labels))
                if tag.isUnknown { json.append("unknown", .bool(true)) }
                return .object(json)
            }
        )
    }

    /// `{"value"}`, and `forecast` of all steps when a horizon was asked for.
    private func json(_ steps: [[Float]]) -> JSONObject {
        let lists = steps.map { values in JSONValue.array(values.map(JSONValue.float)) }
        var json: JSONObject = ["value": lists[0]]
        if horizon != nil { json.append("forecast", .array(lists)) }
        return json
    }

    /// `{"log_likelihood", "tokens"}` of the tokens after the first, and of each of them when scores are asked for.
    private func json(_ likelihood: TextLikelihood) -> JSONObject {
        var json: JSONObject = [
            "log_likelihood": .number(likelihood.total),
            "tokens": .integer(likelihood.logLikelihoods.count),
        ]
        if listsScores {
            json.append("scores", .array(likelihood.logLikelihoods.map { .float(Float($0)) }))
        }
        return json
    }

    /// `{"label", "index", "probability"}` of the best class, and `scores` of others when they are asked for.
    func json(_ scores: ClassScores, labels: [String]?) -> JSONObject {
        let listed = scores.top(topK ?? (listsScores ? scores.logits.count : 1), labels: labels)
        var json = JSONObject()
        json.append("label", listed[0].label.map(JSONValue.string))
        json.append("index", .integer(listed[0].index))
        json.append("probability", .float(Float(listed[0].probability)))
        if listsScores || topK != nil { json.append("scores", .array(listed.map { .object($0.json) })) }
        return json
    }
}

extension Translator.Translation {
    /// `{"text"?, "tokens", "score", "stop"}`.
    fileprivate var json: JSONObject {
        var json = JSONObject()
        json.append("text", text.map(JSONValue.string))
        json.append("tokens", .array(tokens))
        json.append("score", .number(score))
        json.append("stop", .string(stop.rawValue))
        return json
    }
}

extension JSONObject {
    /// Parses a request's body, an object with members of known names.
    init(body: [UInt8], known: [String]) throws(ServingError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body)
        } catch {
            throw .badRequest("the body is \(error.description)", code: "invalid_json")
        }
        guard case .object(let object) = value else {
            throw .badRequest("the body: expected a JSON object, found \(value.kind)", code: "invalid_json")
        }
        for member in object.members where !known.contains(member.key) {
            throw .badRequest(
                "unknown key '\(member.key)'\(didYouMean(member.key, known))",
                code: "unknown_key"
            )
        }
        self = object
    }
}
