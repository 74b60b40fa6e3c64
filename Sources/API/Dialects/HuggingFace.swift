internal import HTTP
internal import HTTPTypes
internal import Inference
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// Hugging Face's inference API, as `huggingface_hub.InferenceClient(model=url)` and the hub's widgets speak it.
///
/// What a model answers is its task's: one address serves one model.
/// - Source: huggingface.js, `packages/tasks/src/tasks/*/spec`; huggingface_hub, `inference/_client.py`.
extension Service {
    static func addHuggingFace(to routes: inout RouteTable) {
        routes.section = "Hugging Face"
        let description = RouteDescription(
            "What a model says of an image or a text",
            takes: [.json(.huggingFaceRequest)] + RouteDescription.Content.image + [.text],
            answers: .init(
                content: [.json(.any), .events]
            )
        )
        var named = Endpoint(name: "hf", action: .work { try await $0.answerAsHuggingFace($1, $2) })
        (named.isAdmitted, named.errors) = (true, .huggingFace)
        routes.on(.post, "/hf/{model}", named, description)
        var alone = Endpoint(
            name: "hf",
            action: .work { try await $0.answerAsHuggingFace($0.admitted($0.onlyModel($1)), $2) }
        )
        alone.errors = .huggingFace
        routes.on(.post, "/", alone, description)
    }

    /// The call for the one model that there is.
    private func onlyModel(_ call: Call) throws(ServingError) -> Call {
        let models = registry.models().map(\.name).filter(call.opens)
        guard models.count == 1 else {
            let message = "\(models.count) models are served; post to /hf/ and the name of one"
            throw .badRequest(message, code: "model_not_named")
        }
        return redirected(call, to: models[0])
    }

    private func answerAsHuggingFace(_ call: Call, _ responder: Responder) async throws -> Response? {
        var call = call
        let (model, inputs) = try await begin(&call)
        defer { withExtendedLifetime(inputs) {} }
        let context = context(of: call)
        let request = try HuggingFaceRequest(call.request, for: model, context)
        switch model.manifest.task {
        case .textGeneration:
            call.admission?.release() // each token asks for its own place
            return try await generateAsHuggingFace(request, model, call, responder, context)
        case .imageClassification, .sequenceClassification:
            return try await classifyAsHuggingFace(request, model, call, context)
        case .tokenClassification:
            let options = try HuggingFaceTags.Options(request.parameters)
            let outcomes = try await outcomes(of: request.instances, with: model, call, context)
            let answers = zip(request.instances, outcomes).map { instance, outcome in
                guard case .tags(let tags) = outcome else { return JSONValue.null }
                return HuggingFaceTags(tags, of: instance, labels: model.labels).json(options)
            }
            return Response(json: request.isList ? .array(answers) : answers[0])
        case .sequenceToSequence:
            _ = try request.parameters(known: [])
            let outcomes = try await outcomes(of: request.instances, with: model, call, context)
            return Response(json: .array(outcomes.map(Self.translation)))
        case .objectDetection, .semanticSegmentation, .imageCaptioning, .embedding:
            return try await lookAsHuggingFace(request, model, call, context)
        case .sequenceRegression, .tensors: throw Self.hasNoForm(model, in: "Hugging Face's API")
        }
    }

    /// Objects as `[{"label", "score", "box"}]`, classes of pixels as `[{"label", "score", "mask"}]`, a caption as
    /// `[{"generated_text"}]`, features as numbers.
    private func lookAsHuggingFace(
        _ request: HuggingFaceRequest,
        _ model: Model,
        _ call: Call,
        _ context: RequestContext
    ) async throws -> Response {
        var options = ImageOptions()
        let known =
            switch model.manifest.task {
            case .objectDetection: ["threshold"]
            case .imageCaptioning: ["max_new_tokens"]
            default: [String]()
            }
        let parameters = try request.parameters(known: known)
        do throws(FormatError) {
            let fields = JSONFields(path: "parameters", object: parameters)
            options.captions.writing.maxTokens =
                try fields.optional("max_new_tokens")?.integer(in: 1...1 << 16)
            options.detection.threshold = try fields.optional("threshold").map { reader throws(FormatError) in
                let number = try reader.number()
                guard 0...1 ~= number else { throw reader.fault("expected a number from 0 to 1") }
                return number
            }
        } catch {
            throw ServingError.badRequest(error.description, code: "invalid_parameter")
        }
        let outcomes = try await outcomes(
            ofImages: request.instances,
            with: model,
            call.admission,
            context,
            options
        ) {
            request.isList ? "inputs[\($0)]" : nil
        }
        let answers = try outcomes.map { outcome in try Self.seen(outcome, model) }
        return Response(json: request.isList ? .array(answers) : answers[0])
    }

    private static func seen(
        _ outcome: SequencePredictor.Outcome,
        _ model: Model
    ) throws(ServingError) -> JSONValue {
        switch outcome {
        case .detections(let detections):
            return .array(detections.map(\.huggingFaceJSON))
        case .map(let map):
            let answer = try SegmentationAnswer(model)
            return .array(
                try map.counts.map { index, _ throws(ServingError) in
                    let mask = try answer.mask(of: index, in: map)
                    return .object([
                        "label": .string(model.labels?[index] ?? String(index)), "score": .number(1),
                        "mask": .string(Base64.encode(mask)),
                    ])
                }
            )
        case .translations(let captions):
            return .array([.object(["generated_text": .string(written(captions[0]))])])
        case .vector(let features): return .array(features.values.map(JSONValue.float))
        default: throw hasNoForm(model, in: "Hugging Face's API")
        }
    }

    /// `[{"label", "score"}, …]`; of texts a list of such lists, as the hub answers.
    private func classifyAsHuggingFace(
        _ request: HuggingFaceRequest,
        _ model: Model,
        _ call: Call,
        _ context: RequestContext
    ) async throws -> Response {
        let isImage = model.manifest.task == .imageClassification
        let count: Int?
        let function: ScoreFunction?
        let parameters = try request.parameters(known: ["top_k", "function_to_apply"])
        do throws(FormatError) {
            let fields = JSONFields(path: "parameters", object: parameters)
            count = try fields.optional("top_k")?.integer(in: 1...1 << 24)
            function = try fields.optional("function_to_apply")?.choice()
        } catch {
            throw ServingError.badRequest(error.description, code: "invalid_parameter")
        }
        let answers = try await outcomes(of: request.instances, with: model, call, context).map { outcome in
            guard case .classes(let scores) = outcome else {
                throw Self.hasNoForm(model, in: "Hugging Face's API")
            }
            let listed = count ?? (isImage ? 5 : scores.logits.count)
            return JSONValue.array(scores.listed(listed, by: function, labels: model.labels))
        }
        return Response(json: isImage && !request.isList ? answers[0] : .array(answers))
    }

    private static func translation(_ outcome: SequencePredictor.Outcome) -> JSONValue {
        guard case .translations(let translations) = outcome else { return .null }
        return .object(["translation_text": .string(written(translations[0]))])
    }

    private static func written(_ best: Translator.Translation) -> String {
        let tokens = best.tokens.map { if case .text(let text) = $0 { text } else { "\($0)" } }
        return best.text ?? tokens.joined(separator: " ")
    }
}

/// What makes scores of a network's outputs, where a client chooses.
private enum ScoreFunction: String, CaseIterable {
    case softmax, sigmoid, none
}

extension ClassScores {
    /// The classes with the highest scores, which are the probabilities where no function is chosen.
    fileprivate func listed(_ count: Int, by function: ScoreFunction?, labels: [String]?) -> [JSONValue] {
        // Every function rises with the logit, so that the order is theirs.
        top(count, labels: labels).map { entry in
            let score: JSONValue =
                switch function {
                case nil: entry.score
                case .softmax: .float(Float(softmaxOfLogits[entry.index]))
                case .sigmoid: .float(Float(1 / (1 + Exponential.of(-entry.logit))))
                case .some(.none): .float(Float(entry.logit))
                }
            return .object(["label": .string(entry.name), "score": score])
        }
    }
}

extension Detection {
    /// `{"label", "score", "box": {"xmin", "ymin", "xmax", "ymax"}}`, in whole pixels.
    fileprivate var huggingFaceJSON: JSONValue {
        var corners = JSONObject()
        for (name, side) in zip(["xmin", "ymin", "xmax", "ymax"], box.sides) {
            corners.append(name, .integer(Int(side.rounded())))
        }
        return .object(["label": .string(name), "score": .float(score), "box": .object(corners)])
    }
}

extension Schema {
    fileprivate static let huggingFaceRequest = Schema.named(
        "HuggingFaceRequest",
        .closed([
            "inputs": .anyOf([.string(), .array(of: .any)]), "parameters?": .map(of: .any).orNull,
            "options?": .map(of: .any), "stream?": .boolean.orNull,
        ])
    )

    static let huggingFaceError = Schema.named(
        "HuggingFaceError",
        .object(["error": .string(), "error_type": .string(), "code": .string()])
    )
}

extension ServingError {
    /// `{"error", "error_type", "code"}`: the type is what `text_generation` of the hub's client raises by.
    var huggingFaceJSON: JSONObject {
        let type =
            switch status.kind {
            case .clientError: status == .tooManyRequests ? "overloaded" : "validation"
            default: status == .serviceUnavailable ? "overloaded" : "generation"
            }
        return ["error": .string(message), "error_type": .string(type), "code": .string(code)]
    }
}
