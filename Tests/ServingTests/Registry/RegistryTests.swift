import Engine
import Foundation
import Inference
import Logging
import Models
import Platform
import Support
import Synchronization
import Testing

struct RegistryTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func quiet() -> Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func add(_ name: String, manifest: String = TestModels.gruManifest, labels: String? = nil) throws
    {
        try folder.write(manifest, to: "\(name)/model.json")
        try TestModels.writeWeights(to: "\(folder.path)/\(name)/model.safetensors")
        if let labels { try folder.write(labels, to: "\(name)/labels.txt") }
    }

    private func loaded() throws -> Registry {
        let registry = Registry(folder: folder.path, logger: quiet())
        try registry.load()
        return registry
    }

    private func manifest(_ more: String) -> String { TestModels.gruManifest.dropLast() + ", \(more)}" }

    @Test func `loads models by name and ignores other folders`() throws {
        try add("good", manifest: manifest(#""labels": "labels.txt""#), labels: "a\nb\r\nc\nd\ne\n")
        try folder.write("print()", to: "recipes/train.py")
        try folder.write("x", to: "file.txt")
        let registry = try loaded()
        #expect(registry.models().map(\.name) == ["good"])
        let model = try registry.model(named: "good")
        #expect(model.labels == ["a", "b", "c", "d", "e"])
        #expect(model.classes == 5)
        #expect(model.parameterCount == 12 * 3 + 12 * 4 + 24 + 25)
    }

    @Test func `the highest ready version answers by default`() throws {
        try add("m/2")
        try add("m/10")
        try add("m/11", manifest: "{}")
        try add("m/011")
        try add("m/latest")
        let registry = try loaded()
        #expect(try registry.model(named: "m").version == "10")
        #expect(try registry.model(named: "m", version: "2").version == "2")
        let entry = try registry.entry(named: "m")
        #expect(entry.versions.map(\.version) == ["2", "10", "11"])
        let error = #expect(throws: ServingError.self) { try registry.model(named: "m", version: "11") }
        #expect(error?.status.code == 503)
        #expect(error?.message.contains("'architecture' is missing") == true)
    }

    @Test func `a label names the highest of its versions that can answer`() throws {
        try add("m/1", manifest: manifest(#""version_labels": ["stable", "old"]"#))
        try add("m/2", manifest: manifest(#""version_labels": ["stable"]"#))
        try add("m/3")
        let entry = try loaded().entry(named: "m")
        #expect(entry.labels == ["latest", "old", "stable"])
        #expect(entry.labelled("latest")?.version == "3")
        #expect(entry.labelled("stable")?.version == "2")
        #expect(entry.labelled("old")?.version == "1")
        #expect(entry.labelled("canary") == nil)
    }

    @Test func `one model that fails harms no other and says why`() throws {
        try add("good")
        try add("unknown-key", manifest: manifest(#""label": []"#))
        try add("labels", manifest: manifest(#""labels": "labels.txt""#), labels: "a\nb\n")
        try add("missing-labels", manifest: manifest(#""labels": "labels.txt""#))
        try add("classes", manifest: manifest(#""classes": 7"#))
        try add("architecture", manifest: TestModels.gruManifest.replacing("gru", with: "gur"))
        try add("option", manifest: manifest(#""options": {"reset_afte": true}"#))
        try add(
            "wrong-task",
            manifest: #"{"architecture": "gru", "task": "image-classification", "preprocessing": {}}"#
        )
        try folder.write(TestModels.gruManifest, to: "no-weights/model.json")
        try folder.write("not json", to: "no-json/model.json")
        try folder.write(TestModels.gruManifest, to: "shape/model.json")
        var shapes = TestModels.gruShapes
        shapes["head.weight"] = [5, 9]
        shapes["rnn.bias_hh_l0"] = nil
        shapes["extra"] = [1]
        try TestModels.writeWeights(to: "\(folder.path)/shape/model.safetensors", shapes: shapes)
        try folder.write(TestModels.gruManifest, to: "hostile/model.json")
        try folder.write(String(repeating: "\u{7F}", count: 64), to: "hostile/model.safetensors")

        let registry = try loaded()
        #expect(registry.counts() == [.ready: 1, .failed: 11])
        _ = try registry.model(named: "good")
        // swift-format-ignore
        let reasons: [(String, [String])] = [
            ("unknown-key", ["model.json: unknown key 'label'; did you mean 'labels'?"]),
            ("labels", ["expected 5 labels for 5 classes, found 2"]),
            ("missing-labels", ["labels.txt", "no such file"]),
            ("classes", ["7"]),
            ("architecture", ["unknown architecture 'gur'; did you mean 'gru'?"]),
            ("option", ["unknown option 'reset_afte'; did you mean 'reset_after'?"]),
            ("wrong-task", ["'gru' takes sequences, not images"]),
            ("no-weights", ["model.safetensors", "no such file"]),
            ("no-json", ["model.json: not JSON"]),
            ("shape", ["'head.weight' is 5×9 but the architecture needs 5×4", "'extra'"]),
            ("hostile", ["not a safetensors file"]),
        ]
        for (name, parts) in reasons {
            let version = try registry.entry(named: name).current
            #expect(version.state == .failed, "\(name)")
            for part in parts {
                #expect(version.reason?.contains(part) == true, "\(name): \(version.reason ?? "no reason")")
            }
        }
    }

    @Test func `an unknown name is answered with the nearest`() throws {
        try add("digits")
        let registry = try loaded()
        let error = #expect(throws: ServingError.self) { try registry.model(named: "digit") }
        #expect(error?.status.code == 404)
        #expect(error?.message == "unknown model 'digit'; did you mean 'digits'?")
        #expect(throws: ServingError.self) { try registry.model(named: "../digits") }
        let version = #expect(throws: ServingError.self) { try registry.model(named: "digits", version: "3") }
        #expect(version?.message == "model 'digits' has no version '3'; it has 1")
    }

    @Test func `a model is ready only after its warm-up`() throws {
        try add("m")
        let refusing = Registry(folder: folder.path, logger: quiet()) { _, _ throws(ServingError) in
            throw .internalError("too cold")
        }
        try refusing.load()
        #expect(try refusing.entry(named: "m").current.reason == "too cold")
        let scheduler = try Scheduler(threads: 1)
        defer { scheduler.stop() }
        let warm = Registry(folder: folder.path, logger: quiet(), warmUp: scheduler.warmUp)
        try warm.load()
        #expect(try warm.entry(named: "m").current.state == .ready)
    }

    @Test func `weights that are not finite are found without running them`() throws {
        try add("m")
        var tensors = TestModels.gruShapes.sorted { $0.key < $1.key }.map { name, shape in
            (name: name, tensor: SyntheticWeights.tensor(name, shape, seed: 1))
        }
        tensors[0].tensor = Tensor(shape: [5], values: [0, 0, .nan, 0, 0])
        try Safetensors.write(tensors, to: "\(folder.path)/m/model.safetensors")
        let registry = Registry(folder: folder.path, logger: quiet())
        try registry.load()
        let reason = try registry.entry(named: "m").current.reason
        #expect(reason == "model.safetensors: tensor 'head.bias' holds a number that is not finite")
    }

    @Test func `a wrapper's prefix is told, and taken off where the manifest says so`() throws {
        let tensors = TestModels.gruShapes.map { name, shape in
            (name: "module.\(name)", tensor: SyntheticWeights.tensor(name, shape, seed: 1))
        }
        for (name, more) in [
            ("wrapped", ""), ("told", #""prefix": "module.""#), ("wrong", #""prefix": "model.""#),
        ] {
            try add(name, manifest: more.isEmpty ? TestModels.gruManifest : manifest(more))
            try Safetensors.write(tensors, to: "\(folder.path)/\(name)/model.safetensors")
        }
        let registry = try loaded()
        let advice = try registry.entry(named: "wrapped").current.reason
        #expect(advice?.contains(#"say "prefix": "module." in model.json"#) == true, "\(advice ?? "")")
        #expect(try registry.entry(named: "told").current.state == .ready)
        let wrong = try registry.entry(named: "wrong").current.reason
        #expect(wrong?.contains("no tensor's name begins with the prefix 'model.'") == true, "\(wrong ?? "")")
    }

    @Test func `a folder that is not there is an error`() throws {
        #expect(throws: SystemError.self) { try Registry(folder: folder.path + "/none").load() }
    }

    @Test func `lists a model with what a client needs to know`() throws {
        try add("m", manifest: manifest(#""provenance": {"license": "MIT"}"#))
        try add("broken", manifest: "{}")
        let registry = try loaded()
        let ready = try registry.entry(named: "m")
        #expect(
            ready.json(status: ready.versions).text
                == #"{"name":"m","version":"1","versions":["1"],"state":"ready","ready":true,"task":"sequence-classification","#
                + #""architecture":"gru","parameters":133,"classes":5,"input":{"kind":"features","size":3},"#
                + #""provenance":{"license":"MIT"},"model_version_status":[{"version":"1","state":"AVAILABLE","#
                + #""status":{"error_code":"OK","error_message":""}}]}"#
        )
        let failed = try registry.entry(named: "broken").json()
        #expect(failed["state"] == .string("failed"))
        #expect(failed["reason"] == .string("model.json: 'architecture' is missing"))
    }

    @Test(arguments: ["nowhere", "loop"])
    func `a folder that cannot be read is a model that fails, and says why`(target: String) throws {
        try add("good")
        // A link that leads nowhere, and one that leads to itself.
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/loop",
            withDestinationPath: "\(folder.path)/\(target)"
        )
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/.hidden",
            withDestinationPath: "nowhere"
        )
        let registry = try loaded()
        #expect(registry.models().map(\.name) == ["good", "loop"])
        let failed = try registry.entry(named: "loop").current
        #expect(failed.state == .failed)
        let reason = try #require(failed.reason)
        #expect(reason.hasPrefix("its folder cannot be read: "))
        #expect(reason.hasSuffix(target == "loop" ? "(ELOOP)" : "(ENOENT)"))
        #expect(!reason.contains(folder.path))
    }

    @Test func `a version whose folder cannot be read fails beside those that can`() throws {
        try add("m/1")
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/m/2",
            withDestinationPath: "nowhere"
        )
        let registry = try loaded()
        let entry = try registry.entry(named: "m")
        #expect(entry.versions.map(\.state) == [.ready, .failed])
        #expect(
            entry.failures?.hasSuffix("its folder cannot be read: no such file or directory (ENOENT)") == true
        )
    }
}
