import API
import Foundation
import HTTP
import HTTPTypes
import Inference
import Models
import Support
import Tasks
import Testing

/// `:caption`, and the other ways to ask a model for captions, without a socket.
struct CaptionEndpointTests {
    private let folder: TemporaryFolder
    private let scheduler: Scheduler
    private let limit = GenerationLimit(2)
    private let api: Service

    init() throws {
        folder = try TemporaryFolder()
        try CaptionModel.write("looks", to: folder)
        try CaptionModel.write("tells", to: folder, architecture: "show_and_tell")
        scheduler = try Scheduler(threads: 1)
        api = try Service(
            registry: try TranslationModel.registry(of: folder),
            metrics: ServingMetrics(version: "test"),
            scheduler: scheduler,
            generations: limit,
            sequences: SequenceStore()
        )
    }

    private func post(
        _ path: String,
        _ query: [(String, String)] = [],
        _ body: [UInt8],
        type: String = "image/jpeg",
        accept: String? = nil
    ) -> Response {
        api.respond(
            to: Request(
                method: .post,
                path: path,
                query: Query(query.map { Query.Pair(name: $0.0, value: $0.1) }),
                fields: [.contentType: type],
                body: body,
                accept: accept
            )
        )
    }

    private func json(_ response: Response) throws -> JSONValue { try JSONValue(parsing: response.body) }

    private func caption(_ query: [(String, String)] = [], of model: String = "looks") throws -> JSONValue {
        try json(post("/v1/models/\(model):caption", query, Repository.example("horse.jpg")))
    }

    private func array(_ value: JSONValue?) -> [JSONValue] {
        if case .array(let elements)? = value { elements } else { [] }
    }

    @Test func `answers the text, its tokens, its score, and facts of the image`() throws {
        defer { scheduler.stop() }
        let answer = try caption()
        let tokens = array(answer["tokens"])
        let words = tokens.map { if case .string(let word) = $0 { word } else { "" } }
        #expect(!words.isEmpty && answer["text"] == .string(words.joined(separator: " ")))
        #expect(answer["model"] == .string("looks") && answer["stop"] != nil)
        guard case .number(let score)? = answer["score"] else {
            Issue.record("\(answer.text)")
            return
        }
        #expect(score < 0)
        #expect(answer["beams"] == nil && answer["attention"] == nil && answer["seed"] == nil)
        #expect(answer["image"]?["width"] == .number(32))
        #expect(try caption(of: "tells")["text"] != answer["text"])
    }

    @Test func `lists beams, keeps to the most tokens, and draws what a seed says`() throws {
        defer { scheduler.stop() }
        let answer = try caption([("beams", "3"), ("max_tokens", "4"), ("length_penalty", "0.6")])
        let beams = array(answer["beams"])
        #expect(beams.count == 3 && beams[0]["tokens"] == answer["tokens"])
        #expect(beams.allSatisfy { array($0["tokens"]).count <= 4 })
        let drawn = try caption([("temperature", "3"), ("seed", "5")])
        #expect(drawn["seed"] == .number(5))
        #expect(try caption([("temperature", "3"), ("seed", "5")])["tokens"] == drawn["tokens"])
        #expect(try caption([("top_k", "1")])["tokens"] == caption()["tokens"])
    }

    @Test func `has a map for each token, as numbers or drawn`() throws {
        defer { scheduler.stop() }
        let answer = try caption([("detail", "attention")])
        let attention = answer["attention"]
        let maps = array(attention?["maps"])
        #expect(maps.count == array(answer["tokens"]).count)
        #expect(attention?["height"] == .number(8) && attention?["width"] == .number(8))
        #expect(array(attention?["box"]) == [0, 0, 32, 32].map(JSONValue.number))
        #expect(
            maps.allSatisfy { map in array(map).count == 8 && array(map).allSatisfy { array($0).count == 8 } }
        )
        let image = try Repository.example("pagoda.jpg")
        for drawn in [
            post("/v1/models/looks:caption", [("format", "png")], image),
            post("/v1/models/looks:predict", [], image, accept: "image/png"),
        ] {
            #expect(drawn.status == .ok && drawn.fields[.contentType] == "image/png")
            #expect(drawn.body.starts(with: [0x89, 0x50]))
        }
    }

    @Test func `several images are answered in order, as each alone, and one bad one spoils only its own`()
        throws
    {
        defer { scheduler.stop() }
        let names = ["horse.jpg", "pagoda.jpg", "digit-3.png"]
        let images = try names.map { "\"\(Data(try Repository.example($0)).base64EncodedString())\"" }
        let alone = try names.map {
            try json(post("/v1/models/looks:caption", [], Repository.example($0)))["text"]
        }
        let body = #"{"images": [\#(images[0]), "bm90IGFuIGltYWdl", \#(images[1]), \#(images[2])]}"#
        let results = array(
            try json(
                post("/v1/models/looks:caption", [("beams", "2")], Array(body.utf8), type: "application/json")
            )["results"]
        )
        #expect(results.count == 4 && results[1]["code"] == .string("undecodable_image"))
        let greedy = array(
            try json(post("/v1/models/looks:caption", [], Array(body.utf8), type: "application/json"))[
                "results"
            ]
        )
        #expect([greedy[0], greedy[2], greedy[3]].map { $0["text"] } == alone)
        let form =
            Data("--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"h\"\r\n\r\n".utf8)
            + Data(try Repository.example("horse.jpg")) + Data("\r\n--b--\r\n".utf8)
        let posted = post(
            "/v1/models/looks:caption",
            [],
            Array(form),
            type: "multipart/form-data; boundary=b"
        )
        #expect(try json(posted)["text"] == alone[0])
    }

    @Test func `other protocols have a form of captions`() throws {
        defer { scheduler.stop() }
        let image = try Repository.example("horse.jpg")
        let base64 = Data(image).base64EncodedString()
        let own = try caption()
        let instances = #"{"instances": [{"b64": "\#(base64)"}], "parameters": {"beams": 2, "top_k": 2}}"#
        let predicted = array(
            try json(post("/v1/models/looks:predict", [], Array(instances.utf8), type: "application/json"))[
                "predictions"
            ]
        )
        #expect(array(predicted.first?["beams"]).count == 2)
        #expect(try json(post("/v1/models/looks:predict", [], image))["text"] == own["text"])
        let hugging = try json(post("/hf/looks", [], image))
        #expect(array(hugging).first?["generated_text"] == own["text"])
        let short = #"{"inputs": "\#(base64)", "parameters": {"max_new_tokens": 2}}"#
        let two = try json(post("/hf/looks", [], Array(short.utf8), type: "application/json"))
        guard case .string(let text)? = array(two).first?["generated_text"] else {
            Issue.record("\(two.text)")
            return
        }
        #expect(text.split(separator: " ").count <= 2)
        let infer =
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": ["\#(base64)"]}]}"#
        let outputs = array(
            try json(post("/v2/models/looks/infer", [], Array(infer.utf8), type: "application/json"))[
                "outputs"
            ]
        )
        #expect(outputs.map { $0["name"] } == ["text", "steps", "score"].map(JSONValue.string))
        #expect(array(outputs.first?["data"]).first == own["text"])
        #expect(try json(post("/predictions/looks", [], image)) == own["text"])
    }

    // swift-format-ignore
    static let faults: [(path: String, query: [(String, String)], status: Int, message: String)] = [
        ("looks:caption", [("beams", "0")], 400, "beams: expected a whole number from 1 to 16, found '0'"),
        ("looks:caption", [("beams", "17")], 400, "beams: expected a whole number from 1 to 16, found '17'"),
        ("looks:caption", [("max_tokens", "13")], 400, "max_tokens: expected at most 12, the model's own 'max_length', found '13'"),
        ("looks:caption", [("temperature", "-1")], 400, "temperature: expected a number from 0 to 100, found '-1'"),
        ("looks:caption", [("top_p", "0")], 400, "top_p: expected a number above 0, at most 1, found '0'"),
        ("looks:caption", [("seed", "1.5")], 400, "seed: expected a whole number from 0 to 9007199254740991, found '1.5'"),
        ("looks:caption", [("beams", "2"), ("seed", "1")], 400, "beams: expected 1 where tokens are drawn by temperature, top_k, top_p or seed, found '2'"),
        ("looks:caption", [("detail", "crops")], 400, "detail: expected attention, found 'crops'"),
        ("looks:caption", [("beam", "2")], 400, "unknown parameter 'beam'; did you mean 'beams'?"),
        ("tells:caption", [("detail", "attention")], 400, "detail: model 'tells' looks at an image as a whole, so that words have no maps"),
        ("looks:classify", [], 400, "model 'looks' is for 'image-captioning', not 'image-classification'; use ':caption'"),
        ("looks:detect", [], 400, "model 'looks' is for 'image-captioning', not 'object-detection'; use ':caption'"),
    ]

    @Test(arguments: faults)
    func `says what is wrong`(fault: (path: String, query: [(String, String)], status: Int, message: String))
        throws
    {
        defer { scheduler.stop() }
        let response = post("/v1/models/\(fault.path)", fault.query, try Repository.example("horse.jpg"))
        #expect(response.status.code == fault.status)
        #expect(try json(response)["error"] == .string(fault.message))
        #expect(limit.count == 0)
    }

    @Test func `refuses bodies that are no image, and more than it writes at a time`() throws {
        defer { scheduler.stop() }
        #expect(post("/v1/models/looks:caption", [], Array("no".utf8)).status == .unprocessableContent)
        #expect(post("/v1/models/looks:caption", [], []).status == .badRequest)
        let permits = [try limit.permit(), try limit.permit()]
        let full = post("/v1/models/looks:caption", [], try Repository.example("horse.jpg"))
        withExtendedLifetime(permits) {}
        #expect(full.status == .serviceUnavailable)
        #expect(try json(full)["code"] == .string("generations_full"))
    }
}
