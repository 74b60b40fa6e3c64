internal import Engine
package import Models
package import Support
package import Tasks

/// How predictions of sequences are written; the endpoints and the command line share it.
package struct PredictionForm: Sendable, Equatable {
    /// How many classes, or translations of a beam, to list beside the best.
    ///
    /// nil lists none, or all classes when `listsScores` is set.
    package var topK: Int?
    /// Whether to list the probabilities of the classes.
    package var listsScores = false
    /// Whether to list the steps of a forecast.
    package var listsForecast = false
    /// Whether translations tell what they looked at.
    package var listsAttention = false

    package init() {}

    /// The prediction for a sequence: of a class, of one for each step, the values of a regression, a likelihood, a
    /// translation.
    package func json(_ answer: SequencePredictor.Answer, labels: [String]?) -> JSONValue {
        var json: JSONObject
        switch answer.outcome {
        case .classes(let scores): json = self.json(scores, labels: labels)
        case .tags(let tags): return .array(tags.tags.map { .object(self.json($0, labels: labels)) })
        case .values(let steps): json = self.json(steps)
        case .likelihood(let likelihood): json = self.json(likelihood)
        case .translations(let translations):
            json = self.json(translations)
            json.append("source", answer.source.map { .array($0.map(\.json)) })
        case .detections, .map, .vector, .tensors: preconditionFailure("no answer of a sequence")
        }
        if answer.unknownTokens > 0 { json.append("unknown_tokens", .integer(answer.unknownTokens)) }
        return .object(json)
    }

    /// The best sequence that a model has written, and `beams` when several are asked for.
    private func json(_ written: [Translator.Translation]) -> JSONObject {
        var json = written[0].json
        if topK != nil { json.append("beams", .array(written.map { .object($0.json) })) }
        return json
    }

    /// The prediction for an image: of a class, objects, a class for each pixel, a caption, a vector.
    ///
    /// - Throws: `ServingError` for a model of another task.
    func json(_ outcome: SequencePredictor.Outcome, of model: Model) throws(ServingError) -> JSONValue {
        switch outcome {
        case .classes(let scores): .object(json(scores, labels: model.labels))
        case .detections(let detections):
            .object(["detections": .array(detections.map { .object($0.json) })])
        case .map(let map): .object(try SegmentationAnswer(model).json(map))
        case .vector(let features): .object(["embedding": .array(features.values.map(JSONValue.float))])
        case .translations(let captions): .object(json(captions))
        case .tags, .values, .likelihood, .tensors: throw .internalError("no answer of an image")
        }
    }

    /// Writes the prediction for a sequence; of one with many steps no more than one lies in memory as a tree.
    func write(_ answer: SequencePredictor.Answer, labels: [String]?, to output: inout [UInt8]) {
        guard case .tags(let tags) = answer.outcome else {
            return json(answer, labels: labels).write(to: &output)
        }
        output.append(UInt8(ascii: "["))
        for (index, tag) in tags.tags.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONValue.object(json(tag, labels: labels)).write(to: &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    /// How many bytes the prediction for an instance of a model may have, at most or nearly so.
    func estimatedBytes(_ instance: Instance, of model: Model, horizon: Int) -> Int {
        let listsAll = listsScores || model.scoring.threshold != nil
        let listed = min(topK ?? (listsAll ? model.classes : 0), model.classes)
        let labelBytes = 48 + (model.labels?.reduce(0) { max($0, $1.utf8.count) } ?? 0)
        let scores = labelBytes + listed * (labelBytes + 40)
        switch model.manifest.task {
        case .tokenClassification: return instance.steps * (scores + 40)
        case .textGeneration: return listsScores ? instance.steps * 24 : 128
        case .sequenceRegression: return (1 + horizon) * model.classes * 16
        case .sequenceToSequence:
            guard case .sequence(let encoder) = model.input else { return 0 }
            // What frames a text, and a number for each of its steps.
            let attention = listsAttention ? 12 * (min(instance.steps, encoder.maxLength) + 2) : 0
            return (1 + (topK ?? 0)) * (model.target?.maxLength ?? 0) * (32 + attention)
        case .imageCaptioning: return (1 + (topK ?? 0)) * (model.target?.maxLength ?? 0) * 32
        case .imageClassification, .sequenceClassification: return scores
        case .objectDetection: return (topK ?? 100) * (labelBytes + 100)
        case .semanticSegmentation: return 4096 // what it takes is known when it is there
        case .embedding:
            // That there is none is said when it is asked.
            guard let layer = try? FeatureExtraction.Layer(nil, of: model) else { return 0 }
            return layer.shape.elementCount * 16
        case .tensors:
            guard case .tensors(let ports) = model.head else { return 0 }
            return ports.outputs.reduce(0) { $0 + $1.count } * 24
        }
    }

    /// `{"token", "label", "index", "probability"}` of a step, of a clip with `frame` in place of `token`;
    /// `"unknown": true` where the vocabulary lacks the token.
    private func json(_ tag: TokenTags.Tag, labels: [String]?) -> JSONObject {
        var json = JSONObject()
        json.append("token", tag.token?.json)
        json.append("frame", tag.frame.map(JSONValue.integer))
        json.append(contentsOf: self.json(tag.scores, labels: labels))
        if tag.isUnknown { json.append("unknown", .bool(true)) }
        return json
    }

    /// `{"value"}`, and `forecast` of all steps when a horizon was asked for.
    private func json(_ steps: [[Float]]) -> JSONObject {
        let lists = steps.map { values in JSONValue.array(values.map(JSONValue.float)) }
        var json: JSONObject = ["value": lists[0]]
        if listsForecast { json.append("forecast", .array(lists)) }
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

    /// `{"label", "index", "probability"}` of the best class, and `scores` of others when they are asked for, and when the
    /// model has a threshold.
    func json(_ scores: ClassScores, labels: [String]?) -> JSONObject {
        let lists = listsScores || topK != nil || scores.scoring.threshold != nil
        let count = topK ?? (listsScores ? scores.logits.count : nil)
        let listed = lists ? scores.listed(count, labels: labels) : []
        let best = listed.first ?? scores.top(1, labels: labels)[0]
        var json = JSONObject()
        json.append("label", best.label.map(JSONValue.string))
        json.append("index", .integer(best.index))
        json.append("probability", .float(Float(best.probability)))
        if lists { json.append("scores", .array(listed.map { .object($0.json) })) }
        return json
    }
}

extension Instance {
    /// How many steps it has, at most.
    var steps: Int {
        switch self {
        case .image, .tensor: 1
        case .text(let text): text.utf8.count
        case .words(let words): words.count
        case .tokens(let tokens): tokens.count
        case .features(let values): values.count
        case .clip(let frames): Clip(frames).count
        }
    }
}

extension TokenName {
    /// A spelling as a string, a number as one.
    package var json: JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .number(let number): .integer(number)
        }
    }
}

extension Translator.Translation {
    /// `{"text"?, "tokens", "score", "stop", "attention"?}`.
    var json: JSONObject {
        var json = JSONObject()
        json.append("text", text.map(JSONValue.string))
        json.append("tokens", .array(tokens.map(\.json)))
        json.append("score", .number(score))
        json.append("stop", .string(stop.rawValue))
        json.append("attention", attention.map { .array($0.map { .array($0.map(JSONValue.float)) }) })
        return json
    }
}
