internal import Imaging
internal import Inference
package import Models
package import Support
package import Tasks

/// How explanations are written; the endpoint and the command line share it.
package struct ExplanationAnswer: Sendable {
    private let model: Model

    package init(_ model: Model) { self.model = model }

    /// `{"model", "version", "method", "class", "grid", "box", "image", "bias"?, "occlusion"?, "runs", "timing_ms"}` of an image.
    package func json(_ answer: ImageExplainer.Answer) -> JSONObject {
        let map = answer.map
        let rows = stride(from: 0, to: map.values.count, by: map.width).map { start in
            JSONValue.array(map.values[start..<start + map.width].map(JSONValue.float))
        }
        let box = [answer.box.left, answer.box.top, answer.box.right, answer.box.bottom]
        var json = heading(answer.method, answer.target)
        json.append(
            "grid",
            .object([
                "height": .integer(map.height), "width": .integer(map.width), "values": .array(rows),
            ])
        )
        json.append("box", .array(box.map { .number(($0 * 100).rounded() / 100) }))
        json.append(
            "image",
            .object([
                "format": .string(answer.format.rawValue),
                "width": .integer(answer.size.width),
                "height": .integer(answer.size.height),
                "orientation": .integer(answer.orientation),
            ])
        )
        json.append("bias", answer.bias.map(JSONValue.float))
        if let occlusion = answer.occlusion {
            json.append(
                "occlusion",
                .object(["patch": .integer(occlusion.patch), "stride": .integer(occlusion.stride)])
            )
        }
        json.append("runs", .integer(answer.runs))
        json.append("timing_ms", timing(answer.decode, answer.preprocess, answer.inference))
        return json
    }

    /// `{"model", "version", "method", "class", "tokens", "runs", "timing_ms"}` of a sequence; of a clip `frames` in place of
    /// `tokens`, of features `steps`.
    package func json(_ answer: LeaveOneOut.Answer) -> JSONObject {
        let isClip = answer.steps.contains { $0.frame != nil }
        let hasTokens = answer.steps.contains { $0.token != nil }
        let steps = answer.steps.enumerated().map { index, step in
            var json = JSONObject()
            json.append("token", step.token?.json)
            json.append("frame", step.frame.map(JSONValue.integer))
            if !isClip, !hasTokens { json.append("step", .integer(index)) }
            json.append("effect", step.effect.map { .float(Float($0)) } ?? .null)
            if step.isUnknown { json.append("unknown", .bool(true)) }
            return JSONValue.object(json)
        }
        var json = heading(.leaveOneOut, answer.target)
        json.append(isClip ? "frames" : hasTokens ? "tokens" : "steps", .array(steps))
        json.append("runs", .integer(answer.runs))
        json.append("timing_ms", timing(nil, answer.preprocess, answer.inference))
        return json
    }

    /// Of a regression `value` in place of `probability` and `logit`.
    private func heading(_ method: ExplanationMethod, _ target: ExplainedClass) -> JSONObject {
        var json: JSONObject = ["index": .integer(target.index)]
        json.append("label", target.label.map(JSONValue.string))
        json.append(target.logit == nil ? "value" : "probability", .float(Float(target.score)))
        json.append("logit", target.logit.map { .float(Float($0)) })
        return [
            "model": .string(model.name), "version": .string(model.version),
            "method": .string(method.rawValue), "class": .object(json),
        ]
    }

    private func timing(
        _ decode: Duration?,
        _ preprocess: Duration,
        _ inference: InferenceResult
    ) -> JSONValue {
        var json = JSONObject()
        json.append("decode", decode.map { .number(milliseconds($0)) })
        json.append("preprocess", .number(milliseconds(preprocess)))
        json.append("queue", .number(milliseconds(inference.queue)))
        json.append("inference", .number(milliseconds(inference.compute)))
        json.append("batch_size", .integer(inference.batchSize))
        return .object(json)
    }
}
