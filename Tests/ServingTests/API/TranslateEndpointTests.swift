import API
import HTTP
import HTTPTypes
import Imaging
import Inference
import Support
import Tasks
import Testing

/// `:predict` on models of sequences to sequences, without a socket.
struct TranslateEndpointTests {
    private let folder: TemporaryFolder
    private let scheduler: Scheduler
    private let metrics = ServingMetrics(version: "test")
    private let limit = GenerationLimit(1)
    private let api: Service

    init() throws {
        folder = try TemporaryFolder()
        try TranslationModel.write("numbers", to: folder, cell: "lstm", attention: "none", layers: 1)
        try TranslationModel.write("words", to: folder, manifest: TranslationModel.words, attention: "dot")
        try folder.write(TestModels.gruManifest, to: "gru/model.json")
        try TestModels.writeWeights(to: "\(folder.path)/gru/model.safetensors")
        scheduler = try Scheduler(threads: 1)
        api = try Service(
            registry: try TranslationModel.registry(of: folder),
            metrics: metrics,
            scheduler: scheduler,
            generations: limit,
            sequences: SequenceStore()
        )
    }

    private func post(_ model: String, _ body: String, to verb: String = "predict") throws -> (
        status: Int, json: JSONValue
    ) {
        let response = api.post(body, to: model, verb)
        return (response.status.code, try JSONValue(parsing: response.body))
    }

    /// The predictions for some instances.
    private func predictions(_ model: String, _ instances: String, _ parameters: String = "") throws
        -> [JSONValue]
    {
        let answer = try post(model, #"{"instances": [\#(instances)], "parameters": {\#(parameters)}}"#)
        guard case .array(let predictions)? = answer.json["predictions"] else {
            Issue.record("\(answer.json.text)")
            return []
        }
        return predictions
    }

    private func strings(_ value: JSONValue?) -> [String] {
        guard case .array(let elements)? = value else { return [] }
        return elements.compactMap { if case .string(let string) = $0 { string } else { nil } }
    }

    private var rendered: String { String(decoding: metrics.render(), as: UTF8.self) }

    @Test func `answers the text, its tokens, its score and why it ended`() throws {
        defer { scheduler.stop() }
        let prediction = try #require(try predictions("words", #""S2 s3 s9 s4""#).first)
        let tokens = strings(prediction["tokens"])
        #expect(!tokens.contains("<eos>"))
        let text = tokens.reduce("") { $0.isEmpty || $1 == "." ? $0 + $1 : $0 + " " + $1 }
        #expect(prediction["text"] == .string(text))
        guard case .number(let score)? = prediction["score"] else {
            Issue.record("no score")
            return
        }
        #expect(score < 0)
        #expect(prediction["stop"] == .string(tokens.count == 12 ? "length" : "end"))
        #expect(prediction["beams"] == nil && prediction["unknown_tokens"] == nil)
        // Words that are split already are the same source.
        #expect(try predictions("words", #"["s2", "S3", "s9", "s4"]"#) == [prediction])
    }

    @Test func `several sources are answered in order, as each alone`() throws {
        defer { scheduler.stop() }
        let sources = ["[3, 4, 5]", "[7]", "[22, 0, 0, 1, 9, 12]"]
        let beams = #""beams": 3"#
        let alone = try sources.flatMap { try predictions("numbers", $0, beams) }
        #expect(alone.count == 3 && Set(alone.map(\.text)).count == 3)
        #expect(try predictions("numbers", sources.joined(separator: ","), beams) == alone)
        #expect(alone[0]["text"] == nil)
    }

    @Test func `tells what each token looked at, of which source, when asked for it`() throws {
        defer { scheduler.stop() }
        func numbers(_ value: JSONValue?) -> [[Double]] {
            guard case .array(let rows)? = value else { return [] }
            return rows.map { row in
                guard case .array(let cells) = row else { return [] }
                return cells.compactMap { if case .number(let number) = $0 { number } else { nil } }
            }
        }
        let asked = #""beams": 3, "top_k": 2, "detail": "attention""#
        let prediction = try #require(try predictions("words", #""S2 s3 s9""#, asked).first)
        #expect(strings(prediction["source"]) == ["S2", "s3", "s9", "<eos>"])
        let rows = numbers(prediction["attention"])
        #expect(rows.count == strings(prediction["tokens"]).count)
        #expect(rows.allSatisfy { $0.count == 4 && abs($0.reduce(0, +) - 1) < 1e-5 })
        guard case .array(let beams)? = prediction["beams"] else {
            Issue.record("\(prediction.text)")
            return
        }
        #expect(beams[0]["attention"] == prediction["attention"] && beams[0]["source"] == nil)
        #expect(numbers(beams[1]["attention"]).count == strings(beams[1]["tokens"]).count)
        let plain = try #require(try predictions("words", #""S2 s3 s9""#, #""beams": 3"#).first)
        #expect(plain["attention"] == nil && plain["source"] == nil && plain["text"] == prediction["text"])
        // The same by the query.
        let request = Request(
            method: .post,
            path: "/v1/models/words:predict",
            query: Query([Query.Pair(name: "detail", value: "attention")]),
            body: Array(#"{"instances": ["S2 s3 s9"], "parameters": {"beams": 3, "top_k": 2}}"#.utf8)
        )
        let answer = try JSONValue(parsing: api.respond(to: request).body)
        #expect(answer["predictions"] == .array([prediction]))
    }

    @Test func `a source of words may have features, which are of no token of the target`() throws {
        defer { scheduler.stop() }
        let features =
            #""features": [{"kind": "shape", "vocabulary": "shapes.txt", "unknown": "<unk>"}], "max_length": 20"#
        let manifest = TranslationModel.words.replacing(#""end": "<eos>", "max_length": 20"#, with: features)
        try TranslationModel.write("features", to: folder, manifest: manifest, attention: "dot")
        let reason = try TranslationModel.registry(of: folder).entry(named: "features").current.reason
        // It wants a table for the shapes, which these weights have not.
        #expect(reason?.contains("encoder.embeddings.1.weight") == true, "\(reason ?? "")")
    }

    @Test func `lists the beam when asked for it, and keeps to the most tokens`() throws {
        defer { scheduler.stop() }
        let parameters = #""beams": 4, "top_k": 2, "max_tokens": 3, "length_penalty": 0.6"#
        let prediction = try #require(try predictions("numbers", "[3, 4, 5]", parameters).first)
        guard case .array(let beams)? = prediction["beams"] else {
            Issue.record("\(prediction.text)")
            return
        }
        #expect(beams.count == 2)
        #expect(beams[0]["tokens"] == prediction["tokens"] && beams[0]["score"] == prediction["score"])
        for beam in beams {
            guard case .array(let tokens)? = beam["tokens"] else { continue }
            #expect(tokens.count <= 3)
        }
    }

    @Test func `counts texts and tokens, and failures by their code`() throws {
        defer { scheduler.stop() }
        _ = try predictions("numbers", "[3, 4, 5], [7]", #""max_tokens": 2"#)
        let labels = #"model="numbers",version="1""#
        let reasons = ["end", "length"].map { #"martlet_generations_total{\#(labels),reason="\#($0)"} "# }
        let counts = reasons.map { reason in
            rendered.split(separator: "\n").first { $0.hasPrefix(reason) }.flatMap {
                Int($0.dropFirst(reason.count))
            }
        }
        #expect(counts.compactMap(\.self).reduce(0, +) == 2)
        let tokens = #"martlet_generated_tokens_total{\#(labels)} "#
        #expect((2...4).contains { rendered.contains(tokens + "\($0)\n") })
        let request = Request(
            method: .post,
            path: "/v1/models/numbers:predict",
            query: Query([Query.Pair(name: "timeout_ms", value: "1")]),
            body: Array(
                #"{"instances": [\#(Array(repeating: "[1]", count: 1000).joined(separator: ","))]}"#.utf8
            )
        )
        // It may be seen to be late before it begins.
        let status = api.respond(to: request).status
        #expect(status == .gatewayTimeout || status == .serviceUnavailable)
    }

    @Test func `refuses more than this server writes at a time, and says so`() throws {
        defer { scheduler.stop() }
        let permit = try limit.permit()
        let answer = try post("numbers", #"{"instances": [[1]]}"#)
        withExtendedLifetime(permit) {}
        #expect(answer.status == 503 && answer.json["code"] == .string("generations_full"))
        // Other models are not concerned.
        #expect(try post("gru", #"{"instances": [[[1, 2, 3]]]}"#).status == 200)
    }

    @Test func `says in the listing what it is for and what it takes`() throws {
        defer { scheduler.stop() }
        let response = api.respond(to: Request(method: .get, path: "/v1/models/numbers"))
        let json = try JSONValue(parsing: response.body)
        #expect(json["task"] == .string("sequence-to-sequence"))
        #expect(json["classes"] == .number(19))
        // 23·10 + 4·24·(10 + 24 + 2) for the encoder, 19·10 for the embedding and 19·25 for the head of the decoder.
        #expect(json["parameters"] == .number(Double(230 + 2 * 3456 + 190 + 475)))
    }

    // swift-format-ignore
    static let faults: [(model: String, instance: String, parameters: String, code: String, message: String)] = [
        ("numbers", "[1]", #""beams": 0"#, "invalid_parameter", "parameters.beams: expected an integer from 1 to 16, found 0"),
        ("numbers", "[1]", #""beams": 17"#, "invalid_parameter", "parameters.beams: expected an integer from 1 to 16, found 17"),
        ("numbers", "[1]", #""beams": 1.5"#, "invalid_parameter", "parameters.beams: expected an integer from 1 to 16, found 1.5"),
        ("numbers", "[1]", #""beams": "4""#, "invalid_parameter", "parameters.beams: expected an integer from 1 to 16, found '4'"),
        ("numbers", "[1]", #""max_tokens": 0"#, "invalid_parameter", "parameters.max_tokens: expected an integer from 1 to 65536, found 0"),
        ("numbers", "[1]", #""max_tokens": 13"#, "invalid_parameter", "parameters.max_tokens: expected at most 12, the model's own 'max_length', found '13'"),
        ("numbers", "[1]", #""length_penalty": -1"#, "invalid_parameter", "parameters.length_penalty: expected a number from 0 to 10, found -1.0"),
        ("numbers", "[1]", #""detail": "attention""#, "invalid_parameter", "parameters.detail: model 'numbers' looks at no step of its source: it has no attention"),
        ("words", #""s2""#, #""detail": "attentions""#, "invalid_parameter", "parameters.detail: expected attention; found 'attentions'; did you mean 'attention'?"),
        ("gru", "[[1, 2, 3]]", #""detail": "attention""#, "invalid_parameter", "parameters: only a 'sequence-to-sequence' has attention to list, but model 'gru' is for 'sequence-classification'"),
        ("numbers", "[1]", #""beam": 4"#, "unknown_parameter", "unknown parameter 'beam'; did you mean 'beams'?"),
        ("numbers", "[1]", #""horizon": 2"#, "invalid_parameter", "horizon: only a 'sequence-regression' looks ahead, but model 'numbers' is for 'sequence-to-sequence'"),
        ("numbers", "[1]", #""sequence_id": 1, "sequence_start": true"#, "not_streamable", "model 'numbers' cannot go on from an earlier request: it reads each source as a whole"),
        ("numbers", "[]", "", "empty_sequence", "the sequence is empty"),
        ("numbers", "[23]", "", "unknown_token", "token 0: expected an integer from 0 to 22, found 23"),
        ("numbers", #""a""#, "", "invalid_input", "expected an array of integers (the model takes tokens), found a string"),
        ("numbers", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "", "sequence_too_long", "the sequence has 21 steps, the model takes at most 20"),
        ("words", #""s2 zzz""#, "", "unknown_token", "unknown token 'zzz' at position 1; the model has no entry for unknown tokens"),
        ("words", #""""#, "", "empty_sequence", "the sequence is empty"),
        ("gru", "[[1, 2, 3]]", #""beams": 2"#, "invalid_parameter", "parameters: only a 'sequence-to-sequence' decodes with beams, tokens and a penalty, but model 'gru' is for 'sequence-classification'"),
    ]

    @Test(arguments: faults)
    func `says what is wrong`(
        fault: (model: String, instance: String, parameters: String, code: String, message: String)
    ) throws {
        defer { scheduler.stop() }
        let body = #"{"instances": [\#(fault.instance)], "parameters": {\#(fault.parameters)}}"#
        let answer = try post(fault.model, body)
        #expect(answer.status == 400)
        #expect(answer.json["code"] == .string(fault.code))
        #expect(answer.json["error"] == .string(fault.message))
        #expect(limit.count == 0)
    }

    @Test func `bounds the beams of all instances together`() throws {
        defer { scheduler.stop() }
        let instances = Array(repeating: "[1]", count: 65).joined(separator: ",")
        let answer = try post("numbers", #"{"instances": [\#(instances)], "parameters": {"beams": 16}}"#)
        #expect(answer.status == 400)
        let message = "expected at most 1024 beams for all instances together, found '16 for each of 65'"
        #expect(answer.json["error"] == .string("parameters.beams: \(message)"))
    }

    @Test func `does not generate from a prompt, nor classify`() throws {
        defer { scheduler.stop() }
        let generated = try post("words", #"{"prompt": "s2"}"#, to: "generate")
        #expect(generated.status == 400 && generated.json["code"] == .string("wrong_task"))
        #expect(try post("words", #"{"image": "aaaa"}"#, to: "classify").status == 400)
    }
}
