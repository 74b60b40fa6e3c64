import API
import HTTP
import Support
import Testing

/// TorchServe's calls on the bundled models.
struct TorchServeTests {
    private let api: BundledAPI

    init() throws { api = try BundledAPI(["digits", "surnames", "tagger", "temperature"]) }

    private func form(_ parts: [(name: String, body: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            bytes += "--cut\r\nContent-Disposition: form-data; name=\"\(part.name)\"\r\n\r\n".utf8
            bytes += part.body + "\r\n".utf8
        }
        return bytes + "--cut--\r\n".utf8
    }

    @Test func `an image gives its five likeliest labels, however it is sent`() throws {
        let image = try BundledAPI.example()
        let own = api.post("/v1/models/digits:classify", image.bytes).json["predictions"]?.elements ?? []
        let path = "/predictions/digits"
        let encoded = image.base64.replacing("+", with: "%2B").replacing("/", with: "%2F").replacing(
            "=",
            with: "%3D"
        )
        let answers = [
            api.post(path, image.bytes),
            api.post(path, image.bytes, type: "application/x-www-form-urlencoded"),
            api.post(path, image.bytes, type: "text/plain"), api.post("\(path)/1", image.bytes),
            api.post(path, form([("data", image.bytes)]), type: "multipart/form-data; boundary=cut"),
            api.post(path, Array("data=\(encoded)".utf8), type: "application/x-www-form-urlencoded"),
            api.post(path, json: #"{"data": "\#(image.base64)"}"#),
            api.post(path, json: #"{"body": {"b64": "\#(image.base64)"}}"#),
            api.post(path, json: "\"\(image.base64)\""),
        ]
        for answer in answers {
            #expect(answer.json.keys == own.compactMap { $0["label"]?.textValue }, "\(answer.json)")
            #expect(answer.json["7"] == own[0]["probability"])
        }
    }

    @Test func `several parts give a list, and one that is wrong is named`() throws {
        let (seven, three) = (try BundledAPI.example().bytes, try BundledAPI.example("digit-3.png").bytes)
        let type = "multipart/form-data; boundary=cut"
        let answer = api.post("/predictions/digits", form([("data", seven), ("data", three)]), type: type)
        #expect(answer.json.elements.map { $0.keys.first } == ["7", "3"])
        let wrong = api.post(
            "/predictions/digits",
            form([("data", seven), ("data", Array("x".utf8))]),
            type: type
        )
        #expect(wrong.status == 422)
        #expect(wrong.json["message"]?.textValue?.hasPrefix("instance 1: ") == true)
    }

    @Test func `texts and features give what their models say`() throws {
        let own = api.post("/v1/models/surnames:predict", json: #"{"instances": ["Takahashi"]}"#)
        let best = own.json["predictions"]?.elements.first
        for answer in [
            api.post("/predictions/surnames", Array("Takahashi\n".utf8)),
            api.post(
                "/predictions/surnames",
                Array("data=Takahashi".utf8),
                type: "application/x-www-form-urlencoded"
            ),
            api.post("/predictions/surnames", json: "\"Takahashi\""),
        ] {
            #expect(answer.json.keys.first == best?["label"]?.textValue)
            #expect(answer.json["Japanese"] == best?["probability"])
            #expect(answer.json.keys.count == 5)
        }
        let tags = api.post("/predictions/tagger", Array("It rains .".utf8)).json.elements
        #expect(tags.count == 3 && tags[0].elements.first == .string("It"))
        let series = api.post("/predictions/temperature", json: "[[10], [12.5]]")
        let value = api.post("/v1/models/temperature:predict", json: #"{"instances": [[[10], [12.5]]]}"#)
        #expect(series.json == value.json["predictions"]?.elements.first?["value"])
    }

    @Test func `classes that share a label keep their scores`() throws {
        let folder = try TemporaryFolder()
        let labels = #""labels": ["a", "crane", "b", "crane", "crane"]"#
        let manifest = "\(TestModels.gruManifest.dropLast()), \(labels)}"
        try folder.write(manifest, to: "birds/model.json")
        try TestModels.writeWeights(to: "\(folder.path)/birds/model.safetensors")
        let birds = try BundledAPI(["birds"], in: folder.path)
        let answer = birds.post("/predictions/birds", json: "[[1, 2, 3]]")
        #expect(answer.json.keys.count == 5, "\(answer.json)")
        #expect(Set(answer.json.keys).count == 5)
        #expect(answer.json.keys.contains("crane"))
    }

    @Test func `lists models by pages and describes one`() throws {
        let first = api.get("/models", query: [.init(name: "limit", value: "3")]).json
        #expect(
            first["models"]?.elements.compactMap { $0["modelName"]?.textValue } == [
                "digits", "surnames", "tagger",
            ]
        )
        #expect(first["nextPageToken"] == .string("3"))
        let rest = api.get("/models", query: [.init(name: "next_page_token", value: "3")]).json
        #expect(rest["models"]?.elements.count == 1)
        #expect(rest["nextPageToken"] == nil)
        let beyond = api.get("/models", query: [.init(name: "next_page_token", value: "99")]).json
        #expect(beyond["models"] == .array([]))
        for path in ["/models/digits", "/models/digits/1", "/models/digits/all"] {
            let described = api.get(path).json.elements
            #expect(described.count == 1)
            #expect(described.first?["workers"]?.elements.first?["status"] == .string("READY"))
        }
        #expect(api.get("/ping").json == .object(["status": .string("Healthy")]))
        api.service.beginDraining()
        #expect(api.get("/ping").json == .object(["status": .string("Unhealthy")]))
    }

    @Test(arguments: [
        ("/predictions/digit", "x", nil, 404, "ModelNotFoundException"),
        ("/predictions/digits/2", "x", nil, 404, "ModelVersionNotFoundException"),
        ("/predictions/digits", "x", nil, 422, "BadRequestException"),
        ("/predictions/digits", "", nil, 400, "BadRequestException"),
        ("/predictions/digits", #"{"image": "AA=="}"#, "application/json", 400, "BadRequestException"),
        ("/predictions/digits", "{}", "application/json", 400, "BadRequestException"),
        ("/predictions/digits", "[", "application/json", 400, "BadRequestException"),
        ("/predictions/digits", "x", "multipart/form-data", 400, "BadRequestException"),
        ("/predictions/temperature", "[[1, 2]]", "application/json", 400, "BadRequestException"),
    ])
    func `refusals have its form`(path: String, body: String, type: String?, status: Int, kind: String) throws
    {
        let answer = api.post(path, Array(body.utf8), type: type)
        #expect(answer.status == status)
        #expect(answer.json.keys == ["code", "type", "message"])
        #expect(answer.json["code"] == .integer(status))
        #expect(answer.json["type"] == .string(kind))
    }
}
