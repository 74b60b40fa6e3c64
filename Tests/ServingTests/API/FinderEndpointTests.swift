import API
import Foundation
import HTTP
import HTTPTypes
import Imaging
import Support
import Testing

/// Objects, classes of pixels and vectors, through every protocol, of networks whose answers are known.
struct FinderEndpointTests {
    private let folder: TemporaryFolder
    private let api: BundledAPI

    init() throws {
        folder = try FinderModels.folder()
        api = try BundledAPI(FinderModels.names, in: folder.path)
    }

    private func post(_ model: String, _ verb: String, _ body: [UInt8], _ query: [String: String] = [:])
        -> BundledAPI.Answer
    {
        let pairs = query.sorted { $0.key < $1.key }.map { Query.Pair(name: $0.key, value: $0.value) }
        return api.post("/v1/models/\(model):\(verb)", body, query: pairs)
    }

    private static let red = JSONValue.object([
        "label": .string("red"), "index": .integer(0), "score": .integer(1),
        "box": .array([24, 8, 56, 40].map(JSONValue.integer)),
    ])
    private static let blueBox = JSONValue.array([88, 24, 120, 56].map(JSONValue.integer))

    // MARK: Objects

    @Test func `boxes are in pixels of the picture, the best first`() throws {
        let answer = try post("detector", "detect", FinderModels.squares())
        #expect(answer.status == 200, "\(answer.json.text)")
        #expect(answer.json["model"] == .string("detector") && answer.json["version"] == .string("1"))
        let detections = answer.json["detections"]?.elements ?? []
        #expect(detections.count == 2)
        #expect(detections.first == Self.red)
        #expect(detections.last?["label"] == .string("blue") && detections.last?["box"] == Self.blueBox)
        #expect(answer.json["image"]?["width"] == .integer(128))
        #expect(answer.json["timing_ms"]?["postprocess"] != nil)
        #expect(
            try post("detector", "predict", FinderModels.squares()).json["detections"]
                == answer.json["detections"]
        )
    }

    @Test func `parameters choose what is listed`() throws {
        let image = try FinderModels.squares()
        func count(_ query: [String: String]) -> Int {
            post("detector", "detect", image, query).json["detections"]?.elements.count ?? -1
        }
        #expect(
            count(["threshold": "0.8"]) == 1 && count(["top_k": "1"]) == 1 && count(["threshold": "1"]) == 1
        )
        // A square over four cells: their boxes overlap by a third.
        let four = try FinderModels.picture(64, 64, [(8..<24, 8..<24, FinderModels.red)])
        func boxes(_ nms: String) -> Int {
            post("detector", "detect", four, ["nms": nms]).json["detections"]?.elements.count ?? -1
        }
        #expect(boxes("0.3") == 2 && boxes("0.1") == 1 && boxes("0.34") == 4 && boxes("1") == 4)
        // swift-format-ignore
        for (query, code) in [
            (["threshold": "2"], "invalid_parameter"), (["nms": "x"], "invalid_parameter"), (["top_k": "0"], "invalid_parameter"),
            (["treshold": "1"], "unknown_parameter"), (["format": "gif"], "invalid_parameter"),
        ] {
            let answer = post("detector", "detect", image, query)
            #expect(answer.status == 400 && answer.json["code"] == .string(code), "\(query): \(answer.json.text)")
        }
    }

    @Test func `one bad image spoils only its own entry`() throws {
        let image = Data(try FinderModels.squares()).base64EncodedString()
        let broken = Data("no image".utf8).base64EncodedString()
        let answer = api.post(
            "/v1/models/detector:detect",
            json: #"{"images": ["\#(image)", "\#(broken)", "\#(image)"]}"#
        )
        let results = answer.json["results"]?.elements ?? []
        #expect(
            results.count == 3 && results[1]["code"] == .string("undecodable_image"),
            "\(answer.json.text)"
        )
        #expect(results[0]["detections"] == results[2]["detections"])
        #expect(results[0]["detections"]?.elements.count == 2)
    }

    @Test func `a picture has the boxes drawn on it`() throws {
        let image = try FinderModels.squares()
        let drawn = post("detector", "detect", image, ["format": "png"])
        let picture = try ImageDecoder.decode(drawn.body[...], color: .rgb).image
        #expect(picture.width == 128 && picture.height == 64)
        let plain = try ImageDecoder.decode(image[...], color: .rgb).image
        #expect(picture != plain)
        let inside = (36 * 128 + 60) * 3
        #expect(picture.pixels[inside..<inside + 3] == plain.pixels[inside..<inside + 3])
        let base64 = Data(image).base64EncodedString()
        let two = api.service.respond(
            to: Request(
                method: .post,
                path: "/v1/models/detector:detect",
                fields: [.contentType: "application/json"],
                body: Array(#"{"images": ["\#(base64)", "\#(base64)"]}"#.utf8),
                accept: "image/png"
            )
        )
        #expect(two.status == .badRequest)
    }

    @Test func `nothing is an answer too`() throws {
        let gray = try FinderModels.picture(20, 10, [])
        #expect(post("detector", "detect", gray).json["detections"] == .array([]))
        #expect(post("detector", "detect", gray, ["format": "png"]).status == 200)
    }

    @Test(arguments: ["classify", "segment", "explain", "generate"])
    func `other verbs say what the model is for`(verb: String) throws {
        let answer =
            try verb == "generate"
            ? api.post("/v1/models/detector:generate", json: #"{"prompt": "a"}"#)
            : post("detector", verb, FinderModels.squares())
        #expect(answer.status == 400 && answer.json["code"] == .string("wrong_task"), "\(answer.json.text)")
        #expect(answer.json["error"]?.textValue?.contains("object-detection") == true, "\(answer.json.text)")
    }

    // MARK: Pixels

    @Test func `runs tell the class of each pixel`() throws {
        let answer = try post("segmenter", "segment", FinderModels.halves())
        #expect(answer.status == 200, "\(answer.json.text)")
        let map = answer.json["map"]
        #expect(map?["height"] == .integer(64) && map?["width"] == .integer(64))
        // Red is above 0.3 until 5.6 pixels behind the last cell of it.
        let row = [1, 34, 0, 30].map(JSONValue.integer)
        #expect(map?["runs"] == .array(Array(repeatElement(row, count: 64).joined())))
        let classes = answer.json["classes"]?.elements ?? []
        #expect(classes.map { $0["label"] } == [.string("ground"), .string("red")])
        #expect(classes.map { $0["pixels"] } == [.integer(30 * 64), .integer(34 * 64)])
        #expect(classes.map { $0["color"] } == [.string("#000000"), .string("#800000")])
        #expect(try post("segmenter", "predict", FinderModels.halves()).json["map"] == map)
    }

    @Test func `the PNG has the classes, or the picture with their colours over it`() throws {
        let image = try FinderModels.halves()
        let mask = post("segmenter", "segment", image, ["format": "png"])
        let map = try ImageDecoder.indices(mask.body[...])
        #expect(
            map.width == 64
                && Array(map.pixels[..<64]) == Array(repeating: 1, count: 34) + Array(repeating: 0, count: 30)
        )
        let colors = try ImageDecoder.decode(mask.body[...], color: .rgb).image
        #expect(Array(colors.pixels[..<3]) == [128, 0, 0])
        let overlay = post("segmenter", "segment", image, ["format": "png", "overlay": "true"])
        let drawn = try ImageDecoder.decode(overlay.body[...], color: .rgb).image
        #expect(Array(drawn.pixels[..<3]) == [185, 0, 0] && Array(drawn.pixels[189..<192]) == [90, 90, 90])
    }

    // MARK: Vectors

    @Test func `a vector has the length 1, and is the same by every way`() throws {
        let image = try FinderModels.halves()
        let answer = post("embedder", "embed", image)
        #expect(answer.status == 200, "\(answer.json.text)")
        let numbers = answer.json["embedding"]?.elements.compactMap { element -> Double? in
            if case .number(let number) = element { number } else { nil }
        }
        #expect(numbers?.count == 5)
        #expect(abs((numbers ?? []).reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        let base64 = Data(image).base64EncodedString()
        let rows = api.post("/v1/models/embedder:predict", json: #"{"instances": [{"b64": "\#(base64)"}]}"#)
        #expect(rows.json["predictions"]?.elements.first?["embedding"] == answer.json["embedding"])
        let columns = api.post("/v1/models/embedder:predict", json: #"{"inputs": [{"b64": "\#(base64)"}]}"#)
        #expect(columns.json["outputs"]?.elements.first == answer.json["embedding"], "\(columns.json.text)")
        #expect(api.post("/hf/embedder", image).json == answer.json["embedding"])
        #expect(api.post("/predictions/embedder", image).json["embedding"] == answer.json["embedding"])
    }

    // MARK: Other protocols

    @Test func `TensorFlow Serving's and KServe's clients send instances`() throws {
        let image = Data(try FinderModels.squares()).base64EncodedString()
        let body =
            #"{"instances": [{"b64": "\#(image)"}], "parameters": {"threshold": 0.8, "nms": 0.5, "top_k": 3}}"#
        let answer = api.post("/v1/models/detector:predict", json: body)
        #expect(
            answer.json["predictions"] == .array([.object(["detections": .array([Self.red])])]),
            "\(answer.json.text)"
        )
        let halves = Data(try FinderModels.halves()).base64EncodedString()
        let map = api.post("/v1/models/segmenter:predict", json: #"{"instances": [{"b64": "\#(halves)"}]}"#)
        #expect(map.json["predictions"]?.elements.first?["classes"]?.elements.count == 2)
        let wrong = api.post(
            "/v1/models/segmenter:predict",
            json: #"{"instances": [{"b64": "\#(halves)"}], "parameters": {"nms": 1}}"#
        )
        #expect(wrong.status == 400)
    }

    @Test func `TorchServe's and Hugging Face's clients have their forms`() throws {
        let image = try FinderModels.squares()
        let torch = api.post("/predictions/detector", image)
        #expect(torch.json["detections"]?.elements.first == Self.red, "\(torch.json.text)")
        let found = api.post("/hf/detector", image)
        #expect(
            found.json.elements.first
                == .object([
                    "label": .string("red"), "score": .integer(1),
                    "box": .object([
                        "xmin": .integer(24), "ymin": .integer(8), "xmax": .integer(56), "ymax": .integer(40),
                    ]),
                ]),
            "\(found.json.text)"
        )
        let body = #"{"inputs": "\#(Data(image).base64EncodedString())", "parameters": {"threshold": 0.9}}"#
        #expect(api.post("/hf/detector", json: body).json.elements.count == 1)
        let masks = api.post("/hf/segmenter", try FinderModels.halves()).json.elements
        #expect(masks.map { $0["label"] } == [.string("ground"), .string("red")])
        let mask = try #require(masks.last?["mask"]?.textValue.flatMap { Data(base64Encoded: $0) })
        let pixels = try ImageDecoder.decode(Array(mask)[...], color: .gray).image.pixels
        #expect(Array(pixels[..<64]) == Array(repeating: 255, count: 34) + Array(repeating: 0, count: 30))
    }

    @Test func `V2 has tensors of objects, maps and vectors`() throws {
        let image = Data(try FinderModels.squares()).base64EncodedString()
        let gray = Data(try FinderModels.picture(8, 8, [])).base64EncodedString()
        let input =
            #"{"name": "input", "shape": [2], "datatype": "BYTES", "data": ["\#(image)", "\#(gray)"]}"#
        let answer = api.post("/v2/models/detector/infer", json: #"{"inputs": [\#(input)]}"#)
        let outputs = answer.json["outputs"]?.elements ?? []
        #expect(
            outputs.map { $0["name"] } == ["boxes", "scores", "labels", "count"].map { .string($0) },
            "\(answer.json.text)"
        )
        #expect(outputs[0]["shape"] == .array([2, 2, 4].map(JSONValue.integer)))
        let numbers = [24, 8, 56, 40, 88, 24, 120, 56] + Array(repeating: 0, count: 8)
        #expect(outputs[0]["data"] == .array(numbers.map(JSONValue.integer)))
        #expect(outputs[2]["data"] == .array([0, 1, 0, 0].map(JSONValue.integer)))
        #expect(outputs[3]["data"] == .array([2, 0].map(JSONValue.integer)))
        let halves = Data(try FinderModels.halves()).base64EncodedString()
        let one =
            #"{"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": ["\#(halves)"]}]}"#
        let map = api.post("/v2/models/segmenter/infer", json: one).json["outputs"]?.elements.first
        #expect(
            map?["datatype"] == .string("INT32")
                && map?["shape"] == .array([1, 64, 64].map(JSONValue.integer))
        )
        #expect(
            Array(map?["data"]?.elements.prefix(35) ?? []) == Array(repeating: .integer(1), count: 34) + [
                .integer(0)
            ]
        )
        let vector = api.post("/v2/models/embedder/infer", json: one).json["outputs"]?.elements.first
        #expect(
            vector?["name"] == .string("embedding")
                && vector?["shape"] == .array([1, 5].map(JSONValue.integer))
        )
        let zeros = Array(repeating: "0", count: 3 * 64 * 64).joined(separator: ",")
        let raw =
            #"{"inputs": [{"name": "input", "shape": [1, 3, 64, 64], "datatype": "FP32", "data": [\#(zeros)]}]}"#
        #expect(
            api.post("/v2/models/detector/infer", json: raw).json["outputs"]?.elements.last?["data"]
                == .array([.integer(0)])
        )
    }

    @Test func `the listing says what the models take and answer`() {
        let detector = api.get("/v1/models/detector").json
        #expect(detector["task"] == .string("object-detection") && detector["classes"] == .integer(2))
        #expect(detector["boxes"] == .string("yolov8") && detector["threshold"] == .number(0.5))
        #expect(detector["preprocessing"]?["resize"]?["place"] == .string("center"))
        let segmenter = api.get("/v1/models/segmenter").json
        #expect(segmenter["map"] == .array([.integer(8), .integer(8)]))
        #expect(segmenter["palette"]?.elements.count == 3)
        #expect(api.get("/v1/models/embedder").json["vector"] == .array([.integer(5)]))
        let metadata = api.get("/v2/models/detector").json
        #expect(
            metadata["outputs"]?.elements.map { $0["name"] }
                == ["boxes", "scores", "labels", "count"].map { .string($0) }
        )
        #expect(api.get("/v1/models/segmenter/metadata").status == 200)
    }

    @Test func `a deadline ends it`() throws {
        let answer = try post("detector", "detect", FinderModels.squares(), ["timeout_ms": "1"])
        #expect([200, 504].contains(answer.status))
    }
}
