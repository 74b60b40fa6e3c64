internal import HTTP
internal import HTTPTypes
package import Support

extension API {
    /// `POST /v1/models/{model}:generate`: a prompt in, a text that goes on from it out.
    ///
    /// The prompt has run when the answer begins, so that what is wrong with the request, and a full queue, have their
    /// status. Of a text that is streamed the client then gets an event for each token as it is made.
    func generate(_ call: Call) throws(ServingError) -> Response {
        let model = try registry.model(named: call.model, version: call.version)
        let query = try RequestParameters(call.request.query.pairs, known: ["timeout_ms"])
        let request = try GenerateRequest(call.request)
        let permit = try generations.permit()
        var options = request.options
        options.deadline = try deadline(of: call.request, query)
        options.cancellation = call.request.cancellation
        let run = GenerationRun(
            generation: try generator.begin(request.prompt, with: model, options),
            model: model,
            received: call.request.received,
            permit: permit,
            metrics: metrics
        )
        guard request.isStreamed else { return Response(json: try run.whole()) }
        return Response(
            fields: [.contentType: ServerSentEvent.contentType, .cacheControl: "no-store"],
            stream: run.stream
        )
    }
}

/// A text on its way to a client.
private struct GenerationRun: Sendable {
    var generation: Generation
    let model: Model
    let received: ContinuousClock.Instant
    /// Held while the text is generated.
    let permit: GenerationLimit.Permit
    let metrics: ServingMetrics

    /// The answer with all of the text.
    func whole() throws(ServingError) -> JSONObject {
        var generation = generation
        var text = ""
        do throws(ServingError) {
            while let piece = try generation.next() { text += piece.text }
        } catch {
            count(error.code)
            throw error
        }
        count(generation.finishReason?.rawValue)
        return ending(generation, text: text)
    }

    /// Writes an event for each token, one with the reason of the end, and `[DONE]`; after a failure its error, and no end.
    func stream(to channel: BodyChannel) throws {
        var generation = generation
        do {
            while let piece = try generation.next() { try send(piece.json, to: channel) }
        } catch let error as ServingError {
            count(error.code)
            try send(error.json, to: channel)
            throw error
        } catch {
            count(ServingError.cancelled.code)
            throw error
        }
        count(generation.finishReason?.rawValue)
        try send(ending(generation), to: channel)
        try channel.write(ServerSentEvent(data: "[DONE]").encoded)
    }

    private func send(_ json: JSONObject, to channel: BodyChannel) throws {
        try channel.write(ServerSentEvent(data: JSONValue.object(json).text).encoded)
    }

    private func count(_ reason: String?) {
        metrics.generations.add(1, model.name, model.version, reason ?? "unknown")
    }

    /// What is known of a text when it has ended, with the text itself where it was not sent before.
    private func ending(_ generation: Generation, text: String? = nil) -> JSONObject {
        var json: JSONObject = ["model": .string(model.name), "version": .string(model.version)]
        json.append("text", text.map(JSONValue.string))
        json.append(contentsOf: generation.summary)
        json.append(
            "timing_ms",
            .object([
                "queue": .number(milliseconds(generation.queue)),
                "inference": .number(milliseconds(generation.compute)),
                "total": .number(milliseconds(.now - received)),
            ])
        )
        return json
    }
}

extension Generation {
    /// How long the text is, why it ended, and what gives it again.
    package var summary: JSONObject {
        var json: JSONObject = ["tokens": .integer(tokens)]
        json.append("finish_reason", (finishReason?.rawValue).map(JSONValue.string))
        json.append("seed", .number(Double(seed)))
        if unknownTokens > 0 { json.append("unknown_tokens", .integer(unknownTokens)) }
        return json
    }
}

extension Generation.Piece {
    fileprivate var json: JSONObject {
        ["index": .integer(index), "token": token, "text": .string(text)]
    }
}
