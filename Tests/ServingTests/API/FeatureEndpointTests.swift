import API
import Engine
import Foundation
import HTTP
import HTTPTypes
import Logging
import Models
import Support
import Testing

/// `:embed` and `:search` on the bundled models.
struct FeatureEndpointTests {
    /// The numbers of an embedding.
    private static func numbers(_ json: JSONValue?) -> [Float] {
        (json?["embedding"]?.elements ?? []).map {
            if case .number(let number) = $0 { Float(number) } else { .nan }
        }
    }

    private static func post(
        _ api: BundledAPI,
        _ path: String,
        _ body: [UInt8],
        accept: String? = nil
    ) -> Response {
        let parts = path.split(separator: "?", maxSplits: 1).map(String.init)
        let pairs = parts.dropFirst().flatMap { $0.split(separator: "&") }.map { pair in
            let sides = pair.split(separator: "=").map(String.init)
            return Query.Pair(name: sides[0], value: sides[1])
        }
        return api.service.respond(
            to: Request(method: .post, path: parts[0], query: Query(pairs), body: body, accept: accept)
        )
    }

    @Test func `a layer by name is what the network computes there`() throws {
        let api = try BundledAPI(["digits", "cifar10"])
        let image = try Repository.example("automobile.jpg")
        let features = api.post("/v1/models/cifar10:embed", image)
        #expect(features.json["shape"] == .array([.integer(64)]) && features.json["layer"] == nil)
        #expect(Self.numbers(features.json).count == 64)
        // The last layer's values are the logits that the model answers with, to the bit.
        let last = api.post(
            "/v1/models/cifar10:embed",
            image,
            query: [Query.Pair(name: "layer", value: "fc")]
        )
        let classes = api.post("/v1/models/cifar10:classify", image)
        let best = try #require(classes.json["predictions"]?[0])
        guard case .number(let index)? = best["index"] else { return }
        #expect(last.json["embedding"]?[Int(index)] == best["logit"], "\(last.json.text)")
        // A map has its positions.
        let map = api.post(
            "/v1/models/cifar10:embed",
            image,
            query: [Query.Pair(name: "layer", value: "conv1")]
        )
        #expect(
            map.json["shape"] == .array([16, 40, 40].map(JSONValue.integer)),
            "\(map.json["shape"]?.text ?? "")"
        )
        let wrong = api.post(
            "/v1/models/cifar10:embed",
            image,
            query: [Query.Pair(name: "layer", value: "fd")]
        )
        #expect(wrong.status == 400 && wrong.json["code"] == .string("unknown_layer"))
        #expect(wrong.json["error"]?.textValue?.contains("did you mean 'fc'?") == true)
    }

    @Test func `several inputs have the bits of each alone, and as floats the same`() throws {
        let api = try BundledAPI(["digits", "sentiment"])
        let (seven, three) = (try Repository.example("digit-7.png"), try Repository.example("digit-3.png"))
        let list = [seven, three].map { "\"\(Data($0).base64EncodedString())\"" }.joined(separator: ",")
        let both = api.post("/v1/models/digits:embed", json: "{\"images\": [\(list), \"bm8=\"]}")
        let alone = [seven, three].map { Self.numbers(api.post("/v1/models/digits:embed", $0).json) }
        #expect(alone[0].count == 84)
        #expect([0, 1].map { Self.numbers(both.json["results"]?[$0]) } == alone)
        #expect(both.json["results"]?[2]?["code"] == .string("undecodable_image"))
        let binary = Self.post(api, "/v1/models/digits:embed", seven, accept: "application/octet-stream")
        #expect(binary.fields[HTTPField.Name("X-Tensor-Shape") ?? .server] == "1, 84")
        let floats = stride(from: 0, to: binary.body.count, by: 4).map { start in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(binary.body[start + $1]) << (8 * UInt32($1)) })
        }
        #expect(floats == alone[0])

        let texts = api.post("/v1/models/sentiment:embed", json: #"{"instances": ["a good film", "bad"]}"#)
        let one = api.post("/v1/models/sentiment:embed", json: #"{"instances": ["bad"]}"#)
        #expect(texts.json["results"]?[1] == one.json["results"]?[0] && one.json["results"]?[0] != nil)
        // A layer with a row for each step is of several shapes here.
        let ragged = Self.post(
            api,
            "/v1/models/sentiment:embed?layer=embedding",
            Array(#"{"instances": ["a good film", "bad"]}"#.utf8),
            accept: "application/octet-stream"
        )
        #expect(ragged.status == .badRequest)
        #expect(String(decoding: ragged.body, as: UTF8.self).contains("ragged_tensor"))
    }

    /// A folder of models in which `digits` has an index of some images.
    private static func folder(of names: [String]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let source = "\(Repository.weights)/digits"
        try FileManager.default.copyItem(atPath: source, toPath: "\(folder.path)/digits")
        let api = try BundledAPI(["digits"])
        let features = try names.map {
            numbers(api.post("/v1/models/digits:embed", try Repository.example($0)).json)
        }
        let registry = Registry(folder: Repository.weights, logger: .init(label: "test"))
        try registry.load { $0 == "digits" }
        let digest = try registry.model(named: "digits").weights.digest
        try SearchIndex(features, names: names, layer: nil, weights: digest)
            .write(to: "\(folder.path)/digits/\(SearchIndex.fileName)")
        return folder
    }

    @Test func `an image finds itself first, by both methods`() throws {
        let folder = try Self.folder(of: ["digit-3.png", "digit-7.png", "automobile.jpg"])
        let api = try BundledAPI(["digits"], in: folder.path)
        for method in ["exact", "lsh"] {
            let query = [Query.Pair(name: "k", value: "2"), Query.Pair(name: "method", value: method)]
            let answer = api.post(
                "/v1/models/digits:search",
                try Repository.example("digit-7.png"),
                query: query
            )
            #expect(answer.status == 200, "\(answer.json.text)")
            let nearest = answer.json["neighbors"]?.elements ?? []
            #expect(nearest.first?["name"] == .string("digit-7.png"))
            guard case .number(let similarity)? = nearest.first?["similarity"] else { return }
            #expect(abs(similarity - 1) < 1e-5)
            #expect(answer.json["images"] == .integer(3))
            if method == "exact" { #expect(nearest.count == 2 && answer.json["compared"] == .integer(3)) }
        }
        let image = Data(try Repository.example("digit-3.png")).base64EncodedString()
        let list = api.post("/v1/models/digits:search", json: "{\"images\": [\"\(image)\", \"bm8=\"]}")
        #expect(list.json["results"]?[0]?["neighbors"]?[0]?["name"] == .string("digit-3.png"))
        #expect(list.json["results"]?[1]?["code"] == .string("undecodable_image"))
    }

    @Test func `no index, one of other weights and one that is broken are told apart`() throws {
        let image = try Repository.example("digit-7.png")
        let none = try BundledAPI(["digits"]).post("/v1/models/digits:search", image)
        #expect(none.status == 404 && none.json["code"] == .string("no_index"))
        #expect(none.json["error"]?.textValue?.contains("martlet index FOLDER --model digits") == true)

        let folder = try Self.folder(of: ["digit-3.png"])
        let path = "\(folder.path)/digits/\(SearchIndex.fileName)"
        try SearchIndex([[1, 2]], names: ["a"], layer: nil, weights: [1, 2]).write(to: path)
        let stale = try BundledAPI(["digits"], in: folder.path)
        #expect(stale.post("/v1/models/digits:classify", image).status == 200, "the model itself is there")
        let refused = stale.post("/v1/models/digits:search", image)
        #expect(refused.status == 409 && refused.json["code"] == .string("stale_index"))
        #expect(refused.json["error"]?.textValue?.contains("was made with other weights") == true)

        try Data("nothing".utf8).write(to: URL(fileURLWithPath: path))
        let broken = try BundledAPI(["digits"], in: folder.path).post("/v1/models/digits:search", image)
        #expect(broken.status == 409, "\(broken.json.text)")
    }

    // swift-format-ignore
    @Test(arguments: [
        ("search?k=0", "at least 1"), ("search?k=1001", "at most 1000"),
        ("search?method=hash", "expected one of exact, lsh"), ("search?top_k=1", "unknown parameter 'top_k'"),
        ("embed?layers=fc", "did you mean 'layer'?"), ("embed?timeout_ms=x", "at least 1"),
    ])
    func `what is asked for wrongly is refused with a sentence`(path: String, message: String) throws {
        let response = Self.post(
            try BundledAPI(["digits"]),
            "/v1/models/digits:\(path)",
            try Repository.example("digit-7.png")
        )
        #expect(response.status == .badRequest)
        #expect(String(decoding: response.body, as: UTF8.self).contains(message))
    }
}

extension JSONValue {
    /// The element of an array.
    fileprivate subscript(index: Int) -> JSONValue? {
        elements.indices.contains(index) ? elements[index] : nil
    }
}
