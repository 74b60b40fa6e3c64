import API
import Engine
import Foundation
import HTTP
import Imaging
import Inference
import Logging
import Models
import Platform
import Support
import Tasks
import Testing

/// Objects in regions of images, through every protocol and under every load.
struct RegionEndpointTests {
    private let folder: TemporaryFolder
    private let api: BundledAPI

    init() throws {
        folder = try TemporaryFolder()
        try RegionModel.write(to: folder)
        api = try BundledAPI(["regions"], in: folder.path)
    }

    private func detect(
        _ image: [UInt8],
        _ query: [String: String] = [:],
        verb: String = "detect"
    ) -> BundledAPI.Answer {
        let pairs = query.sorted { $0.key < $1.key }.map { Query.Pair(name: $0.key, value: $0.value) }
        return api.post("/v1/models/regions:\(verb)", image, query: pairs)
    }

    private static func number(_ value: JSONValue?) -> Double {
        if case .number(let number)? = value { number } else { .nan }
    }

    @Test func `an answer has objects, how many regions there were, and the time of each stage`() throws {
        let answer = try detect(RegionModel.picture())
        #expect(answer.status == 200, "\(answer.json.text)")
        let detections = answer.json["detections"]?.elements ?? []
        #expect(!detections.isEmpty)
        for detection in detections {
            let box = detection["box"]?.elements.map(Self.number) ?? []
            #expect(box.count == 4 && box[0] < box[2] && box[1] < box[3], "\(detection.text)")
            #expect(box.allSatisfy { 0...96 ~= $0 } && 0...1 ~= Self.number(detection["score"]))
        }
        let scores = detections.map { Self.number($0["score"]) }
        #expect(scores == scores.sorted(by: >))
        #expect(1...300 ~= Self.number(answer.json["proposals"]))
        #expect(
            answer.json["timing_ms"]?.keys == [
                "decode", "proposals", "warps", "queue", "features", "svms", "batch_size",
            ]
        )
        let predicted = try detect(RegionModel.picture(), verb: "predict")
        #expect(predicted.json["detections"] == answer.json["detections"])
        #expect(predicted.json["proposals"] == answer.json["proposals"])
    }

    @Test func `parameters choose the regions and what is listed of them`() throws {
        let image = try RegionModel.picture()
        let few = detect(image, ["proposals": "7", "threshold": "0"])
        #expect(few.json["proposals"] == .integer(7))
        #expect((few.json["detections"]?.elements.count ?? 0) <= 21)
        #expect(detect(image, ["top_k": "1", "threshold": "0"]).json["detections"]?.elements.count == 1)
        let all = detect(image, ["nms": "1", "top_k": "1000"])
        let regions = Self.number(all.json["proposals"])
        #expect(regions > 7 && all.json["detections"]?.elements.count == 3 * Int(regions))
        let base64 = Data(image).base64EncodedString()
        let body = #"{"instances": [{"b64": "\#(base64)"}], "parameters": {"proposals": 7, "threshold": 0}}"#
        let predictions = api.post("/v1/models/regions:predict", json: body).json["predictions"]?.elements
        #expect(predictions?.first?["detections"] == few.json["detections"])
        let drawn = detect(image, ["format": "png"])
        #expect(try ImageDecoder.decode(drawn.body[...], color: .rgb).image.width == 96)
    }

    // swift-format-ignore
    @Test(arguments: [
        ("proposals", "0",     "proposals: expected a whole number from 1 to 20000, found '0'"),
        ("proposals", "20001", "found '20001'"),
        ("threshold", "1.5",   "threshold: expected a number from 0 to 1"),
        ("proposal",  "5",     "did you mean 'proposals'?"),
    ])
    func `a parameter that is wrong says so`(name: String, value: String, message: String) throws {
        let answer = try detect(RegionModel.picture(), [name: value])
        #expect(answer.status == 400 && answer.json.text.contains(message), "\(answer.json.text)")
    }

    @Test func `a model that looks at images whole proposes no regions`() throws {
        let finders = try FinderModels.folder()
        let whole = try BundledAPI(["detector"], in: finders.path)
        let answer = whole.post(
            "/v1/models/detector:detect",
            try FinderModels.squares(),
            query: [Query.Pair(name: "proposals", value: "5")]
        )
        #expect(answer.status == 400 && answer.json.text.contains("proposes no regions"))
    }

    @Test func `bad input spoils only itself, and other verbs say what the model is for`() throws {
        let image = Data(try RegionModel.picture()).base64EncodedString()
        let broken = Data("no image".utf8).base64EncodedString()
        let answer = api.post(
            "/v1/models/regions:detect",
            json: #"{"images": ["\#(image)", "\#(broken)", "\#(image)"]}"#
        )
        let results = answer.json["results"]?.elements ?? []
        #expect(results.count == 3 && results[1]["code"] == .string("undecodable_image"))
        #expect(results[0]["detections"] == results[2]["detections"] && results[0]["proposals"] != nil)
        for (verb, message) in [
            ("classify", "is for 'object-detection'"), ("embed", "has features of regions, not of an image"),
        ] {
            let refused = try detect(RegionModel.picture(), verb: verb)
            #expect(refused.status == 400 && refused.json.text.contains(message), "\(refused.json.text)")
        }
    }

    @Test func `other protocols answer the same objects`() throws {
        let image = try RegionModel.picture()
        let own = detect(image)
        let count = own.json["detections"]?.elements.count ?? 0
        let base64 = Data(image).base64EncodedString()
        let infer = api.post(
            "/v2/models/regions/infer",
            json: """
                {"inputs": [{"name": "input", "datatype": "BYTES", "shape": [1], "data": ["\(base64)"]}]}
                """
        )
        #expect(infer.status == 200, "\(infer.json.text)")
        let outputs = infer.json["outputs"]?.elements ?? []
        let scores = outputs.first { $0["name"] == .string("scores") }
        #expect(scores?["data"]?.elements.count == count)
        let tensor = api.post(
            "/v2/models/regions/infer",
            json: #"{"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}"#
        )
        #expect(tensor.status == 400 && tensor.json.text.contains("expected datatype BYTES"))
        let hub = api.post("/hf/regions", image, type: "image/png")
        #expect(hub.json.elements.count == count, "\(hub.json.text)")
        let entry = api.get("/v1/models/regions").json
        #expect(entry["regions"]?["limit"] == .integer(300) && entry["nms"] == .number(0.3))
        #expect(entry["input"]?["shape"] == .array([3, 16, 16].map(JSONValue.integer)))
    }

    // MARK: Bits, deadlines

    private static func detector(_ folder: TemporaryFolder, _ scheduler: Scheduler) throws -> (
        Model, ObjectDetector
    ) {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: folder.path, logger: logger) { _, _ in }
        try registry.load()
        let classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits())
        return (try registry.model(named: "regions"), ObjectDetector(classifier))
    }

    private static func found(
        _ images: [[UInt8]],
        _ detector: ObjectDetector,
        _ model: Model,
        _ lane: Lane,
        _ context: RequestContext = RequestContext()
    ) throws(ServingError) -> [[Detection]] {
        var options = ObjectDetector.Options()
        (options.threshold, options.topK) = (0, 1000)
        let results = try lane.wait { [options] () async throws(ServingError) in
            try await detector.detect(images: images.map { .success($0[...]) }, with: model, options, context)
        }
        var found: [[Detection]] = []
        for result in results { found.append(try result.get().detections) }
        return found
    }

    @Test func `an answer has the same bits at any batch, thread count and load`() throws {
        let image = try RegionModel.picture()
        var answers: [[Detection]] = []
        for (threads, batch) in [(1, 1), (2, 7), (2, 64), (3, 1000)] {
            let scheduler = try Scheduler(.init(policy: BatchPolicy(maxBatchSize: batch)), threads: threads)
            defer { scheduler.stop() }
            let lane = try Lane(threads: 2)
            defer { lane.close() }
            let (model, detector) = try Self.detector(folder, scheduler)
            answers += try Self.found([image], detector, model, lane)
            // In company, within a request and beside others.
            let others = ThreadGroup()
            let found = Monitor<[[Detection]]>([])
            for index in 0..<3 {
                try others.start(name: "other-\(index)") {
                    let answer = try? Self.found([image, image], detector, model, lane)
                    found.signal { $0 += answer ?? [] }
                }
            }
            others.join()
            #expect(found.withLock(\.count) == 6)
            answers += found.withLock(\.self)
        }
        #expect(answers[0].count > 10)
        #expect(answers.allSatisfy { $0 == answers[0] })
    }

    @Test func `a deadline stops proposals, before anything runs`() throws {
        let gate = Gate()
        let scheduler = try Scheduler { BatchRunner.Functions(run: gate.run) }
        defer { scheduler.stop() }
        let lane = try Lane(threads: 1)
        defer { lane.close() }
        let (model, detector) = try Self.detector(folder, scheduler)
        // Noise has as many regions as pixels.
        var state: UInt32 = 1
        let pixels = (0..<1600 * 1600 * 3).map { _ -> UInt8 in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        let noise = try PNGEncoder.encode(Image(width: 1600, height: 1600, channels: 3, pixels: pixels))
        let error = #expect(throws: ServingError.self) {
            try Self.found(
                [noise],
                detector,
                model,
                lane,
                .test(deadline: .now + .milliseconds(150))
            )
        }
        #expect(error == .deadlineExceeded)
        #expect(gate.batches.isEmpty)
    }

    @Test func `a client that has gone stops the regions that are left`() throws {
        let gate = Gate()
        let scheduler = try Scheduler { BatchRunner.Functions(run: gate.run) }
        defer { scheduler.stop() }
        let lane = try Lane(threads: 2)
        defer { lane.close() }
        let (model, detector) = try Self.detector(folder, scheduler)
        let (cancellation, group) = (Cancellation(), ThreadGroup())
        let image = try RegionModel.picture()
        let ended = Monitor<ServingError?>(nil)
        try group.start(name: "client") {
            let result = Result { () throws(ServingError) in
                try Self.found([image], detector, model, lane, .test(cancellation: cancellation))
            }
            if case .failure(let error) = result { ended.signal { $0 = error } }
        }
        gate.waitForBatches(1)
        cancellation.cancel()
        group.join()
        #expect(ended.withLock(\.self) == .cancelled)
        #expect(gate.batches.count == 1)
    }

    // MARK: What does not fit

    // swift-format-ignore
    @Test(arguments: [
        (#""limit": 300"#,               #""limit": 0"#,                        "regions.limit: expected an integer from 1 to 20000"),
        (#""padding": 2"#,               #""padding": 8"#,                      "regions.padding: an input of 16×16 has room for at most 7, found 8"),
        (#""padding": 2"#,               #""method": "boxes""#,                 "regions.method: expected selective-search, sliding-window; found 'boxes'"),
        (#""padding": 2"#,               #""method": "sliding-window", "mode": "fast""#, "regions.mode: only a 'selective-search' has one"),
        (#""padding": 2"#,               #""transform": "stretch""#,            "regions.transform: expected square-with-context, square-without-context, warp; found 'stretch'"),
        (#""rcnn""#,                     #""resnet20""#,                        "regions: only a model of the architecture 'rcnn' has regions"),
        (#""object-detection""#,         #""image-classification""#,            "regions: only a model for 'object-detection' has one"),
        (#""regions": {"#,               #""boxes": "yolov8", "regions": {"#,   "boxes: 'rcnn' makes boxes of its regions"),
        (#""layer3.2.sum1""#,            #""layer3.2.sum""#,                    "extractor 'resnet20' has no value 'layer3.2.sum'; did you mean 'layer3.2.sum1'?"),
        (#""layer3.2.sum1""#,            #""layer3.1.sum1""#,                   "tensor"),
        (#""resnet20""#,                 #""lstm""#,                            "extractor 'lstm' takes no images"),
        (#""mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]"#, #""color": "gray""#, "preprocessing.color"),
    ])
    func `a manifest that does not fit says where`(part: String, other: String, message: String) throws {
        let folder = try TemporaryFolder()
        try RegionModel.write(to: folder, manifest: RegionModel.manifest.replacing(part, with: other))
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: folder.path, logger: logger) { _, _ in }
        try? registry.load() // what it throws says no more than the entry
        let reason = registry.models().first?.current.reason ?? ""
        #expect(reason.contains(message), "\(reason)")
    }
}
