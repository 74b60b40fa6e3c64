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

/// Sequences that go on between requests, without a socket.
struct SequenceEndpointTests {
    private let folder: TemporaryFolder
    private let scheduler: Scheduler
    private let metrics = ServingMetrics(version: "test")
    private let clock = TestClock()
    private let api: Service
    private let registry: Registry

    /// A clock that a test sets.
    private final class TestClock: Sendable {
        private let elapsed = Mutex(Duration.zero)
        private let start = ContinuousClock.now

        var now: ContinuousClock.Instant { start + elapsed.withLock { $0 } }

        func advance(_ duration: Duration) { elapsed.withLock { $0 += duration } }
    }

    init() throws {
        folder = try TemporaryFolder()
        let manifest = #"{"architecture": "gru", "task": "TASK", "input": {"kind": "features", "size": 3}"#
        for (name, task, more) in [
            ("last", "sequence-classification", "}"),
            (
                "values", "sequence-regression",
                #", "output": {"mean": [1, 2, 3, 4, 5], "std": [2, 2, 2, 2, 2]}}"#
            ),
            ("steps", "token-classification", "}"),
            ("mean", "sequence-classification", #", "pooling": "mean"}"#),
            ("output", "sequence-classification", #", "pooling": "last_output"}"#),
        ] {
            try folder.write(manifest.replacing("TASK", with: task) + more, to: "\(name)/model.json")
            try TestModels.writeWeights(to: "\(folder.path)/\(name)/model.safetensors")
        }
        try CharacterModel.write("letters", to: folder)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        registry = Registry(folder: folder.path, logger: logger)
        try registry.load()
        scheduler = try Scheduler(threads: 1)
        var limits = SequenceStore.Limits()
        limits.most = 2
        limits.timeToLive = .seconds(60)
        let store = SequenceStore(limits) { [clock] in clock.now }
        metrics.collect(sequences: store)
        api = try Service(
            registry: registry,
            metrics: metrics,
            scheduler: scheduler,
            generations: GenerationLimit(1),
            sequences: store
        )
    }

    private func post(_ model: String, _ steps: [[Double]], _ parameters: String = "") throws
        -> (status: Int, json: JSONValue)
    {
        let instance = JSONValue.array(steps.map { .array($0.map(JSONValue.number)) })
        return try post(model, #"{"instances": [\#(instance.text)], "parameters": {\#(parameters)}}"#)
    }

    private func post(_ model: String, _ body: String) throws -> (status: Int, json: JSONValue) {
        let response = api.post(body, to: model, "predict")
        return (response.status.code, try JSONValue(parsing: response.body))
    }

    private func delete(_ model: String, _ id: String) -> Int {
        let path = "/v1/models/\(model)/sequences/\(id)"
        return api.respond(to: Request(method: .delete, path: path)).status.code
    }

    private func predictions(_ json: JSONValue) -> JSONValue? {
        guard case .array(let predictions)? = json["predictions"], predictions.count == 1 else { return nil }
        return predictions[0]
    }

    private let steps: [[Double]] = (0..<24).map { [0.1 * Double($0), 1 - 0.3 * Double($0), 0.5] }

    @Test(arguments: ["last", "values"])
    func `the last of several requests answers as the whole sequence would`(model: String) throws {
        defer { scheduler.stop() }
        let whole = try post(model, steps)
        #expect(whole.status == 200)
        for cut in [1, 5, 24] {
            var last = JSONValue.null
            for start in stride(from: 0, to: steps.count, by: cut) {
                let parameters = #""sequence_id": "s", "sequence_start": \#(start == 0)"#
                last = try post(model, Array(steps[start..<min(start + cut, steps.count)]), parameters).json
            }
            #expect(last == whole.json, "in stretches of \(cut)")
        }
    }

    @Test func `each step of several requests answers as the whole sequence would`() throws {
        defer { scheduler.stop() }
        guard case .array(let whole)? = predictions(try post("steps", steps).json) else {
            Issue.record("no predictions")
            return
        }
        var parts: [JSONValue] = []
        for (index, step) in steps.enumerated() {
            let parameters = #""sequence_id": 42, "sequence_start": \#(index == 0)"#
            guard case .array(let part)? = predictions(try post("steps", [step], parameters).json) else {
                break
            }
            parts += part
        }
        #expect(parts == whole)
    }

    @Test func `a sequence goes on with the version that began it, and not with other weights`() throws {
        defer { scheduler.stop() }
        let whole = try post("last", steps).json
        let (head, tail) = (Array(steps[..<10]), Array(steps[10...]))
        let goesOn = #""sequence_id": "s""#
        _ = try post("last", head, goesOn + #", "sequence_start": true"#)
        // A second version, beside the model that lies flat, with other weights.
        let manifest =
            #"{"architecture": "gru", "task": "sequence-classification", "input": {"kind": "features", "size": 3}}"#
        try folder.write(manifest, to: "last/2/model.json")
        func write(_ version: String, seed: UInt64) throws {
            let tensors = TestModels.gruShapes.sorted { $0.key < $1.key }.map { name, shape in
                (name: name, tensor: SyntheticWeights.tensor(name, shape, seed: seed))
            }
            try Safetensors.write(tensors, to: "\(folder.path)/last\(version)/model.safetensors")
        }
        func reload() throws {
            _ = try TestLane.shared.wait { [registry] () async throws in try await registry.reload() }
        }
        try write("/2", seed: 2)
        try reload()
        #expect(try post("last", steps).json != whole)
        #expect(try post("last", tail, goesOn).json == whole)
        // One that begins now begins with the new version, whose weights are replaced.
        _ = try post("last", head, #""sequence_id": "t", "sequence_start": true"#)
        try write("/2", seed: 3)
        try reload()
        let stale = try post("last", tail, #""sequence_id": "t""#)
        #expect(stale.status == 410)
        #expect(stale.json["error"]?.text.contains("other weights") == true, "\(stale.json.text)")
        #expect(delete("last", "s") == 204)
    }

    @Test func `a state that a client keeps goes on like one that the server keeps`() throws {
        defer { scheduler.stop() }
        let whole = try post("values", steps).json
        let first = try post("values", Array(steps[..<10]), #""return_state": true"#)
        let state = try #require(first.json["state"])
        let rest = Array(steps[10...])
        #expect(try post("values", rest, #""state": \#(state.text)"#).json == whole)
        let kept = #""sequence_id": "x", "sequence_start": true, "state": \#(state.text)"#
        #expect(try post("values", rest, kept).json == whole)
        for model in ["last", "steps"] {
            let foreign = try post(model, rest, #""state": \#(state.text)"#)
            #expect(foreign.status == 400)
            #expect(foreign.json["code"] == .string("invalid_state"))
        }
    }

    @Test func `says whether a sequence was never there, ended, expired or had to go`() throws {
        defer { scheduler.stop() }
        let step = [steps[0]]
        func status(_ id: String, _ more: String = "") throws -> Int {
            try post("last", step, #""sequence_id": "\#(id)"\#(more)"#).status
        }
        let start = #", "sequence_start": true"#
        #expect(try status("a") == 404)
        #expect(try status("a", start) == 200)
        #expect(try status("a", #", "sequence_end": true"#) == 200)
        #expect(try status("a") == 404)
        #expect(try status("b", start) == 200)
        clock.advance(.seconds(59))
        #expect(try status("b") == 200)
        clock.advance(.seconds(60))
        #expect(try status("b") == 410)
        #expect(delete("last", "b") == 410)
        for id in ["c", "d", "e"] { #expect(try status(id, start) == 200) }
        #expect(try status("c") == 410)
        #expect(delete("last", "d") == 204)
        #expect(delete("last", "d") == 404)
        #expect(delete("lost", "d") == 404)
        #expect(try status("d") == 404)
        let text = String(decoding: metrics.render(), as: UTF8.self)
        #expect(text.contains("martlet_sequences 1\n"))
        for (event, count) in [("started", 5), ("ended", 2), ("expired", 1), ("evicted", 1), ("conflict", 0)]
        {
            #expect(text.contains(#"martlet_sequence_events_total{event="\#(event)"} \#(count)"#), "\(event)")
        }
    }

    @Test func `of one direction the last output is the last state, and goes on between requests`() throws {
        defer { scheduler.stop() }
        let steps = [[1.0, 2, 3], [0.5, -1, 2]]
        let whole = try post("last", steps)
        #expect(whole.status == 200)
        #expect(try post("output", steps).json["predictions"] == whole.json["predictions"])
        _ = try post("output", [steps[0]], #""sequence_id": "a", "sequence_start": true"#)
        let last = try post("output", [steps[1]], #""sequence_id": "a", "sequence_end": true"#)
        #expect(last.json["predictions"] == whole.json["predictions"])
    }

    // swift-format-ignore
    static let faults: [(model: String, parameters: String, code: String, message: String)] = [
        ("last", #""sequence_id": """#, "invalid_parameter", "parameters.sequence_id: expected 1 to 128 characters without '/', ':' and control characters, or a whole number"),
        ("last", #""sequence_id": "a/b""#, "invalid_parameter", "parameters.sequence_id: expected 1 to 128 characters without '/', ':' and control characters, or a whole number"),
        ("last", #""sequence_id": 1.5"#, "invalid_parameter", "parameters.sequence_id: expected an integer from -9007199254740991 to 9007199254740991, found 1.5"),
        ("last", #""sequence_id": true"#, "invalid_parameter", "parameters.sequence_id: expected a string, found true"),
        ("last", #""sequence_id": "a", "sequence_start": 1"#, "invalid_parameter", "parameters.sequence_start: expected true or false, found 1"),
        ("last", #""sequence_start": true"#, "invalid_parameter", "parameters.sequence_start: it needs a 'sequence_id'"),
        ("last", #""sequence_id": "a", "state": "AAAA""#, "invalid_parameter", "parameters.state: a kept sequence takes it only with \"sequence_start\": true"),
        ("last", #""sequence_di": "a""#, "unknown_parameter", "unknown parameter 'sequence_di'; did you mean 'sequence_id'?"),
        ("last", #""state": "AAAA""#, "invalid_state", "state: expected a state as an answer gave it, found other bytes"),
        ("values", #""sequence_id": "a", "sequence_start": true, "horizon": 3"#, "invalid_parameter", "parameters.horizon: a sequence that goes on is predicted one step ahead"),
        ("mean", #""sequence_id": "a", "sequence_start": true"#, "not_streamable", "model 'mean' cannot go on from an earlier request: it pools over the whole sequence"),
        ("letters", #""return_state": true"#, "not_streamable", "model 'letters' cannot go on from an earlier request: its texts go on with ':generate'"),
    ]

    @Test(arguments: faults)
    func `says what is wrong`(fault: (model: String, parameters: String, code: String, message: String))
        throws
    {
        defer { scheduler.stop() }
        let answer = try post(fault.model, [steps[0]], fault.parameters)
        #expect(answer.status == 400)
        #expect(answer.json["code"] == .string(fault.code))
        #expect(answer.json["error"] == .string(fault.message))
    }

    @Test func `a bad step leaves its sequence as it was`() throws {
        defer { scheduler.stop() }
        _ = try post("last", [steps[0]], #""sequence_id": "s", "sequence_start": true"#)
        #expect(try post("last", [[1, 2]], #""sequence_id": "s""#).status == 400)
        let two = try post(
            "last",
            #"{"instances": [[[1,2,3]],[[1,2,3]]], "parameters": {"sequence_id": "s"}}"#
        )
        #expect(two.status == 400)
        let whole = try post("last", Array(steps[..<2]))
        #expect(try post("last", [steps[1]], #""sequence_id": "s""#).json == whole.json)
    }
}
