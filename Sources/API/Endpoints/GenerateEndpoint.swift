internal import HTTP
internal import HTTPTypes
internal import Models
package import Support
package import Tasks

extension Service {
    /// `POST /v1/models/{model}:generate`: a prompt in, a text that goes on from it out.
    ///
    /// The prompt has run when the answer begins, so that what is wrong with the request, and a full queue, have their
    /// status. Of a text that is streamed the client then gets an event for each token as it is made.
    func generate(_ call: Call, _ responder: Responder) async throws -> Response? {
        let model = try await model(call)
        let query = try RequestParameters(call.request.query.pairs, known: ["timeout_ms"])
        let context = try context(of: call, query)
        let request = try GenerateRequest(call.request, context)
        let permit = try generations.permit()
        var run = GenerationRun(
            generation: try await generator.begin(request.prompt, with: model, request.options, context),
            model: model,
            received: call.request.received,
            metrics: metrics
        )
        defer { withExtendedLifetime(permit) {} }
        guard request.isStreamed else { return Response(json: try await run.whole()) }
        await stream(call, as: "generate", to: responder) { channel in try await run.stream(to: channel) }
        return nil
    }

    /// Answers with events that are sent while they are made.
    func stream(
        _ call: Call,
        as route: String,
        to responder: Responder,
        _ write: (BodyChannel) async throws -> Void
    ) async {
        var response = Response(
            fields: [.contentType: ServerSentEvent.contentType, .cacheControl: "no-store"]
        )
        response.annotation = call.record.values
        response.setTrace(call.record.values)
        access.crossOrigin?.mark(&response, call.request.fields)
        let channel = responder.respond(response, streaming: 64 * 1024)
        defer {
            let total = ContinuousClock.now - call.request.received
            count(200, call.request, route, call.record.values, total: total)
        }
        do {
            try await write(channel)
            channel.finish(.complete)
        } catch {
            call.record.update { $0.cause = "\(error)" }
            channel.finish(.truncated) // the client is told by the end of its connection
        }
    }

    /// Counts a text that has ended, by its reason or its error.
    func countGeneration(of model: Model, _ reason: String?) {
        metrics.generations.series(model.name, model.version, reason ?? "unknown").add()
    }
}

/// A text on its way to a client.
private struct GenerationRun {
    var generation: Generation
    let model: Model
    let received: ContinuousClock.Instant
    let metrics: ServingMetrics

    /// The answer with all of the text.
    mutating func whole() async throws(ServingError) -> JSONObject {
        var text = ""
        do throws(ServingError) {
            while let piece = try await generation.next() { text += piece.text }
        } catch {
            count(error.code)
            throw error
        }
        count(generation.finishReason?.rawValue)
        return ending(text: text)
    }

    /// Writes an event for each token, one with the reason of the end, and `[DONE]`; after a failure its error, and no end.
    mutating func stream(to channel: BodyChannel) async throws {
        do {
            while let piece = try await generation.next() { try await send(piece.json, to: channel) }
        } catch let error as ServingError {
            count(error.code)
            try await send(error.json, to: channel)
            throw error
        } catch {
            count(ServingError.cancelled.code)
            throw error
        }
        count(generation.finishReason?.rawValue)
        try await send(ending(), to: channel)
        try await channel.write(ServerSentEvent(data: "[DONE]").encoded)
    }

    private func send(_ json: JSONObject, to channel: BodyChannel) async throws {
        try await channel.write(ServerSentEvent(data: JSONValue.object(json).text).encoded)
    }

    private func count(_ reason: String?) {
        metrics.generations.series(model.name, model.version, reason ?? "unknown").add()
    }

    /// What is known of a text when it has ended, with the text itself where it was not sent before.
    private func ending(text: String? = nil) -> JSONObject {
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
        ["index": .integer(index), "token": token.json, "text": .string(text)]
    }
}
