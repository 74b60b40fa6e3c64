import Engine
import Foundation
import Inference
import Logging
import Models
import Platform
import Support
import Synchronization
import Testing

/// Models that come and go, with real files and real threads.
struct ReloadTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Writes a model whose weights are those of a seed; its manifest comes last.
    private func add(_ name: String, seed: UInt64 = 1, manifest: String = TestModels.gruManifest) throws {
        try addWeights(name, seed: seed)
        try folder.write(manifest, to: "\(name)/model.json")
    }

    private func addWeights(_ name: String, seed: UInt64) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/\(name)",
            withIntermediateDirectories: true
        )
        let tensors = TestModels.gruShapes.sorted { $0.key < $1.key }.map { name, shape in
            (name: name, tensor: SyntheticWeights.tensor(name, shape, seed: seed))
        }
        try Safetensors.write(tensors, to: "\(folder.path)/\(name)/model.safetensors")
    }

    private func manifest(_ more: String) -> String { TestModels.gruManifest.dropLast() + ", \(more)}" }

    private func registry(_ change: (inout Registry.Options) -> Void = { _ in }) -> Registry {
        var options = Registry.Options()
        change(&options)
        return Registry(folder: folder.path, options, logger: Self.silent)
    }

    private func wait<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
        try TestLane.shared.wait { () async throws in try await work() }
    }

    private func reload(_ registry: Registry) throws -> [String] {
        try wait { try await registry.reload() }.map { change in
            "\(change.model)/\(change.version) \(change.outcome)".split(separator: "(")[0].description
        }
    }

    @Test func `what changed is loaded, what did not is left alone, and what is gone goes`() throws {
        try add("a")
        try add("b")
        let registry = registry()
        try registry.load()
        let (a, b) = try (registry.model(named: "a"), registry.model(named: "b"))
        #expect(try reload(registry) == ["a/1 unchanged", "b/1 unchanged"])
        try add("a", seed: 2)
        try add("c")
        #expect(try reload(registry) == ["a/1 loaded", "b/1 unchanged", "c/1 loaded"])
        #expect(try registry.model(named: "a").weightsDigest() != a.weightsDigest())
        #expect(try registry.model(named: "b") === b)
        try FileManager.default.removeItem(atPath: "\(folder.path)/b")
        #expect(try reload(registry) == ["a/1 unchanged", "b/1 removed", "c/1 unchanged"])
        #expect(throws: ServingError.unknownModel("b", nearest: "a")) { try registry.model(named: "b") }
    }

    @Test func `what is written while the watch begins counts with its last file, as it does later`() throws {
        try add("m")
        let registry = registry()
        let watch = try ModelWatch(registry, logger: Self.silent)
        try registry.load()
        let model = try registry.model(named: "m")
        // Half of a new model, before the watch has looked at anything.
        try addWeights("m", seed: 2)
        // A whole one, which nobody has asked for since the folder was read.
        try add("before")
        try watch.begin()
        while (try? registry.model(named: "before")) == nil {}
        try add("later")
        while (try? registry.model(named: "later")) == nil {}
        #expect(try registry.model(named: "m") === model)
        try folder.write(TestModels.gruManifest, to: "m/model.json")
        while try registry.model(named: "m") === model {}
        watch.close()
    }

    @Test func `one that fails replaces nothing, and the listing says why until it is mended`() throws {
        try add("m")
        let registry = registry()
        try registry.load()
        let model = try registry.model(named: "m")
        try folder.write("{}", to: "m/model.json")
        #expect(try reload(registry) == ["m/1 failed"])
        #expect(try registry.model(named: "m") === model)
        let version = try registry.entry(named: "m").current
        #expect(version.state == .ready)
        #expect(version.reason?.contains("'architecture' is missing") == true)
        #expect(try registry.entry(named: "m").json()["reason"] != nil)
        #expect(try reload(registry) == ["m/1 failed"]) // tried again
        try folder.write(TestModels.gruManifest, to: "m/model.json")
        #expect(try reload(registry) == ["m/1 loaded"])
        #expect(try registry.entry(named: "m").json()["reason"] == nil)
    }

    @Test func `the latest versions are served, and one that fails keeps the one before it`() throws {
        let latest = manifest(#""versions": {"policy": "latest"}"#)
        try add("m/1", manifest: latest)
        let registry = registry()
        try registry.load()
        #expect(try registry.model(named: "m").version == "1")
        try add("m/2", manifest: latest.replacing("gru", with: "gur"))
        // A manifest that cannot be used is still the highest that says something of versions.
        #expect(try reload(registry).contains("m/2 failed"))
        #expect(try registry.model(named: "m").version == "1")
        try add("m/3", seed: 3, manifest: latest)
        #expect(try reload(registry).contains("m/3 loaded"))
        #expect(try registry.model(named: "m").version == "3")
        #expect(throws: ServingError.modelUnloaded("m", version: "1")) {
            try registry.model(named: "m", version: "1")
        }
        let states = try registry.entry(named: "m").versions.map { "\($0.version) \($0.state)" }
        #expect(states == ["1 unloaded", "2 unloaded", "3 ready"])
    }

    @Test func `a flat model is version 1, beside numbered ones`() throws {
        try add("m")
        try add("m/2", seed: 2)
        let registry = registry()
        try registry.load()
        #expect(try registry.entry(named: "m").versions.map(\.version) == ["1", "2"])
        #expect(try registry.model(named: "m").version == "2")
        #expect(try registry.model(named: "m", version: "1").version == "1")
    }

    @Test func `an unloaded model stays so until it is loaded, and its memory goes with its last request`()
        throws
    {
        try add("m")
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let registry = Registry(
            folder: folder.path,
            logger: Self.silent,
            warmUp: scheduler.warmUp,
            retire: scheduler.retire
        )
        try registry.load()
        var held: Model? = try registry.model(named: "m")
        weak let network = held?.network
        _ = try wait { try await registry.unload("m") }
        #expect(throws: ServingError.modelUnloaded("m", version: "1")) { try registry.model(named: "m") }
        // A request that has it is answered.
        if let held { _ = try scheduler.infer(held, items: [TestModels.sequence(1)]) }
        #expect(registry.leavingCount == 1)
        held = nil
        while registry.leavingCount > 0 {}
        while network != nil {} // the engine's thread lets go of it in its own time
        #expect(try reload(registry) == ["m/1 unloaded"])
        #expect(try wait { try await registry.load("m") }.map(\.outcome) == [.loaded])
        _ = try registry.model(named: "m")
        #expect(throws: ServingError.unknownModel("n", nearest: "m")) {
            try wait { try await registry.load("n") }
        }
    }

    @Test func `a lazy model is loaded by the first request, which waits for it`() throws {
        try add("m")
        let registry = registry { $0.isLazy = true }
        try registry.load()
        #expect(try registry.entry(named: "m").current.state == .unloaded)
        #expect(try registry.readyModel(named: "m") == nil)
        let context = RequestContext.test(deadline: .now + .seconds(60))
        let models = try wait { () async throws -> [Model] in
            async let first = registry.model(named: "m", context)
            async let second = registry.model(named: "m", version: "1", context)
            return try await [first, second]
        }
        #expect(models[0] === models[1])
        #expect(try registry.model(named: "m") === models[0])
    }

    @Test func `a request whose time is over before its model is loaded is told to come again`() throws {
        try add("m")
        let gate = Monitor(false)
        var options = Registry.Options()
        options.isLazy = true
        let registry = Registry(
            folder: folder.path,
            options,
            logger: Self.silent,
            warmUp: { _, _ in
                _ = gate.wait { $0 ? true : nil }
            }
        )
        try registry.load()
        let late = RequestContext.test(deadline: .now + .milliseconds(1))
        let error = #expect(throws: ServingError.self) {
            try wait { try await registry.model(named: "m", late) }
        }
        #expect(error == .modelLoading("m", version: "1"))
        #expect(error?.retryAfterSeconds == 1)
        gate.signal { $0 = true }
        let inTime = RequestContext.test(deadline: .now + .seconds(60))
        #expect(try wait { try await registry.model(named: "m", inTime) }.name == "m")
    }

    @Test func `a lazy model that fails refuses those who wait, and harms nobody`() throws {
        try add("m", manifest: "{}")
        let registry = registry { $0.isLazy = true }
        try registry.load()
        let context = RequestContext.test(deadline: .now + .seconds(60))
        let error = #expect(throws: ServingError.self) {
            try wait { try await registry.model(named: "m", context) }
        }
        #expect(error?.code == "model_failed")
    }

    @Test func `the model not asked for for longest makes room, and comes back when asked for`() throws {
        for name in ["a", "b", "c"] { try add(name) }
        let first = registry()
        try first.load { $0 == "a" }
        let bytes = try first.model(named: "a").pipeline.bytes
        let registry = registry { $0.maxModelBytes = 2 * bytes + bytes / 2 }
        try registry.load()
        #expect(registry.counts() == [.ready: 2, .unloaded: 1])
        let context = RequestContext.test(deadline: .now + .seconds(60))
        for name in ["a", "b", "c", "b", "a", "c"] {
            #expect(try wait { try await registry.model(named: name, context) }.name == name)
            #expect(registry.counts()[.ready] == 2)
        }
        // Of a, c and b the last two were asked for last.
        #expect(try registry.entry(named: "b").current.state == .unloaded)
        let small = self.registry { $0.maxModelBytes = bytes / 2 }
        try small.load { $0 == "a" }
        #expect(try small.entry(named: "a").current.reason?.contains("max_model_memory") == true)
    }

    @Test func `models are loaded side by side at the start`() throws {
        for name in ["a", "b"] { try add(name) }
        let inside = Monitor(0)
        var options = Registry.Options()
        options.threads = 2
        let registry = Registry(
            folder: folder.path,
            options,
            logger: Self.silent,
            warmUp: { _, _ in
                inside.signal { $0 += 1 }
                _ = inside.wait { $0 == 2 ? true : nil }
            }
        )
        try registry.load()
        #expect(registry.counts() == [.ready: 2])
    }

    @Test func `a reload gives way to requests, the first load does not`() throws {
        try add("m")
        let priorities = Mutex<[Int32]>([])
        let registry = Registry(
            folder: folder.path,
            logger: Self.silent,
            warmUp: { _, _ in
                let priority = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
                priorities.withLock { $0.append(priority) }
            }
        )
        try registry.load()
        try add("m", seed: 2)
        _ = try reload(registry)
        let found = priorities.withLock(\.self)
        #expect(found.count == 2 && found[1] > found[0], "\(found)")
    }

    @Test func `a folder that somebody writes to is waited for`() throws {
        try add("m")
        let registry = registry { $0.settle = .milliseconds(200) }
        let isDone = Mutex(false)
        let writes = Mutex(0)
        // Somebody writes to the folder again and again, half a second long, with never more than a few milliseconds
        // between.
        let start = ContinuousClock.now
        let writer = ThreadGroup()
        try writer.start(name: "writer") { [folder] in
            while ContinuousClock.now - start < .milliseconds(500) {
                try? folder.write("\(ContinuousClock.now)", to: "m/note.txt")
                writes.withLock { $0 += 1 }
            }
            isDone.withLock { $0 = true }
        }
        try registry.load()
        let wasDone = isDone.withLock(\.self)
        #expect(wasDone, "read while it was written, after \(writes.withLock(\.self)) writes")
        writer.join()
        _ = try registry.model(named: "m")
    }

    @Test func `golden answers are held to, and a version that gives others is refused`() throws {
        try add("m")
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let registry = Registry(folder: folder.path, logger: Self.silent, warmUp: scheduler.warmUp)
        try registry.load()
        let model = try registry.model(named: "m")
        let tensors = try wait {
            try await Golden.tensors(of: model) { network, items throws(ServingError) in
                try await scheduler.infer(network, items: items, RequestContext()).outputs
            }
        }
        try Safetensors.write(tensors, to: "\(folder.path)/m/golden.safetensors")
        #expect(try reload(registry) == ["m/1 loaded"])
        let golden = try registry.model(named: "m")
        try add("m", seed: 2)
        #expect(try reload(registry) == ["m/1 failed"])
        #expect(try registry.model(named: "m") === golden)
        let reason = try registry.entry(named: "m").current.reason ?? ""
        #expect(reason.contains("golden.safetensors: logits[") && reason.contains("expected"), "\(reason)")
        try Safetensors.write(
            tensors + [("tolerance", Tensor(shape: [1], values: [1000]))],
            to: "\(folder.path)/m/golden.safetensors"
        )
        #expect(try reload(registry) == ["m/1 loaded"])
    }

    // swift-format-ignore
    @Test(arguments: [
        (#"{"policy": "newest"}"#, "versions.policy: expected latest, all or specific, found 'newest'"),
        (#"{}"#, "versions: 'policy' is missing"),
        (#"{"policy": "latest", "count": 0}"#, "versions.count: expected an integer from 1 to 1000"),
        (#"{"policy": "all", "count": 1}"#, "versions.count: only the policy 'latest' has it"),
        (#"{"policy": "specific"}"#, "versions: 'versions' is missing"),
        (#"{"policy": "specific", "versions": [0]}"#, "versions.versions[0]: expected an integer"),
    ])
    func `a policy that is wrong is refused with its place`(policy: String, message: String) {
        let error = #expect(throws: FormatError.self) {
            try Manifest(parsing: Array(manifest(#""versions": \#(policy)"#).utf8))
        }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
