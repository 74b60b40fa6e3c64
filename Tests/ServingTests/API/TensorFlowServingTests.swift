import API
import HTTP
import Support
import Testing

/// TensorFlow Serving's REST API on the bundled models, its numbers beside Martlet's own.
struct TensorFlowServingTests {
    private let api: BundledAPI

    init() throws { api = try BundledAPI(["digits", "surnames", "tagger", "temperature"]) }

    private func predictions(_ path: String, _ json: String) -> [JSONValue] {
        api.post(path, json: json).json["predictions"]?.elements ?? []
    }

    @Test func `columns have the numbers of rows`() throws {
        let rows = predictions(
            "/v1/models/surnames:predict",
            #"{"instances": ["Takahashi", "Papadopoulos"]}"#
        )
        for inputs in [#"["Takahashi", "Papadopoulos"]"#, #"{"text": ["Takahashi", "Papadopoulos"]}"#] {
            let answer = api.post("/v1/models/surnames:predict", json: #"{"inputs": \#(inputs)}"#)
            #expect(answer.json.keys == ["outputs"])
            for key in ["label", "index", "probability"] {
                #expect(answer.json["outputs"]?[key]?.elements == rows.compactMap { $0[key] })
            }
        }
    }

    @Test func `the steps of a text are the elements of its column`() throws {
        let tags = predictions("/v1/models/tagger:predict", #"{"instances": ["It rains ."]}"#)[0].elements
        let answer = api.post("/v1/models/tagger:predict", json: #"{"inputs": ["It rains ."]}"#)
        #expect(tags.count == 3)
        #expect(answer.json["outputs"]?["label"]?.elements == [.array(tags.compactMap { $0["label"] })])
    }

    @Test func `the name of a lone output is left out`() throws {
        let row = predictions("/v1/models/temperature:predict", #"{"instances": [[[10], [12.5]]]}"#)[0]
        let answer = api.post("/v1/models/temperature:predict", json: #"{"inputs": [[[10], [12.5]]]}"#)
        #expect(answer.json["outputs"]?.elements.first == row["value"])
    }

    @Test func `an instance may stand under the name of its input`() throws {
        let plain = predictions("/v1/models/surnames:predict", #"{"instances": ["Takahashi"]}"#)
        let named = predictions("/v1/models/surnames:predict", #"{"instances": [{"text": "Takahashi"}]}"#)
        #expect(plain == named && plain.count == 1)
    }

    @Test func `examples of texts and of images give every class with its probability`() throws {
        let own = predictions(
            "/v1/models/surnames:predict",
            #"{"instances": ["Takahashi"], "parameters": {"scores": true}}"#
        )[0]["scores"]?.elements
        let texts = api.post("/v1/models/surnames:classify", json: #"{"examples": [{"text": "Takahashi"}]}"#)
        let pairs = try #require(texts.json["results"]?.elements.first).elements
        #expect(pairs.count == 18)
        #expect(pairs.map(\.elements) == own?.map { [$0["label"], $0["probability"]].compactMap(\.self) })

        let image = try BundledAPI.example()
        let body =
            #" {"signature_name": "classify", "examples": [{"image_bytes": {"b64": "\#(image.base64)"}}]}"#
        let images = api.post("/v1/models/digits:classify", json: body)
        let classes = api.post(
            "/v1/models/digits:classify",
            image.bytes,
            query: [.init(name: "top_k", value: "10")]
        )
        #expect(
            images.json["results"]?.elements.first?.elements.map(\.elements)
                == classes.json["predictions"]?.elements.map {
                    [$0["label"], $0["probability"]].compactMap(\.self)
                }
        )
        // The same route still takes Martlet's own JSON, whatever comes first in it.
        let native = api.post("/v1/models/digits:classify", json: #"{"image": "\#(image.base64)"}"#)
        #expect(native.json["predictions"]?.elements.first?["label"] == .string("7"))
    }

    @Test func `a regression answers a number for each example`() throws {
        let row = predictions("/v1/models/temperature:predict", #"{"instances": [[[10], [12.5]]]}"#)[0]
        let answer = api.post(
            "/v1/models/temperature:regress",
            json: #"{"examples": [{"features": [[10], [12.5]]}], "context": {}}"#
        )
        #expect(answer.json["results"]?.elements == row["value"]?.elements)
    }

    @Test func `metadata names the inputs and outputs that predict takes and gives`() throws {
        let answer = api.get("/v1/models/tagger/versions/1/metadata")
        let signature = answer.json["metadata"]?["signature_def"]?["signature_def"]?["serving_default"]
        #expect(signature?["inputs"]?["text"]?["dtype"] == .string("DT_STRING"))
        #expect(signature?["outputs"]?["label"]?["tensor_shape"]?["dim"]?.elements.count == 2)
        #expect(answer.json["model_spec"]?["version"] == .string("1"))
    }

    @Test func `the label latest names the version that answers`() throws {
        #expect(api.get("/v1/models/surnames/labels/latest").json["version"] == .string("1"))
        let answer = api.post(
            "/v1/models/surnames/labels/latest:predict",
            json: #"{"instances": ["Takahashi"]}"#
        )
        #expect(answer.json["predictions"]?.elements.first?["label"] == .string("Japanese"))
        let unknown = api.get("/v1/models/surnames/labels/canary")
        #expect(unknown.status == 404)
        #expect(unknown.json["error"]?.textValue?.contains("it has latest") == true)
    }

    @Test(arguments: [
        ("surnames:predict", #"{"instances": ["x"], "inputs": ["x"]}"#, "not both"),
        ("surnames:predict", #"{"inputs": "x"}"#, "an array, or an object"),
        ("surnames:predict", #"{"inputs": {"words": ["x"]}}"#, "the model's is 'text'"),
        ("surnames:predict", #"{"inputs": []}"#, "inputs: expected 1 to 1024"),
        ("surnames:predict", #"{"instances": [{"words": "x"}]}"#, "expected 'text'"),
        ("surnames:predict", #"{"instances": [{}]}"#, "empty object"),
        ("surnames:predict", #"{"signature_name": "other", "instances": ["x"]}"#, "serving_default"),
        ("surnames:predict", #"{"signature_name": 1, "instances": ["x"]}"#, "signature_name"),
        ("surnames:classify", #"{"examples": []}"#, "1 to 1024 examples"),
        ("surnames:classify", #"{"examples": [{"text": "x"}], "context": {"text": "y"}}"#, "context"),
        ("surnames:classify", #"{"examples": [{"text": 1}]}"#, "example 0"),
        ("tagger:classify", #"{"examples": [{"text": "x"}]}"#, "no form"),
        ("digits:regress", #"{"examples": [{"image_bytes": {"b64": "AA=="}}]}"#, "no form"),
    ])
    func `refuses what it cannot do and says why`(target: String, body: String, part: String) throws {
        let answer = api.post("/v1/models/\(target)", json: body)
        #expect(answer.status == 400)
        #expect(
            answer.json["error"]?.textValue?.contains(part) == true,
            "\(answer.json["error"]?.textValue ?? "")"
        )
    }
}
