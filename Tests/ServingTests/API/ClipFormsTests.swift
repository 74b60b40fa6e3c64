import API
import Engine
import Foundation
import HTTP
import HTTPTypes
import Imaging
import Inference
import Logging
import Models
import Platform
import Support
import Synchronization
import Tasks
import Testing

/// Clips as people have them: forms with files, one file, an animation; what they take, and what speaks for their classes.
struct ClipFormsTests {
    private let folder: TemporaryFolder
    private let registry: Registry
    private let scheduler: Scheduler
    private let api: Service
    private let images: [[UInt8]]
    private let animation: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        let manifest = ClipModel.manifest.replacing(#""max_length": 12"#, with: #""max_length": 20"#)
        try ClipModel.write("steps", to: folder, manifest: manifest)
        try ClipModel.write("short", to: folder)
        try ClipModel.write("last", task: "sequence-classification", to: folder, manifest: manifest)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        scheduler = try Scheduler(.init(policy: BatchPolicy(maxBatchSize: 8)), threads: 2)
        registry = Registry(folder: folder.path, logger: logger, warmUp: scheduler.warmUp)
        try registry.load()
        api = try Service(registry: registry, scheduler: scheduler)
        images = try ["automobile.jpg", "digit-3.png", "digit-7.png", "horse.jpg", "pagoda.jpg"].map {
            try Repository.example($0)
        }
        animation = try Repository.example("clip.gif")
    }

    private typealias Answer = (status: Int, json: JSONValue)

    private func post(
        _ model: String,
        _ body: [UInt8],
        type: String? = nil,
        verb: String = "predict",
        query: [Query.Pair] = [],
        by other: Service? = nil
    ) throws -> Answer {
        var fields = HTTPFields()
        if let type { fields[.contentType] = type }
        let path = "/v1/models/\(model):\(verb)"
        let request = Request(method: .post, path: path, query: Query(query), fields: fields, body: body)
        let response = (other ?? api).respond(to: request)
        return (response.status.code, try JSONValue(parsing: response.body))
    }

    private func post(
        _ model: String,
        instances: [[UInt8]]...,
        verb: String = "predict",
        query: [Query.Pair] = []
    )
        throws -> Answer
    {
        let clips = instances.map { clip in
            "[\(clip.map { #"{"b64": "\#(Data($0).base64EncodedString())"}"# }.joined(separator: ","))]"
        }
        let body = Array(#"{"instances": [\#(clips.joined(separator: ","))]}"#.utf8)
        return try post(model, body, type: "application/json", verb: verb, query: query)
    }

    private static let formType = "multipart/form-data; boundary=edge"

    private func form(_ images: [[UInt8]], _ fields: [(String, String)] = []) -> [UInt8] {
        func part(_ disposition: String, _ body: [UInt8]) -> [UInt8] {
            Array("--edge\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n".utf8) + body
                + Array("\r\n".utf8)
        }
        let files = images.enumerated().flatMap { part("name=\"frame\"; filename=\"\($0).png\"", $1) }
        return files + fields.flatMap { part("name=\"\($0.0)\"", Array($0.1.utf8)) }
            + Array("--edge--\r\n".utf8)
    }

    private func tags(_ answer: Answer) throws -> [JSONValue] {
        guard answer.status == 200, case .array(let predictions)? = answer.json["predictions"] else {
            throw ServingError.internalError(answer.json.text)
        }
        #expect(predictions.count == 1)
        return predictions[0].elements
    }

    @Test func `the files of a form are the frames of a clip, and its fields the parameters`() throws {
        defer { scheduler.stop() }
        let whole = try tags(post("steps", instances: images))
        #expect(whole.count == 5)
        #expect(try tags(post("steps", form(images), type: Self.formType)) == whole)
        #expect(try tags(post("steps", form([images[0]]), type: Self.formType)) == [whole[0]])
        let two = try post("last", form(images, [("top_k", "2"), ("csrf", "x")]), type: Self.formType)
        #expect(two.json["predictions"]?.elements[0]["scores"]?.elements.count == 2)
        var streamed: [JSONValue?] = []
        for (index, image) in images.enumerated() {
            let fields = [("sequence_id", "7"), ("sequence_start", "\(index == 0)")]
            streamed += try tags(post("steps", form([image], fields), type: Self.formType)).map {
                $0["probability"]
            }
        }
        #expect(streamed == whole.map { $0["probability"] })
    }

    @Test(arguments: [nil, "image/png", "application/octet-stream", "application/x-www-form-urlencoded"])
    func `a file alone is a clip`(type: String?) throws {
        defer { scheduler.stop() }
        let one = try tags(post("steps", instances: [images[1]]))
        #expect(try tags(post("steps", images[1], type: type)) == one)
        #expect(try tags(post("steps", animation, type: type)).count == 16)
    }

    @Test func `an animation alone stands for its frames, and among others for its first`() throws {
        defer { scheduler.stop() }
        let frames = try #require(Animation(animation[...])).frames()
        let whole = try tags(post("steps", instances: frames))
        #expect(whole.count == 16 && Set(whole.map { $0["probability"]?.text }).count == 16)
        #expect(try tags(post("steps", animation)) == whole)
        #expect(try tags(post("steps", form([animation]), type: Self.formType)) == whole)
        #expect(try tags(post("steps", instances: [animation])) == whole)
        let several = try post("steps", instances: [animation], [images[0]], frames)
        #expect(several.json["predictions"]?.elements[0].elements == whole)
        #expect(several.json["predictions"]?.elements[2].elements == whole)
        #expect(try tags(post("steps", instances: [animation, frames[1]])) == Array(whole[..<2]))
    }

    @Test func `what is wrong with a clip is said with its frame`() throws {
        defer { scheduler.stop() }
        let damaged = Array(animation[..<(animation.count - 40)])
        let many = form(Array(repeating: images[1], count: 70))
        // swift-format-ignore
        let faults: [(model: String, body: [UInt8], type: String?, status: Int, code: String, message: String)] = [
            ("steps", form([images[0], Array("hello".utf8)]), Self.formType, 422, "undecodable_image", "instance 0: frame 1: "),
            ("steps", damaged, nil, 422, "undecodable_image", "instance 0: frame 15: the GIF image is truncated"),
            ("short", animation, nil, 400, "sequence_too_long", "instance 0: the sequence has 16 steps, the model takes at most 12"),
            ("steps", many, Self.formType, 400, "sequence_too_long", "instance 0: the sequence has 70 steps"),
            ("steps", form([]), Self.formType, 400, "no_image", "the form has no image"),
            ("steps", form([images[0]], [("sequence_ide", "a")]), Self.formType, 400, "unknown_parameter", "unknown parameter 'sequence_ide'; did you mean 'sequence_id'?"),
            ("steps", form([images[0]], [("sequence_start", "yes")]), Self.formType, 400, "invalid_parameter", "parameters.sequence_start: expected"),
            ("steps", [], "image/png", 400, "empty_body", "the body is empty"),
            ("steps", Array("no image".utf8), "image/png", 422, "undecodable_image", "instance 0: frame 0: "),
            ("steps", Array("a text".utf8), "text/plain", 400, "invalid_input", "instance 0: expected a clip (the model takes images), found a text"),
        ]
        for fault in faults {
            let answer = try post(fault.model, fault.body, type: fault.type)
            #expect(answer.status == fault.status && answer.json["code"] == .string(fault.code), "\(answer)")
            let message = answer.json["error"]?.textValue ?? ""
            #expect(message.hasPrefix(fault.message), "\(message)")
        }
    }

    @Test func `answers have the same bits at any batch, thread count and neighbours`() throws {
        defer { scheduler.stop() }
        let whole = try tags(post("steps", animation))
        for (batch, threads) in [(1, 1), (3, 1), (5, 2), (64, 2), (16, 3)] {
            let other = try Scheduler(.init(policy: BatchPolicy(maxBatchSize: batch)), threads: threads)
            defer { other.stop() }
            let api = try Service(registry: registry, scheduler: other)
            #expect(
                try tags(post("steps", animation, by: api)) == whole,
                "\(batch) at a time, \(threads) threads"
            )
        }
    }

    @Test func `a deadline ends a clip whose frames wait`() throws {
        scheduler.stop()
        let gate = Gate()
        let slow = try Scheduler { BatchRunner.Functions(run: gate.run) }
        defer { slow.stop() }
        let api = try Service(registry: registry, scheduler: slow)
        let query = [Query.Pair(name: "timeout_ms", value: "20")]
        let answer = try post("steps", animation, query: query, by: api)
        #expect(answer.status == 504 && answer.json["code"] == .string("deadline_exceeded"))
    }

    @Test func `a clip of more frames than may wait is refused before one is decoded`() throws {
        scheduler.stop()
        let full = try Scheduler(.init(maxQueueItems: 4), threads: 1)
        defer { full.stop() }
        let model = try registry.model(named: "steps")
        let extractor = try #require(model.pipeline.extractor)
        let context = RequestContext()
        let others = try full.admit(extractor, items: 3, context)
        let admission = try full.admit(extractor, items: 1, context)
        let predictor = SequencePredictor(scheduler: full)
        let clip = Instance.clip(images.map { $0[...] })
        let refusal = #expect(throws: ServingError.self) {
            try TestLane.shared.wait { () async throws(ServingError) in
                try await predictor.predict([clip], with: model, admission: admission, context)
            }
        }
        guard case .queueFull? = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(context.record.values.decode == .zero)
        others.release()
        // Nobody else waits: it is let in with all of them, and goes through.
        let answers = try TestLane.shared.wait { () async throws(ServingError) in
            try await predictor.predict([clip], with: model, admission: admission, context)
        }
        #expect(answers.count == 1 && context.record.values.decode > .zero)
    }

    @Test func `a stream goes on where no more than one may wait`() throws {
        scheduler.stop()
        let narrow = try Scheduler(.init(maxQueueItems: 1), threads: 1)
        defer { narrow.stop() }
        let api = try Service(registry: registry, scheduler: narrow)
        let whole = try tags(post("steps", form(images), type: Self.formType, by: api)).map {
            $0["probability"]
        }
        for (index, image) in images.enumerated() {
            let fields = [("sequence_id", "a"), ("sequence_start", "\(index == 0)")]
            let answer = try post("steps", form([image], fields), type: Self.formType, by: api)
            #expect(try tags(answer)[0]["probability"] == whole[index])
        }
    }

    @Test func `what the features of frames take is leased until the sequence has run`() throws {
        scheduler.stop()
        let budget = MemoryBudget(limit: 1 << 30)
        let held = Mutex([Int]())
        let run: BatchRunner.Run = { _, items, _ throws(ServingError) in
            items.map { item in
                guard item.tensor.shape.rank == 2 else {
                    return .init(logits: Array(repeating: 0, count: 84))
                }
                held.withLock { $0.append(budget.used(for: .tensors)) }
                return .init(logits: Array(repeating: 0, count: 5 * item.tensor.shape[0]))
            }
        }
        let engine = try Scheduler { BatchRunner.Functions(run: run) }
        defer { engine.stop() }
        let classifier = ImageClassifier(scheduler: engine, limits: ImageLimits(), budget: budget)
        let predictor = SequencePredictor(scheduler: engine, classifier: classifier)
        let model = try registry.model(named: "steps")
        for clip in [images.map { $0[...] }, [animation[...]]] {
            _ = try TestLane.shared.wait { () async throws(ServingError) in
                try await predictor.predict([.clip(clip)], with: model)
            }
        }
        #expect(held.withLock(\.self) == [5, 16].map { 2 * $0 * 84 * 4 })
        #expect(budget.used == 0)
    }

    @Test func `frames have effects, those of the predictions without them`() throws {
        defer { scheduler.stop() }
        let whole = try post("last", instances: images).json["predictions"]?.elements[0]
        let answer = try post("last", form(images), type: Self.formType, verb: "explain")
        #expect(answer.status == 200, "\(answer.json.text)")
        #expect(answer.json["class"]?["index"] == whole?["index"] && answer.json["runs"] == .integer(6))
        #expect(answer.json["class"]?["probability"] == whole?["probability"])
        let frames = answer.json["frames"]?.elements ?? []
        #expect(frames.map { $0["frame"] } == (0..<5).map { .integer($0) })
        let best = try #require(whole?["label"]?.textValue)
        let sure = try probability(of: best, images)
        for (index, frame) in frames.enumerated() {
            var rest = images
            rest.remove(at: index)
            let effect = try Float(sure - probability(of: best, rest))
            #expect(frame["effect"]?.number.map { Float($0) } == effect, "frame \(index)")
        }
    }

    /// What the whole model says of a class, to the last bit.
    private func probability(of label: String, _ clip: [[UInt8]]) throws -> Double {
        let predictor = SequencePredictor(scheduler: scheduler)
        let model = try registry.model(named: "last")
        let answer = try TestLane.shared.wait { () async throws(ServingError) in
            try await predictor.predict([.clip(clip.map { $0[...] })], with: model)[0]
        }
        guard case .classes(let scores) = answer.outcome else { return .nan }
        return try scores.probabilities[#require(model.labels?.firstIndex(of: label))]
    }

    @Test func `of a model that answers each frame the step is named`() throws {
        defer { scheduler.stop() }
        let step = [Query.Pair(name: "step", value: "3")]
        let answer = try post("steps", animation, verb: "explain", query: step)
        let tag = try tags(post("steps", animation))[3]
        #expect(answer.json["class"]?["label"] == tag["label"])
        #expect(answer.json["class"]?["probability"] == tag["probability"])
        let effects = answer.json["frames"]?.elements.map { $0["effect"] ?? .null } ?? []
        #expect(effects.count == 16 && effects[3] == .null && effects[2] != .null)
        // What comes later says nothing about a frame before it.
        #expect(effects[4...].allSatisfy { $0.number == 0 })
        let none = try post("steps", animation, verb: "explain")
        #expect(
            none.status == 400 && none.json["error"]?.textValue?.contains("say with 'step' which") == true
        )
        let beyond = try post("steps", animation, verb: "explain", query: [.init(name: "step", value: "16")])
        #expect(beyond.json["error"]?.textValue?.contains("expected 0 to 15") == true)
        let occluded = try post(
            "steps",
            animation,
            verb: "explain",
            query: step + [.init(name: "method", value: "occlusion")]
        )
        #expect(occluded.json["error"]?.textValue?.contains("leave-one-out for a sequence") == true)
    }
}

extension JSONValue {
    fileprivate var number: Double? { if case .number(let number) = self { number } else { nil } }
}
