internal import HTTP
internal import HTTPTypes
internal import Models
internal import Support
internal import Tasks

/// `text_generation` in the form of Text Generation Inference, which the hub's client expects: whole, or as events.
///
/// - Source: text-generation-inference, `docs/openapi.json`; huggingface_hub, `inference/_common.py`.
extension Service {
    /// The text that a model makes of a prompt.
    func generateAsHuggingFace(
        _ request: HuggingFaceRequest,
        _ model: Model,
        _ call: Call,
        _ responder: Responder,
        _ context: RequestContext
    ) async throws -> Response? {
        guard case .text(let prompt) = request.instances[0], !request.isList else {
            let found = request.isList ? "a list" : request.instances[0].kind
            throw ServingError.invalidInput("inputs: expected one text, found \(found)")
        }
        let options = try HuggingFaceGeneration(request.parameters)
        let permit = try generations.permit()
        defer { withExtendedLifetime(permit) {} }
        var run = HuggingFaceRun(
            generation: try await generator.begin(prompt, with: model, options.generation, context),
            prompt: prompt,
            options: options
        )
        guard request.isStreamed else {
            do {
                let json = try await run.whole()
                countGeneration(of: model, run.generation.finishReason?.rawValue)
                return Response(json: .array([.object(json)]))
            } catch {
                countGeneration(of: model, error.code)
                throw error
            }
        }
        await stream(call, as: "hf", to: responder) { channel in
            do {
                try await run.stream(to: channel)
                countGeneration(of: model, run.generation.finishReason?.rawValue)
            } catch {
                countGeneration(of: model, (error as? ServingError ?? .cancelled).code)
                throw error
            }
        }
        return nil
    }
}

/// The parameters of `text_generation`.
struct HuggingFaceGeneration {
    private static let known = [
        "max_new_tokens", "do_sample", "temperature", "top_k", "top_p", "seed", "stop", "details",
        "return_full_text", "adapter_id", "best_of", "decoder_input_details", "frequency_penalty", "grammar",
        "repetition_penalty", "top_n_tokens", "truncate", "typical_p", "watermark",
    ]
    /// What is taken where it changes nothing.
    private static let neutral: [String: [JSONValue]] = [
        "best_of": [.integer(1)], "decoder_input_details": [.bool(false)], "frequency_penalty": [.integer(0)],
        "repetition_penalty": [.integer(1)], "top_n_tokens": [.integer(0)], "typical_p": [.integer(1)],
        "watermark": [.bool(false)], "adapter_id": [], "grammar": [], "truncate": [],
    ]
    /// How many tokens Text Generation Inference makes when it is not said.
    private static let defaultTokens = 100

    private(set) var generation: TextGenerator.Options
    let isDetailed: Bool
    let returnsPrompt: Bool

    /// - Throws: `ServingError` 400 for an unknown parameter, one that cannot be done, and a wrong type.
    init(_ parameters: JSONObject) throws(ServingError) {
        for member in try parameters.checked(Self.known).members {
            guard let neutral = Self.neutral[member.key], !neutral.contains(member.value) else { continue }
            throw .badRequest(
                "parameters.\(member.key): this server cannot do that",
                code: "unsupported_parameter"
            )
        }
        do throws(FormatError) {
            let fields = JSONFields(path: "parameters", object: parameters)
            isDetailed = try fields.optional("details")?.bool() ?? false
            returnsPrompt = try fields.optional("return_full_text")?.bool() ?? false
            let seed = try fields.optional("seed")?.integer(in: 0...Sampler.maxSeed)
            generation = TextGenerator.Options(seed: seed.map(UInt64.init) ?? Sampler.freshSeed())
            generation.maxTokens =
                try fields.optional("max_new_tokens")?.integer(in: 1...1 << 16) ?? Self.defaultTokens
            generation.sampling.topK = try fields.optional("top_k")?.integer(in: 1...1 << 24)
            if let reader = fields.optional("top_p") {
                generation.sampling.topP = try reader.number()
                guard generation.sampling.topP > 0, generation.sampling.topP <= 1 else {
                    throw reader.fault("expected a number above 0, at most 1")
                }
            }
            let temperature = fields.optional("temperature")
            if let temperature {
                generation.sampling.temperature = try temperature.number()
                guard 0...100 ~= generation.sampling.temperature else {
                    throw temperature.fault("expected a number from 0 to 100")
                }
            }
            // Nothing is drawn unless a parameter asks for it.
            let draws =
                try fields.optional("do_sample")?.bool() ?? false || temperature != nil
                || generation.sampling.topK != nil || generation.sampling.topP < 1
            if !draws { generation.sampling.temperature = 0 }
            if let reader = fields.optional("stop") {
                for element in try reader.array() { generation.stops.append(try element.string()) }
                guard generation.stops.count <= 16, generation.stops.allSatisfy({ 1...256 ~= $0.utf8.count })
                else {
                    throw reader.fault("expected at most 16 strings of 1 to 256 bytes")
                }
            }
        } catch {
            throw .badRequest(error.description, code: "invalid_parameter")
        }
        generation.listsProbabilities = true
    }
}

/// A text on its way to a client of Hugging Face's.
private struct HuggingFaceRun {
    var generation: Generation
    let prompt: String
    let options: HuggingFaceGeneration

    /// `{"generated_text", "details"?}`.
    mutating func whole() async throws(ServingError) -> JSONObject {
        var text = options.returnsPrompt ? prompt : ""
        var tokens: [JSONValue] = []
        while let piece = try await generation.next() {
            text += piece.text
            if options.isDetailed { tokens.append(.object(piece.huggingFaceJSON)) }
        }
        var json: JSONObject = ["generated_text": .string(text)]
        guard options.isDetailed else { return json }
        var details = self.details
        details.append("prefill", .array([]))
        details.append("tokens", .array(tokens))
        json.append("details", .object(details))
        return json
    }

    /// Writes an event for each token, the last with all of the text; after a failure its error, and no end.
    mutating func stream(to channel: BodyChannel) async throws {
        var text = options.returnsPrompt ? prompt : ""
        do {
            while let piece = try await generation.next() {
                text += piece.text
                let isLast = generation.finishReason != nil
                var details = details
                details.append("input_length", .integer(generation.promptTokens))
                try await send(
                    [
                        "index": .integer(piece.index + 1), "token": .object(piece.huggingFaceJSON),
                        "generated_text": isLast ? .string(text) : .null,
                        "details": isLast ? .object(details) : .null,
                    ],
                    to: channel
                )
            }
        } catch let error as ServingError {
            try await send(error.huggingFaceJSON, to: channel)
            throw error
        }
    }

    private func send(_ json: JSONObject, to channel: BodyChannel) async throws {
        try await channel.write(ServerSentEvent(data: JSONValue.object(json).text).encoded)
    }

    private var details: JSONObject {
        let reason: JSONValue =
            switch generation.finishReason {
            case .stop: .string("stop_sequence")
            case .length: .string("length")
            case nil: .null
            }
        return [
            "finish_reason": reason, "generated_tokens": .integer(generation.tokens),
            "seed": .number(Double(generation.seed)),
        ]
    }
}

extension Generation.Piece {
    /// `{"id", "text", "logprob", "special"}`; the text is what the token makes certain, so that all of them together are the
    /// whole.
    fileprivate var huggingFaceJSON: JSONObject {
        [
            "id": .integer(number), "text": .string(text),
            "logprob": .number(logProbability ?? 0), "special": .bool(false),
        ]
    }
}
