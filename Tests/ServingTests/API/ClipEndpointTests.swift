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

/// Clips of images and streams of them, without a socket.
struct ClipEndpointTests {
    private let folder: TemporaryFolder
    private let registry: Registry
    private let scheduler: Scheduler
    private let api: Service
    private let frames: [String]

    init() throws {
        folder = try TemporaryFolder()
        try ClipModel.write("steps", to: folder)
        try ClipModel.write("other", to: folder, seed: 2)
        try ClipModel.write("last", task: "sequence-classification", to: folder)
        let pooled = ClipModel.manifest.replacing("{\"arch", with: #"{"pooling": "mean", "arch"#)
        try ClipModel.write("mean", task: "sequence-classification", to: folder, manifest: pooled)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        scheduler = try Scheduler(.init(policy: BatchPolicy(maxBatchSize: 8)), threads: 2)
        registry = Registry(folder: folder.path, logger: logger, warmUp: scheduler.warmUp)
        try registry.load()
        api = try Self.api(registry, scheduler)
        frames = try ClipModel.frames()
    }

    private static func api(_ registry: Registry, _ scheduler: Scheduler) throws -> Service {
        try Service(
            registry: registry,
            metrics: ServingMetrics(version: "test"),
            scheduler: scheduler,
            generations: GenerationLimit(1),
            sequences: SequenceStore()
        )
    }

    private func post(
        _ model: String,
        _ instances: String...,
        parameters: String = "",
        by other: Service? = nil
    ) throws -> (status: Int, json: JSONValue) {
        let list = instances.joined(separator: ",")
        let body = #"{"instances": [\#(list)], "parameters": {\#(parameters)}}"#
        let response = (other ?? api).post(body, to: model, "predict")
        return (response.status.code, try JSONValue(parsing: response.body))
    }

    private func clip(_ frames: some Sequence<String>) -> String {
        "[\(frames.joined(separator: ","))]"
    }

    /// The predictions, each of which is a list for a model that answers each frame.
    private func predictions(_ answer: (status: Int, json: JSONValue)) throws -> [JSONValue] {
        guard answer.status == 200, case .array(let predictions)? = answer.json["predictions"] else {
            throw ServingError.internalError(answer.json.text)
        }
        return predictions
    }

    private func tags(_ answer: (status: Int, json: JSONValue)) throws -> [JSONValue] {
        guard case .array(let tags) = try predictions(answer)[0] else { return [] }
        return tags
    }

    @Test func `each frame has an answer, the one that the two networks give`() throws {
        defer { scheduler.stop() }
        let found = try tags(post("steps", clip(frames)))
        let model = try registry.model(named: "steps")
        guard case .frames(let rule, 12) = model.input, let extractor = model.pipeline.extractor else {
            Issue.record("not a model over frames")
            return
        }
        let items = try ["automobile.jpg", "digit-3.png", "digit-7.png", "horse.jpg", "pagoda.jpg"].map {
            let bytes = try Repository.example($0)[...]
            let image = try ImageDecoder.decode(bytes, color: rule.color, limits: ImageLimits()).image
            return Tensor(
                shape: [1, 32, 32],
                values: try rule.prepare(image, crops: .center, scales: [])[0].values
            )
        }
        let features = try scheduler.infer(extractor, items: items).outputs
        let sequence = Tensor(shape: [5, 84], values: features.flatMap(\.self))
        let logits = try scheduler.infer(model, items: [sequence]).outputs[0]
        let labels = ["a", "b", "c", "d", "e"]
        let expected = try (0..<5).map { step in
            let best = try ClassScores([Array(logits[step * 5..<step * 5 + 5])]).top(1)[0]
            return JSONValue.object([
                "frame": .integer(step), "label": .string(labels[best.index]), "index": .integer(best.index),
                "probability": .float(Float(best.probability)),
            ])
        }
        #expect(found == expected)
        #expect(Set(found.map { $0["probability"]?.text }).count == 5)
    }

    @Test func `an image alone is a clip of one frame, and a model for clips answers once`() throws {
        defer { scheduler.stop() }
        let whole = try tags(post("steps", clip(frames)))
        #expect(try tags(post("steps", frames[0])) == [whole[0]])
        #expect(try tags(post("steps", #"{"image_bytes": \#(frames[0])}"#)) == [whole[0]])
        let last = try predictions(post("last", clip(frames)))
        #expect(last.count == 1)
        #expect(last[0]["probability"] == whole[4]["probability"] && last[0]["frame"] == nil)
        let mean = try predictions(post("mean", clip(frames), parameters: #""top_k": 2"#))
        #expect(mean[0]["scores"] != nil && mean[0]["probability"] != last[0]["probability"])
    }

    @Test(arguments: [1, 2, 5])
    func `a stream answers as the whole clip would`(stretch: Int) throws {
        defer { scheduler.stop() }
        let whole = try tags(post("steps", clip(frames))).map { $0["probability"] }
        let once = try predictions(post("last", clip(frames)))
        var parts: [JSONValue?] = []
        var last: [JSONValue] = []
        for start in stride(from: 0, to: 5, by: stretch) {
            let part = clip(frames[start..<min(start + stretch, 5)])
            let parameters =
                #""sequence_id": "s", "sequence_start": \#(start == 0), "sequence_end": \#(start + stretch >= 5)"#
            parts += try tags(post("steps", part, parameters: parameters)).map { $0["probability"] }
            last = try predictions(post("last", part, parameters: parameters))
        }
        #expect(parts == whole)
        #expect(last == once)
        #expect(try post("steps", frames[0], parameters: #""sequence_id": "s""#).status == 404)
    }

    @Test func `a state that a client keeps goes on, unless other weights made it`() throws {
        defer { scheduler.stop() }
        let whole = try tags(post("steps", clip(frames))).map { $0["probability"] }
        let first = try post("steps", clip(frames[..<2]), parameters: #""return_state": true"#)
        let state = try #require(first.json["state"]).text
        let rest = try tags(post("steps", clip(frames[2...]), parameters: #""state": \#(state)"#))
        #expect(rest.map { $0["probability"] } == Array(whole[2...]))
        let foreign = try post("other", clip(frames[2...]), parameters: #""state": \#(state)"#)
        #expect(foreign.status == 400 && foreign.json["code"] == .string("invalid_state"))
        // The extractor alone makes another state, whatever the model's name.
        let digests = try ["steps", "other", "last"].map { try registry.model(named: $0).weightsDigest() }
        #expect(digests[0] != digests[1] && digests[0] == digests[2])
    }

    @Test func `clips of several lengths and clients keep their answers`() throws {
        defer { scheduler.stop() }
        let clips = (0..<5).map { shift in
            clip((0...shift).map { frames[($0 * 2 + shift) % 5] })
        }
        let alone = try clips.map { try predictions(post("steps", $0))[0] }
        let together = try predictions(post("steps", clips[0], clips[1], clips[2], clips[3], clips[4]))
        #expect(together == alone)
        let wrong = Atomic(0)
        let threads = ThreadGroup()
        for client in 0..<4 {
            try threads.start(name: "client") {
                for round in 0..<10 {
                    let index = (client + round) % 5
                    // An error counts as a wrong answer.
                    let answer = try? predictions(post("steps", clips[index]))
                    if answer != [alone[index]] { wrong.add(1, ordering: .relaxed) }
                }
            }
        }
        threads.join()
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    // swift-format-ignore
    static let faults: [(clip: String, status: Int, code: String, message: String)] = [
        (#"[FRAME, {"b64": "aGVsbG8="}, FRAME]"#, 422, "undecodable_image", "instance 1: frame 1: "),
        (#"[FRAME, FRAME, {"b64": "?"}]"#, 400, "invalid_base64", "instance 1: frame 2: b64: not valid base64"),
        ("[FRAME, [FRAME]]", 400, "invalid_input", #"instance 1: frame 1: expected {"b64": "…"} (the model takes images), found an array"#),
        (#""a text""#, 400, "invalid_input", #"instance 1: frame 0: expected {"b64": "…"} (the model takes images), found a string"#),
        ("[]", 400, "empty_sequence", "instance 1: the sequence is empty"),
        ("[\(Array(repeating: "FRAME", count: 13).joined(separator: ","))]", 400, "sequence_too_long", "instance 1: the sequence has 13 steps, the model takes at most 12"),
    ]

    @Test(arguments: faults)
    func `names the clip and the frame that are wrong`(
        fault: (clip: String, status: Int, code: String, message: String)
    ) throws {
        defer { scheduler.stop() }
        let wrong = fault.clip.replacing("FRAME", with: frames[1])
        let answer = try post("steps", frames[0], wrong)
        #expect(answer.status == fault.status)
        #expect(answer.json["code"] == .string(fault.code))
        guard case .string(let message)? = answer.json["error"] else { return }
        #expect(message.hasPrefix(fault.message), "\(message)")
    }

    @Test func `a bad frame leaves its stream as it was`() throws {
        defer { scheduler.stop() }
        let whole = try tags(post("steps", clip(frames))).map { $0["probability"] }
        let id = #""sequence_id": 7"#
        let bad = #"{"b64": "aGVsbG8="}"#
        #expect(try post("steps", frames[0], parameters: id).status == 404)
        #expect(try post("steps", bad, parameters: id + #", "sequence_start": true"#).status == 422)
        #expect(try post("steps", frames[0], parameters: id).status == 404)
        _ = try post("steps", frames[0], parameters: id + #", "sequence_start": true"#)
        let refusal = try post("steps", clip([frames[1], bad]), parameters: id)
        #expect(refusal.status == 422)
        guard case .string(let message)? = refusal.json["error"] else { return }
        #expect(message.hasPrefix("instance 0: frame 1: "), "\(message)")
        let rest = try tags(post("steps", clip(frames[1...]), parameters: id))
        #expect(rest.map { $0["probability"] } == Array(whole[1...]))
        let path = "/v1/models/steps/sequences/7"
        for status in [204, 404] {
            #expect(api.respond(to: Request(method: .delete, path: path)).status.code == status)
        }
        let pooled = try post("mean", frames[0], parameters: id + #", "sequence_start": true"#)
        #expect(pooled.json["code"] == .string("not_streamable"))
    }

    @Test func `a stream whose frames run is in use`() throws {
        scheduler.stop()
        let gate = Gate()
        let slow = try Scheduler { BatchRunner.Functions(run: gate.run) }
        let api = try Self.api(registry, slow)
        let parameters = #""sequence_id": "s", "sequence_start": true"#
        let threads = ThreadGroup()
        try threads.start(name: "client") {
            // What the gate answers is no feature; only the wait for it matters.
            _ = try? post("steps", frames[0], parameters: parameters, by: api)
        }
        gate.waitForBatches(1)
        let second = try post("steps", frames[1], parameters: parameters, by: api)
        #expect(second.status == 409 && second.json["code"] == .string("sequence_conflict"))
        gate.open()
        threads.join()
        slow.stop()
    }

    @Test func `a model over frames is listed with what it takes, and classifies no single image`() throws {
        defer { scheduler.stop() }
        let entry = try registry.entry(named: "steps").json()
        #expect(entry["architecture"] == .string("cnn_rnn"))
        #expect(
            entry["input"]?.text == #"{"kind":"frames","color":"gray","shape":[1,32,32],"max_length":12}"#
        )
        #expect(entry["preprocessing"]?["resize"]?.text == "[32,32]")
        let parameters = try ClipModel.shapes().values.reduce(0) { $0 + $1.elementCount }
        #expect(entry["parameters"] == .integer(parameters) && entry["classes"] == .integer(5))
        let request = Request(
            method: .post,
            path: "/v1/models/steps:classify",
            body: try Repository.example("digit-3.png")
        )
        let answer = try JSONValue(parsing: api.respond(to: request).body)
        #expect(answer["error"] == .string("model 'steps' takes frames, not images"))
    }

    // swift-format-ignore
    static let misfits: [(task: String, from: String, to: String, message: String)] = [
        ("sequence-regression", "", "", "model.json: task: no 'sequence-regression' takes frames; a classification does"),
        ("text-generation", "", "", "model.json: input.kind: a model for 'text-generation' takes text, found 'frames'"),
        ("token-classification", #""gray", "mean": [0.5], "std": [0.25]"#, #""rgb""#, "model.json: preprocessing.color: 'rgb' has 3, but 'lenet5' takes 1 channels"),
        ("token-classification", #""cnn_rnn""#, #""lstm""#, "model.json: input.kind: 'lstm' takes no frames"),
        ("token-classification", #""kind": "frames""#, #""kind": "tokens", "size": 9"#, "model.json: preprocessing: only frames are prepared as images"),
        ("token-classification", #"{"extractor": "lenet5"}"#, "{}", "cnn_rnn: option 'extractor' is missing"),
        ("token-classification", #""lenet5""#, #""lenet5_1998""#, "cnn_rnn: extractor 'lenet5_1998' has no features: it ends in 'rbf', which is not a linear layer"),
        ("token-classification", "[32, 32]", "[28, 28]", "lenet5: cannot take images of 28×28"),
        ("token-classification", #", "e"]"#, "]", "labels: expected 5 labels for 5 classes, found 4"),
    ]

    @Test(arguments: misfits)
    func `says why a model does not load`(misfit: (task: String, from: String, to: String, message: String))
        throws
    {
        defer { scheduler.stop() }
        var manifest = ClipModel.manifest
        if !misfit.from.isEmpty { manifest = manifest.replacing(misfit.from, with: misfit.to) }
        try ClipModel.write("misfit", task: misfit.task, to: folder, manifest: manifest)
        let reason = try reason()
        #expect(reason.hasPrefix(misfit.message), "\(reason)")
    }

    @Test func `tensors of both networks must be there, and no other`() throws {
        defer { scheduler.stop() }
        var shapes = try ClipModel.shapes()
        shapes["cnn.fc1.bias"] = nil
        shapes["head.bias"] = nil
        shapes["cnn.fc3.bias"] = [10]
        try ClipModel.write("misfit", to: folder, shapes: shapes)
        let reason = try reason()
        for tensor in [
            "'cnn.fc1.bias' (120) is missing", "'head.bias' (5) is missing",
            "'cnn.fc3.bias' (10) is not part",
        ] {
            #expect(reason.contains(tensor), "\(reason)")
        }
    }

    private func reason() throws -> String {
        try registry.load { $0 == "misfit" }
        return try registry.entry(named: "misfit").current.reason ?? "it loads"
    }
}
