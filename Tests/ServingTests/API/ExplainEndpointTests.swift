import API
import HTTP
import HTTPTypes
import Imaging
import Support
import Testing

/// `:explain` on the bundled models.
struct ExplainEndpointTests {
    private let api: BundledAPI

    init() throws {
        api = try BundledAPI(["digits", "cifar10", "sentiment", "shakespeare", "temperature"])
    }

    private func post(_ model: String, _ query: [String: String] = [:], _ body: [UInt8]) -> BundledAPI.Answer
    {
        let pairs = query.sorted { $0.key < $1.key }.map { Query.Pair(name: $0.key, value: $0.value) }
        return api.post("/v1/models/\(model):explain", body, query: pairs)
    }

    @Test func `an image has a grid, a box and a class`() throws {
        let image = try Repository.example("automobile.jpg")
        let answer = post("cifar10", [:], image)
        #expect(answer.status == 200, "\(answer.json.text)")
        let json = answer.json
        #expect(json["model"] == .string("cifar10") && json["method"] == .string("cam"))
        #expect(json["class"]?["label"] == .string("automobile"))
        #expect(json["runs"] == .integer(1))
        let (height, width) = (json["grid"]?["height"], json["grid"]?["width"])
        #expect(height == .integer(10) && width == .integer(10))
        #expect(json["grid"]?["values"]?.elements.count == 10)
        #expect(json["box"]?.elements.count == 4)
        #expect(json["image"]?["format"] == .string("jpeg"))
        // The class is a parameter, by number or by label; `crops` is that of another verb.
        let named = post("cifar10", ["class": "ship", "crops": "ten"], image)
        let numbered = post("cifar10", ["class": "8"], image)
        #expect(named.json["grid"] == numbered.json["grid"] && named.json["grid"] != json["grid"])
    }

    @Test func `a picture is a PNG of the upright image, or of the map alone`() throws {
        let image = try Repository.example("automobile.jpg")
        let size = try ImageDecoder.decode(image[...], color: .rgb)
        let overlay = post("cifar10", ["format": "png"], image)
        let drawn = try ImageDecoder.decode(overlay.body[...], color: .rgb)
        #expect(drawn.format == .png && drawn.width == size.width && drawn.height == size.height)
        let alone = post("cifar10", ["format": "png", "overlay": "false"], image)
        #expect(try ImageDecoder.decode(alone.body[...], color: .rgb).image != drawn.image)
        let preferred = api.service.respond(
            to: Request(
                method: .post,
                path: "/v1/models/digits:explain",
                body: try Repository.example("digit-7.png"),
                accept: "image/png, application/json;q=0.5"
            )
        )
        #expect(preferred.fields[.contentType] == "image/png" && preferred.fields[.vary] == "Accept")
    }

    @Test func `tokens have effects`() throws {
        let answer = api.post("/v1/models/sentiment:explain", json: #"{"instances": ["a great film"]}"#)
        #expect(answer.status == 200, "\(answer.json.text)")
        #expect(
            answer.json["tokens"]?.elements.map { $0["token"] } == ["a", "great", "film"].map { .string($0) }
        )
        #expect(answer.json["runs"] == .integer(4))
        let text = api.post("/v1/models/sentiment:explain", Array("a great film".utf8), type: "text/plain")
        #expect(text.json["tokens"] == answer.json["tokens"])
        let value = api.post("/v1/models/temperature:explain", json: #"{"instances": [[[10], [11], [12]]]}"#)
        #expect(value.json["class"]?["value"] != nil && value.json["class"]?["probability"] == nil)
        #expect(value.json["steps"]?.elements.count == 3)
    }

    // swift-format-ignore
    @Test(arguments: [
        ("cifar10", ["class": "shp"], "did you mean 'ship'?"),
        ("cifar10", ["class": "10"], "expected a number from 0 to 9"),
        ("cifar10", ["method": "gradcam"], "expected one of cam, occlusion, leave-one-out"),
        ("cifar10", ["method": "leave-one-out"], "cam or occlusion"),
        ("cifar10", ["method": "cam", "patch": "4"], "occlusion, which has patches"),
        ("cifar10", ["method": "occlusion", "stride": "0"], "at least 1"),
        ("cifar10", ["method": "occlusion", "stride": "1"], "at most 1024 patches"),
        ("cifar10", ["step": "1"], "an image has none"),
        ("cifar10", ["overlay": "no"], "expected true or false"),
        ("cifar10", ["format": "gif"], "expected one of json, png"),
        ("cifar10", ["klass": "1"], "did you mean 'class'?"),
        ("digits",  ["method": "cam"], "has no class activation map"),
    ])
    func `what is asked for wrongly is refused with a sentence`(
        model: String, query: [String: String], message: String
    ) throws {
        let answer = post(model, query, try Repository.example("automobile.jpg"))
        #expect(answer.status == 400 || answer.status == 413, "\(answer.json.text)")
        #expect(answer.json["error"]?.textValue?.contains(message) == true, "\(answer.json.text)")
    }

    @Test func `bad bodies are refused, and models that write sequences`() throws {
        #expect(post("digits", [:], []).json["code"] == .string("empty_body"))
        #expect(post("digits", [:], Array("no image".utf8)).status == 422)
        let base64 = try BundledAPI.example().base64
        let two = api.post("/v1/models/digits:explain", json: #"{"images": ["\#(base64)", "\#(base64)"]}"#)
        #expect(two.json["code"] == .string("one_image"))
        let texts = api.post("/v1/models/sentiment:explain", json: #"{"instances": ["a", "b"]}"#)
        #expect(texts.json["code"] == .string("one_instance"))
        let generator = api.post("/v1/models/shakespeare:explain", json: #"{"instances": ["ROMEO:"]}"#)
        #expect(generator.json["code"] == .string("wrong_task"))
        #expect(generator.json["error"]?.textValue?.contains("it writes sequences") == true)
        let picture = api.post(
            "/v1/models/sentiment:explain",
            Array("good".utf8),
            type: "text/plain",
            query: [Query.Pair(name: "format", value: "png")]
        )
        #expect(picture.status == 400)
    }
}
