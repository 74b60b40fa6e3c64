import API
import Foundation
import HTTP
import HTTPTypes
import Imaging
import Inference
import Logging
import Models
import Platform
import Support
import Tasks
import Testing

/// The endpoints on the bundled models, without a socket.
struct APITests {
    private let scheduler: Scheduler
    private let api: Service

    init() throws {
        let metrics = ServingMetrics(version: "test")
        scheduler = try Scheduler(threads: 2, metrics: metrics)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: Repository.weights, logger: logger, warmUp: scheduler.warmUp)
        try registry.load { ["digits", "surnames"].contains($0) }
        api = try Service(
            registry: registry,
            metrics: metrics,
            scheduler: scheduler,
            generations: GenerationLimit(2),
            sequences: SequenceStore()
        )
    }

    // MARK: - Images

    @Test func `the image itself, a form and base64 in JSON give the same prediction`() throws {
        defer { scheduler.stop() }
        let png = try Repository.example("digit-7.png")
        let base64 = Data(png).base64EncodedString()
        let bodies: [(type: String?, body: [UInt8])] = [
            (nil, png), ("image/png", png), ("image/jpeg", png), ("application/octet-stream", png),
            ("application/x-www-form-urlencoded", png),
            ("application/json", Array(#"{"image": "\#(base64)"}"#.utf8)),
            (
                "application/json; charset=utf-8",
                Array(#"{"image": "data:image/png;base64,\#(base64)"}"#.utf8)
            ),
            ("multipart/form-data; boundary=cut", form([("image", "7.png", png)])),
        ]
        let answers = bodies.map { post("/v1/models/digits:classify", $0.body, type: $0.type) }
        for answer in answers {
            #expect(answer.status == 200, "\(answer.json.text)")
            #expect(answer.json["predictions"]?[0]?["label"] == .string("7"))
            #expect(answer.json["predictions"] == answers[0].json["predictions"])
        }
    }

    @Test func `several images give results in order, and a bad one spoils only its own`() throws {
        defer { scheduler.stop() }
        let seven = try Repository.example("digit-7.png")
        let three = try Repository.example("digit-3.png")
        let body = form([("a", "7.png", seven), ("b", "x.png", Array("nothing".utf8)), ("c", "3.png", three)])
        let answer = post(
            "/v1/models/digits:classify?top_k=1",
            body,
            type: "multipart/form-data; boundary=cut"
        )
        #expect(answer.status == 200)
        let results = try #require(answer.json["results"])
        #expect(results[0]?["predictions"]?[0]?["label"] == .string("7"))
        #expect(results[1]?["code"] == .string("undecodable_image"))
        #expect(results[2]?["predictions"]?[0]?["label"] == .string("3"))
        #expect(results[3] == nil)
    }

    @Test func `fields of a form are parameters`() throws {
        defer { scheduler.stop() }
        let png = try Repository.example("digit-7.png")
        let body = form([("top_k", nil, Array("2".utf8)), ("file", "7.png", png)])
        let answer = post("/v1/models/digits:classify", body, type: "multipart/form-data; boundary=cut")
        #expect(answer.json["predictions"]?[1] != nil)
        #expect(answer.json["predictions"]?[2] == nil)
        let twice = post(
            "/v1/models/digits:classify?top_k=3",
            body,
            type: "multipart/form-data; boundary=cut"
        )
        #expect(twice.status == 400)
    }

    /// Any type for the same bytes, as clients have been seen to send them.
    @Test(arguments: [
        "application/x-image", "binary/octet-stream", "*/*", "text/plain", "image", "multipart/form-data",
        "application/json", "application/vnd.api+json", "text/html; charset=utf-8", "video/mp4",
    ])
    func `the bytes of an image say what it is`(type: String) throws {
        defer { scheduler.stop() }
        let answer = post("/v1/models/digits:classify", try Repository.example("digit-7.png"), type: type)
        #expect(answer.status == 200, "\(answer.json.text)")
        #expect(answer.json["predictions"]?[0]?["label"] == .string("7"))
        // The same of JSON, with what some editors put before it.
        let base64 = Data(try Repository.example("digit-7.png")).base64EncodedString()
        guard !type.hasPrefix("multipart") else { return }
        let json = post(
            "/v1/models/digits:classify",
            Array("\u{FEFF}\n{\"image\": \"\(base64)\"}".utf8),
            type: type
        )
        #expect(json.json["predictions"] == answer.json["predictions"])
        let text = post("/v1/models/digits:classify", Array("no image".utf8), type: type)
        #expect([400, 422, 415].contains(text.status))
    }

    @Test func `a form's fields beside one file leave it one answer`() throws {
        defer { scheduler.stop() }
        let png = try Repository.example("digit-7.png")
        let alone = post("/v1/models/digits:classify", png)
        let type = "multipart/form-data; boundary=cut"
        let bodies = [
            form([("user", nil, Array("me".utf8)), ("image", "7.png", png)]),
            form([("image", "7.png", png), ("csrfmiddlewaretoken", nil, Array(repeating: 0x41, count: 64))]),
            // An empty file input beside, and one that is no file but an image.
            form([("image", "7.png", png), ("second", "", [])]),
            form([
                ("first", "", []), ("image", nil, png), ("submit", nil, Array("Send".utf8)),
                ("note", nil, []),
            ]),
        ]
        for body in bodies {
            let answer = post("/v1/models/digits:classify", body, type: type)
            #expect(answer.status == 200, "\(answer.json.text)")
            #expect(answer.json["predictions"] == alone.json["predictions"])
        }
        for (name, hint) in [("topk", "did you mean 'top_k'"), ("crop", "did you mean 'crops'")] {
            let body = form([("image", "7.png", png), (name, nil, Array("3".utf8))])
            let answer = post("/v1/models/digits:classify", body, type: type)
            #expect(answer.status == 400)
            #expect(answer.json["error"]?.string?.contains(hint) == true)
        }
        let none = post("/v1/models/digits:classify", form([("image", "", [])]), type: type)
        #expect(none.json["code"] == .string("no_image"))
        // A chosen file without a byte is a fault of the client's.
        let empty = post(
            "/v1/models/digits:classify",
            form([("a", "a.png", []), ("b", "7.png", png)]),
            type: type
        )
        #expect(empty.json["results"]?[0]?["code"] != nil)
        #expect(empty.json["results"]?[1]?["predictions"] == alone.json["predictions"])
    }

    @Test func `base64 is read as it is written, and a fault has its place`() throws {
        defer { scheduler.stop() }
        let png = try Repository.example("digit-7.png")
        let text = Data(png).base64EncodedString()
        let lines = Data(png).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        let forURLs = text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        let expected = post("/v1/models/digits:classify", png).json["predictions"]
        for spelled in [lines.replacing("\n", with: #"\n"#), forURLs, text.replacing("/", with: #"\/"#)] {
            let answer = post("/v1/models/digits:classify", Array(#"{"image": "\#(spelled)"}"#.utf8))
            #expect(answer.json["predictions"] == expected, "\(answer.json.text)")
            let predicted = api.post(#"{"instances": [{"b64": "\#(spelled)"}]}"#, to: "digits", "predict")
            #expect(predicted.status == .ok)
        }
        let broken = post(
            "/v1/models/digits:classify",
            Array(#"{"image": "data:image/png;base64,iVBO%"}"#.utf8)
        )
        #expect(broken.status == 400)
        #expect(
            broken.json["error"]?.string?.contains("'%', which is no base64 digit at byte 26 of the string")
                == true
        )
    }

    @Test func `crops are listed on demand with their boxes and best classes`() throws {
        defer { scheduler.stop() }
        let png = try Repository.example("digit-7.png")
        let plain = post("/v1/models/digits:classify?crops=ten", png)
        #expect(plain.json["crops"] == .object(["mode": .string("ten"), "count": .integer(5)]))
        let detailed = post("/v1/models/digits:classify?crops=five&detail=crops", png)
        let crops = try #require(detailed.json["crops"]?["crops"])
        #expect(crops[0]?["box"] == .array([0, 0, 32, 32].map(JSONValue.integer)))
        #expect(crops[4]?["box"] == .array([2, 2, 32, 32].map(JSONValue.integer)))
        #expect(crops[4]?["mirrored"] == .bool(false))
        #expect(crops[4]?["top1"]?["label"] == .string("7"))
        #expect(crops[4]?["scale"] == .integer(28))
        #expect(crops[5] == nil)
    }

    @Test func `more classes than there are gives all of them`() throws {
        defer { scheduler.stop() }
        let answer = post("/v1/models/digits:classify?top_k=1000", try Repository.example("digit-3.png"))
        guard case .array(let predictions)? = answer.json["predictions"] else {
            Issue.record("\(answer.json.text)")
            return
        }
        #expect(predictions.count == 10)
        let sum = predictions.compactMap { $0["probability"]?.number }.reduce(0, +)
        #expect(abs(sum - 1) < 1e-6)
    }

    @Test(arguments: [
        ("/v1/models/digits:classify?top_k=0", 400, "top_k"),
        ("/v1/models/digits:classify?crops=tne", 400, "did you mean 'ten'"),
        ("/v1/models/digits:classify?average=mean", 400, "probabilities, logits"),
        ("/v1/models/digits:classify?detail=all", 400, "expected crops"),
        ("/v1/models/digits:classify?scales=28,,32", 400, "separated by commas, found '28,,32'"),
        ("/v1/models/digits:classify?scales=0", 400, "whole numbers of 1 to 65535"),
        ("/v1/models/digits:classify?scales=28,big", 400, "whole numbers of 1 to 65535"),
        ("/v1/models/digits:classify?scales=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", 400, "1 to 16 whole numbers"),
        ("/v1/models/digits:classify?crops=dense&scales=60000", 413, "more than the 120000000 pixels"),
        ("/v1/models/digits:classify?scale=28", 400, "did you mean 'scales'"),
        ("/v1/models/digits:classify?timeout_ms=-5", 400, "timeout_ms"),
        ("/v1/models/digits:classify?crop=ten", 400, "did you mean 'crops'"),
        ("/v1/models/digit:classify", 404, "did you mean 'digits'"),
        ("/v1/models/digits/versions/2:classify", 404, "version"),
        ("/v1/models/surnames:classify", 400, "not images"),
        ("/v1/models/digits:clasify", 404, ":classify"),
    ])
    func `refuses what it cannot do and says why`(target: String, status: Int, part: String) throws {
        defer { scheduler.stop() }
        let answer = post(target, try Repository.example("digit-7.png"))
        #expect(answer.status == status)
        let sentence = answer.json["error"]?.string ?? ""
        #expect(sentence.contains(part), "\(sentence)")
        #expect(answer.json["code"]?.string?.isEmpty == false)
    }

    @Test func `a passed deadline is 504`() throws {
        defer { scheduler.stop() }
        let late = request(
            "/v1/models/digits:classify?timeout_ms=1",
            try Repository.example("digit-7.png"),
            nil,
            .now - .seconds(1)
        )
        #expect(api.respond(to: late).status == .gatewayTimeout)
    }

    // MARK: - Sequences

    @Test func `texts give a prediction each, with scores on demand`() throws {
        defer { scheduler.stop() }
        let body = Array(#"{"instances": ["Takahashi", "Papadopoulos"], "parameters": {"top_k": 3}}"#.utf8)
        let answer = post("/v1/models/surnames:predict", body, type: "application/json")
        let predictions = try #require(answer.json["predictions"])
        #expect(predictions[0]?["label"] == .string("Japanese"))
        #expect(predictions[1]?["label"] == .string("Greek"))
        #expect(predictions[1]?["scores"]?[2]?["label"] != nil)
        #expect(predictions[1]?["scores"]?[3] == nil)
        #expect(predictions[2] == nil)
    }

    @Test func `a byte-order mark is no part of a text or of JSON`() throws {
        defer { scheduler.stop() }
        let json = #"{"instances": ["Takahashi"]}"#
        let plain = api.post(json, to: "surnames", "predict").body
        #expect(api.post("\u{FEFF}\(json)", to: "surnames", "predict").body == plain)
        for text in ["Takahashi", "\u{FEFF}Takahashi\n"] {
            let answer = post("/v1/models/surnames:predict", Array(text.utf8), type: "text/plain")
            #expect(answer.json == (try JSONValue(parsing: plain)))
        }
    }

    @Test func `a text body is one instance`() throws {
        defer { scheduler.stop() }
        let answer = post(
            "/v1/models/surnames:predict",
            Array("Takahashi".utf8),
            type: "text/plain; charset=utf-8"
        )
        #expect(answer.json["predictions"]?[0]?["label"] == .string("Japanese"))
        let invalid = post("/v1/models/surnames:predict", [0xC3, 0x28], type: "text/plain")
        #expect(invalid.status == 400)
        #expect(invalid.json["code"] == .string("invalid_utf8"))
    }

    @Test func `unknown tokens are counted`() throws {
        defer { scheduler.stop() }
        let body = Array(#"{"instances": ["Ta\u2603ka"]}"#.utf8)
        let answer = post("/v1/models/surnames:predict", body, type: "application/json")
        #expect(answer.json["predictions"]?[0]?["unknown_tokens"] == .integer(1))
    }

    @Test func `images go through predict as base64`() throws {
        defer { scheduler.stop() }
        let base64 = Data(try Repository.example("digit-3.png")).base64EncodedString()
        let body = Array(
            #"{"instances": [{"b64": "\#(base64)"}, {"image_bytes": {"b64": "\#(base64)"}}]}"#.utf8
        )
        let answer = post("/v1/models/digits:predict", body, type: "application/json")
        #expect(answer.json["predictions"]?[0]?["label"] == .string("3"), "\(answer.json.text)")
        #expect(answer.json["predictions"]?[0] == answer.json["predictions"]?[1])
        let wrong = post(
            "/v1/models/digits:predict",
            Array(#"{"instances": ["x"]}"#.utf8),
            type: "application/json"
        )
        #expect(wrong.status == 400)
    }

    @Test(arguments: [
        (#"{"instances": "x"}"#, "an array"), (#"{"instances": []}"#, "1 to 1024"), ("[]", "a JSON object"),
        (#"{"instances": ["x"], "parameters": {"topk": 1}}"#, "did you mean 'top_k'"),
        (#"{"instances": ["x"], "parameters": {"top_k": 0.5}}"#, "whole number"),
        (#"{"instances": ["x"], "parameters": 3}"#, "an object"),
        (#"{"instances": ["x", [1]]}"#, "instance 1"), (#"{"instances": [NaN]}"#, "JSON"),
    ])
    func `malformed predictions are 400`(body: String, part: String) {
        defer { scheduler.stop() }
        let answer = post("/v1/models/surnames:predict", Array(body.utf8), type: "application/json")
        #expect(answer.status == 400)
        #expect(answer.json["error"]?.string?.contains(part) == true, "\(answer.json.text)")
    }

    // MARK: - The rest

    @Test func `lists, describes and labels models`() {
        defer { scheduler.stop() }
        let list = get("/v1/models").json["models"]
        #expect(list?[0]?["name"] == .string("digits"))
        #expect(list?[0]?["state"] == .string("ready"))
        #expect(list?[0]?["parameters"] == .integer(61_706))
        #expect(list?[1]?["task"] == .string("sequence-classification"))
        let one = get("/v1/models/digits/versions/1").json
        #expect(one["model_version_status"]?[0]?["state"] == .string("AVAILABLE"))
        #expect(get("/v1/models/digits/labels").json["labels"]?[9] == .string("9"))
        #expect(get("/v1/models/nothing").status == 404)
    }

    @Test func `says live and ready, and not ready once it drains`() {
        defer { scheduler.stop() }
        #expect(get("/livez").status == 200)
        #expect(get("/readyz").status == 200)
        api.beginDraining()
        #expect(get("/livez").status == 200)
        let answer = api.respond(to: request("/readyz", [], nil, .now, method: .get))
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.fields[.retryAfter] != nil)
    }

    @Test func `a wrong method is 405 with Allow, and OPTIONS lists what is allowed`() {
        defer { scheduler.stop() }
        let wrong = api.respond(to: request("/v1/models", [], nil, .now, method: .post))
        #expect(wrong.status == .methodNotAllowed)
        #expect(wrong.fields[.allow] == "GET, HEAD, OPTIONS")
        let options = api.respond(to: request("/v1/models", [], nil, .now, method: .options))
        #expect(options.status == .noContent)
    }

    @Test func `metrics count requests, items and refusals`() throws {
        defer { scheduler.stop() }
        _ = post("/v1/models/digits:classify", try Repository.example("digit-7.png"))
        _ = post("/v1/models/digits:classify", Array("no image".utf8))
        let scrape = api.respond(to: request("/metrics", [], nil, .now, method: .get))
        let metrics = try MetricParser(scrape.body)
        let route = ["route": "classify", "method": "POST"]
        let ok = metrics.value("martlet_http_requests_total", route.merging(["status": "200"]) { $1 })
        let bad = metrics.value("martlet_http_requests_total", route.merging(["status": "422"]) { $1 })
        #expect(ok == 1 && bad == 1)
        let model = ["model": "digits", "version": "1"]
        #expect((metrics.value("martlet_items_total", model) ?? 0) >= 1)
        for name in ["decode", "preprocess", "queue", "inference", "request"] {
            #expect(metrics.value("martlet_\(name)_duration_seconds_count", model) == 1)
        }
    }

    @Test func `a traced request is told its span, and without a valid trace there is none`() throws {
        defer { scheduler.stop() }
        let traceParent = try #require(HTTPField.Name("traceparent"))
        let traceResponse = try #require(HTTPField.Name("traceresponse"))
        let trace = "0af7651916cd43dd8448eb211c80319c"
        let valid = HTTPField(name: traceParent, value: "00-\(trace)-b7ad6b7169203331-01")
        func answer(_ fields: [HTTPField]) -> Response {
            api.respond(to: Request(method: .get, path: "/livez", fields: HTTPFields(fields)))
        }
        let echo = try #require(answer([valid]).fields[traceResponse])
        #expect(echo.hasPrefix("00-\(trace)-") && echo.hasSuffix("-01") && echo.utf8.count == 55)
        #expect(!echo.contains("b7ad6b7169203331"))
        for fields in [[], [HTTPField(name: traceParent, value: "00-\(trace)-0-01")], [valid, valid]] {
            #expect(answer(fields).fields[traceResponse] == nil)
            #expect(answer(fields).status == .ok)
        }
    }

    @Test func `every answer says how long it took`() throws {
        defer { scheduler.stop() }
        let image = api.respond(
            to: request("/v1/models/digits:classify", try Repository.example("digit-7.png"), nil, .now)
        )
        let timing = image.fields[HTTPField.Name("Server-Timing")!] ?? ""
        for part in ["decode;dur=", "preprocess;dur=", "queue;dur=", "inference;dur=", "total;dur="] {
            #expect(timing.contains(part), "\(timing)")
        }
    }

    // MARK: - Requests

    private struct Answered {
        let status: Int
        let json: JSONValue
    }

    private func get(_ target: String) -> Answered { answered(request(target, [], nil, .now, method: .get)) }

    private func post(_ target: String, _ body: [UInt8], type: String? = nil) -> Answered {
        answered(request(target, body, type, .now))
    }

    private func answered(_ request: Request) -> Answered {
        let response = api.respond(to: request)
        let json = try? JSONValue(parsing: response.body) // nil fails the expectations on its members
        return Answered(status: response.status.code, json: json ?? .null)
    }

    private func request(
        _ target: String,
        _ body: [UInt8],
        _ type: String?,
        _ received: ContinuousClock.Instant,
        method: HTTPRequest.Method = .post
    ) -> Request {
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = parts.count < 2 ? "" : parts[1]
        let pairs = query.split(separator: "&").map { pair in
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Query.Pair(name: String(halves[0]), value: String(halves[1]))
        }
        var fields = HTTPFields()
        fields[.contentType] = type
        return Request(
            method: method,
            path: String(parts[0]),
            query: Query(pairs),
            fields: fields,
            body: body,
            received: received
        )
    }

    private func form(_ parts: [(name: String, filename: String?, body: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            let filename = part.filename.map { "; filename=\"\($0)\"" } ?? ""
            bytes += Array(
                "--cut\r\nContent-Disposition: form-data; name=\"\(part.name)\"\(filename)\r\n\r\n".utf8
            )
            bytes += part.body + Array("\r\n".utf8)
        }
        return bytes + Array("--cut--\r\n".utf8)
    }
}

extension JSONValue {
    fileprivate var string: String? { if case .string(let value) = self { value } else { nil } }

    fileprivate var number: Double? { if case .number(let value) = self { value } else { nil } }

    /// The element of an array; nil when there is none.
    fileprivate subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}
