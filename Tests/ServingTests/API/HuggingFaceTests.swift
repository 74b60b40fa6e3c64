import API
import Foundation
import HTTP
import Support
import Testing

/// Hugging Face's inference API on the bundled models.
struct HuggingFaceTests {
    private let api: BundledAPI

    init() throws { api = try BundledAPI(["digits", "surnames", "tagger", "shakespeare", "temperature"]) }

    @Test func `an image gives labels and scores, however it is sent`() throws {
        let image = try BundledAPI.example()
        let own = api.post("/v1/models/digits:classify", image.bytes).json["predictions"]?.elements ?? []
        let expected = own.map {
            JSONValue.object(["label": $0["label"] ?? .null, "score": $0["probability"] ?? .null])
        }
        for type in [nil, "image/png", "image/jpeg", "application/json", "text/plain", "*/*"] {
            #expect(api.post("/hf/digits", image.bytes, type: type).json == .array(expected))
        }
        let body = #"{"inputs": "\#(image.base64)", "parameters": {"top_k": 2, "function_to_apply": null}}"#
        #expect(api.post("/hf/digits", json: body).json == .array(Array(expected.prefix(2))))
        let several = api.post("/hf/digits", json: #"{"inputs": ["\#(image.base64)"], "options": {}}"#)
        #expect(several.json == .array([.array(expected)]))
    }

    @Test func `the function that a client chooses makes the scores`() throws {
        let image = try BundledAPI.example()
        let own = api.post("/v1/models/digits:classify", image.bytes).json["predictions"]?.elements ?? []
        func score(_ function: String) -> JSONValue? {
            let body = #"{"inputs": "\#(image.base64)", "parameters": {"function_to_apply": "\#(function)"}}"#
            return api.post("/hf/digits", json: body).json.elements.first?["score"]
        }
        #expect(score("softmax") == own[0]["probability"])
        #expect(score("none") == own[0]["logit"])
        guard case .number(let sigmoid)? = score("sigmoid"), case .number(let logit)? = own[0]["logit"] else {
            Issue.record("no scores")
            return
        }
        #expect(abs(sigmoid - 1 / (1 + exp(-logit))) < 1e-6)
        #expect(score("relu") == nil)
    }

    @Test func `texts give a list of classes each`() throws {
        let own =
            api.post(
                "/v1/models/surnames:predict",
                json: #"{"instances": ["Takahashi"], "parameters": {"scores": true}}"#
            ).json["predictions"]?.elements.first?["scores"]?.elements ?? []
        let answer = api.post("/hf/surnames", json: #"{"inputs": "Takahashi"}"#).json.elements
        #expect(answer.count == 1)
        #expect(answer.first?.elements.map { $0["score"] } == own.map { $0["probability"] })
        let two = api.post("/hf/surnames", json: #"{"inputs": ["a", "b"], "parameters": {"top_k": 1}}"#)
        #expect(two.json.elements.map(\.elements.count) == [1, 1])
        let text = api.post("/hf/surnames", Array("Takahashi".utf8), type: "text/plain")
        #expect(text.json.elements == answer)
    }

    @Test func `tokens have their places in the text as Python counts them`() throws {
        let answer = api.post("/hf/tagger", json: #"{"inputs": "🐦  Birds sing ."}"#).json.elements
        let birds = answer.first { $0["word"] == .string("Birds") }
        #expect(birds?["start"] == .integer(3))
        #expect(birds?["end"] == .integer(8))
        let ignored = birds?["entity"]?.textValue ?? ""
        let body = #"{"inputs": "🐦  Birds sing .", "parameters": {"ignore_labels": ["\#(ignored)"]}}"#
        #expect(
            api.post("/hf/tagger", json: body).json.elements.allSatisfy { $0["entity"]?.textValue != ignored }
        )
    }

    @Test func `neighbours of one label are one entity, but B- begins another`() throws {
        let folder = try TemporaryFolder()
        let copy = "\(folder.path)/tagger"
        try FileManager.default.copyItem(atPath: Repository.weights + "/tagger", toPath: copy)
        let labels = try String(contentsOfFile: copy + "/labels.txt", encoding: .utf8)
        let renamed = labels.split(separator: "\n").map {
            $0 == "PROPN" ? "B-NAME" : $0 == "NOUN" ? "I-NAME" : $0
        }
        try folder.write(renamed.joined(separator: "\n") + "\n", to: "tagger/labels.txt")
        let names = try BundledAPI(["tagger"], in: folder.path)
        func entities(_ text: String, _ strategy: String) -> [JSONValue] {
            let body = #"{"inputs": "\#(text)", "parameters": {"aggregation_strategy": "\#(strategy)"}}"#
            return names.post("/hf/tagger", json: body).json.elements
        }
        let text = "Google employees met Obama"
        let tokens = entities(text, "none")
        let groups = entities(text, "simple")
        #expect(tokens.map { $0["entity"]?.textValue } == ["B-NAME", "I-NAME", "VERB", "B-NAME"])
        #expect(groups.map { $0["word"]?.textValue } == ["Google employees", "met", "Obama"])
        #expect(groups.map { $0["entity_group"]?.textValue } == ["NAME", "VERB", "NAME"])
    }

    @Test func `a text goes on greedily unless something is to be drawn`() throws {
        let own =
            api.post(
                "/v1/models/shakespeare:generate",
                json: #"{"prompt": "ROMEO:", "temperature": 0, "max_tokens": 8}"#
            ).json["text"]?.textValue ?? ""
        let body =
            #"{"inputs": "ROMEO:", "parameters": {"max_new_tokens": 8, "details": true}, "stream": null}"#
        let answer = api.post("/hf/shakespeare", json: body).json.elements.first
        #expect(answer?["generated_text"] == .string(own))
        let tokens = answer?["details"]?["tokens"]?.elements ?? []
        #expect(tokens.compactMap { $0["text"]?.textValue }.joined() == own)
        #expect(answer?["details"]?["finish_reason"] == .string("length"))
        let stopped = api.post(
            "/hf/shakespeare",
            json:
                #"{"inputs": "ROMEO:", "parameters": {"stop": ["\#(own.suffix(1))"], "return_full_text": true}}"#
        ).json.elements.first?["generated_text"]?.textValue
        #expect(stopped?.hasPrefix("ROMEO:") == true)
    }

    @Test func `the events of a stream are the text, and the last has all of it`() throws {
        let body = #"{"inputs": "ROMEO:", "parameters": {"max_new_tokens": 5}, "stream": true}"#
        let request = Request(method: .post, path: "/hf/shakespeare", body: Array(body.utf8))
        let whole = api.service.whole(request)
        #expect(whole.end == .complete)
        let events = try String(decoding: whole.response.body, as: UTF8.self).split(separator: "\n\n").map {
            try JSONValue(parsing: Array($0.dropFirst("data: ".count).utf8))
        }
        #expect(events.count == 5)
        let text = events.compactMap { $0["token"]?["text"]?.textValue }.joined()
        #expect(events.last?["generated_text"] == .string(text))
        #expect(events.first?["generated_text"] == .null)
        #expect(events.last?["details"]?["generated_tokens"] == .integer(5))
    }

    @Test func `a model that is alone answers at the root`() throws {
        let image = try BundledAPI.example()
        let alone = try BundledAPI(["digits"])
        #expect(alone.post("/", image.bytes).json == api.post("/hf/digits", image.bytes).json)
        let unclear = api.post("/", image.bytes)
        #expect(unclear.status == 400)
        #expect(unclear.json["error"]?.textValue?.contains("5 models") == true)
    }

    @Test(arguments: [
        ("digit", "x", 404, "did you mean 'digits'"), ("digits", "x", 422, "JPEG"),
        ("digits", "", 400, "empty"), ("digits", #"{"inputs": "?"}"#, 400, "base64"),
        ("digits", #"{"parameters": {}}"#, 400, "inputs"), ("surnames", "x", 400, "JSON object"),
        ("surnames", #"{"inputs": []}"#, 400, "found 0"), ("surnames", #"{"inputs": 1}"#, 400, "inputs"),
        ("surnames", #"{"inputs": "x", "parameters": {"topk": 1}}"#, 400, "did you mean 'top_k'"),
        ("surnames", #"{"inputs": "x", "parameters": {"top_k": 0}}"#, 400, "top_k"),
        ("surnames", #"{"inputs": "x", "stream": 1}"#, 400, "stream"),
        ("tagger", #"{"inputs": "x", "parameters": {"aggregation_strategy": "some"}}"#, 400, "aggregation"),
        ("tagger", #"{"inputs": "x", "parameters": {"stride": 1}}"#, 400, "stride"),
        ("shakespeare", #"{"inputs": ["x"]}"#, 400, "one text"),
        ("shakespeare", #"{"inputs": "x", "parameters": {"repetition_penalty": 2}}"#, 400, "cannot do"),
        ("shakespeare", #"{"inputs": "x", "parameters": {"top_p": 2}}"#, 400, "top_p"),
        ("temperature", #"{"inputs": [[1]]}"#, 400, "no form"),
    ])
    func `refusals have its form`(model: String, body: String, status: Int, part: String) throws {
        let answer = api.post("/hf/\(model)", Array(body.utf8))
        #expect(answer.status == status)
        #expect(answer.json.keys == ["error", "error_type", "code"])
        #expect(
            answer.json["error"]?.textValue?.contains(part) == true,
            "\(answer.json["error"]?.textValue ?? "")"
        )
        #expect(answer.json["error_type"] == .string("validation"))
    }
}
