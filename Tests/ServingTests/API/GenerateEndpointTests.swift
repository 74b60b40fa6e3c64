import API
import Foundation
import HTTP
import HTTPTypes
import Imaging
import Inference
import Support
import Tasks
import Testing

/// `:generate` on small models, without a socket.
struct GenerateEndpointTests {
    private let folder: TemporaryFolder
    private let scheduler: Scheduler
    private let metrics = ServingMetrics(version: "test")
    private let limit = GenerationLimit(2)
    private let api: Service

    init() throws {
        folder = try TemporaryFolder()
        scheduler = try Scheduler(threads: 1)
        api = try Service(
            registry: try CharacterModel.registry(in: folder),
            metrics: metrics,
            scheduler: scheduler,
            generations: limit,
            sequences: SequenceStore()
        )
    }

    private func post(_ body: String, model: String = "letters") -> Response {
        api.post(body, to: model, "generate")
    }

    private func json(_ response: Response) throws -> JSONValue { try JSONValue(parsing: response.body) }

    /// The data of the events that a streamed answer sends, and nothing else.
    private func events(_ response: Response) -> [String] {
        String(decoding: response.body, as: UTF8.self).split(separator: "\n\n").map { event in
            #expect(event.hasPrefix("data: "))
            return String(event.dropFirst(6))
        }
    }

    @Test func `answers the text and what gives it again`() throws {
        defer { scheduler.stop() }
        let first = try json(post(#"{"prompt": "abX", "max_tokens": 20}"#))
        #expect(first["model"] == .string("letters"))
        #expect(first["version"] == .string("1"))
        #expect(first["tokens"] == .number(20))
        #expect(first["finish_reason"] == .string("length"))
        #expect(first["unknown_tokens"] == .number(1))
        #expect(first["timing_ms"]?["inference"] != nil)
        let seed = try #require(first["seed"])
        let again = try json(post(#"{"prompt": "abX", "max_tokens": 20, "seed": \#(seed.text)}"#))
        #expect(again["text"] == first["text"])
        #expect(try json(post(#"{"prompt": "ab", "seed": 1, "max_tokens": 2}"#))["unknown_tokens"] == nil)
    }

    @Test func `streams the same text, an event for each token, the reason, and DONE`() throws {
        defer { scheduler.stop() }
        let request = #""prompt": "ab", "max_tokens": 30, "seed": 4, "stop": ["dd", "é."]"#
        let whole = try json(post("{\(request)}"))
        let response = post("{\(request), \"stream\": true}")
        #expect(response.fields[.contentType] == "text/event-stream")
        let data = events(response)
        #expect(data.last == "[DONE]")
        let values = try data.dropLast().map { try JSONValue(parsing: Array($0.utf8)) }
        let pieces = values.dropLast()
        #expect(pieces.map { $0["index"] } == pieces.indices.map { .number(Double($0)) })
        let texts = pieces.map { piece -> String in
            guard case .string(let text)? = piece["text"] else { return "?" }
            return text
        }
        #expect(JSONValue.string(texts.joined()) == whole["text"])
        let last = try #require(values.last)
        for key in ["tokens", "finish_reason", "seed"] { #expect(last[key] == whole[key]) }
        #expect(last["text"] == nil)
    }

    @Test func `ends a stream that is out of time with its error and no DONE`() throws {
        defer { scheduler.stop() }
        let request = Request(
            method: .post,
            path: "/v1/models/letters:generate",
            query: Query([Query.Pair(name: "timeout_ms", value: "200")]),
            body: Array(#"{"prompt": "ab", "max_tokens": 65536, "stream": true}"#.utf8)
        )
        let answer = api.whole(request)
        let data = events(answer.response)
        #expect(answer.end == .truncated)
        #expect(try JSONValue(parsing: Array(data.last!.utf8))["code"] == .string("deadline_exceeded"))
    }

    @Test func `takes null for what is left open`() throws {
        defer { scheduler.stop() }
        let body =
            #"{"prompt": "a", "max_tokens": 3, "stop": null, "seed": null, "top_k": null, "stream": null}"#
        #expect(post(body).status == .ok)
    }

    // swift-format-ignore
    static let faults: [(body: String, status: Int, code: String, message: String)] = [
        ("{}", 400, "invalid_parameter", "'prompt' is missing"),
        ("[]", 400, "invalid_json", "the body: expected a JSON object, found an array"),
        (#"{"prompt": 1}"#, 400, "invalid_parameter", "prompt: expected a string, found 1"),
        (#"{"prompt": ""}"#, 400, "empty_sequence", "the prompt is empty, and model 'letters' has no start of its own"),
        (#"{"prompt": "a", "temprature": 1}"#, 400, "unknown_key", "unknown key 'temprature'; did you mean 'temperature'?"),
        (#"{"prompt": "a", "temperature": -0.5}"#, 400, "invalid_parameter", "temperature: expected a number from 0 to 100, found -0.5"),
        (#"{"prompt": "a", "temperature": "hot"}"#, 400, "invalid_parameter", "temperature: expected a number, found 'hot'"),
        (#"{"prompt": "a", "max_tokens": 0}"#, 400, "invalid_parameter", "max_tokens: expected an integer from 1 to 65536, found 0"),
        (#"{"prompt": "a", "max_tokens": 1.5}"#, 400, "invalid_parameter", "max_tokens: expected an integer from 1 to 65536, found 1.5"),
        (#"{"prompt": "a", "top_k": 0}"#, 400, "invalid_parameter", "top_k: expected an integer from 1 to 16777216, found 0"),
        (#"{"prompt": "a", "top_p": 0}"#, 400, "invalid_parameter", "top_p: expected a number above 0, at most 1, found 0.0"),
        (#"{"prompt": "a", "seed": -1}"#, 400, "invalid_parameter", "seed: expected an integer from 0 to 9007199254740991, found -1"),
        (#"{"prompt": "a", "stop": ["x", ""]}"#, 400, "invalid_parameter", "stop[1]: expected a string of 1 to 256 bytes, found 0"),
        (#"{"prompt": "a", "stop": 3}"#, 400, "invalid_parameter", "stop: expected a string, found 3"),
        (#"{"prompt": "a", "stream": "yes"}"#, 400, "invalid_parameter", "stream: expected true or false, found 'yes'"),
    ]

    @Test(arguments: faults)
    func `says what is wrong`(fault: (body: String, status: Int, code: String, message: String)) throws {
        defer { scheduler.stop() }
        let response = post(fault.body)
        #expect(response.status.code == fault.status)
        #expect(try json(response)["code"] == .string(fault.code))
        #expect(try json(response)["error"] == .string(fault.message))
        #expect(limit.count == 0)
    }

    @Test func `refuses more texts at a time than it makes, until one ends`() throws {
        defer { scheduler.stop() }
        let stream = #"{"prompt": "a", "max_tokens": 3, "stream": true}"#
        let others = [try limit.permit(), try limit.permit()]
        let refused = withExtendedLifetime(others) { post(stream) }
        #expect(refused.status == .serviceUnavailable)
        #expect(refused.fields[.retryAfter] == "1")
        #expect(try json(refused)["code"] == .string("generations_full"))
        #expect(post(stream).status == .ok)
        #expect(limit.count == 0)
    }

    @Test func `counts texts and tokens, and a stream when it has ended`() throws {
        defer { scheduler.stop() }
        _ = post(#"{"prompt": "a", "max_tokens": 5}"#)
        _ = post(#"{"prompt": "a", "max_tokens": 7, "stream": true}"#)
        #expect(rendered.contains(#"route="generate",method="POST",status="200"} 2"#))
        #expect(
            rendered.contains(#"martlet_generations_total{model="letters",version="1",reason="length"} 2"#)
        )
        #expect(rendered.contains(#"martlet_generated_tokens_total{model="letters",version="1"} 12"#))
    }

    private var rendered: String { String(decoding: metrics.render(), as: UTF8.self) }
}
