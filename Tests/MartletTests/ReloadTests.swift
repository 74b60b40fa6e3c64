import API
import Foundation
import Synchronization
import Testing

extension EndToEndTests {
    /// Models replaced in the folder of a daemon that serves them.
    @Suite final class ReloadTests: Sendable {
        let folder: URL
        private var model: URL { folder.appending(path: "digits") }

        init() throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "models-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: folder) } // what is left is the system's to clean

        private static let settings = ["--settle-ms", "20"]
        private static let classify = "/v1/models/digits:classify?top_k=10"

        /// The files of `digits`, whose last layer's biases are raised, each by as much as its class.
        private static func weights(raisedBy step: Float) throws -> Data {
            var file = try TensorFile(
                contentsOf: Repository.weights.appending(path: "digits/model.safetensors")
            )
            for index in file.entries.indices where file.entries[index].name == "fc3.bias" {
                let biases = file.entries[index].bytes.withUnsafeBytes { bytes in
                    (0..<10).map {
                        bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) + step * Float($0)
                    }
                }
                file.entries[index].bytes = biases.withUnsafeBytes { Data($0) }
            }
            return try file.encoded()
        }

        /// Writes the model, `model.json` last, each file in one step as a deployment does.
        private func write(_ weights: Data, to folder: URL? = nil) throws {
            let folder = folder ?? model
            let source = Repository.weights.appending(path: "digits")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try weights.write(to: folder.appending(path: "model.safetensors"), options: .atomic)
            for name in ["labels.txt", "model.json"] {
                let data = try Data(contentsOf: source.appending(path: name))
                try data.write(to: folder.appending(path: name), options: .atomic)
            }
        }

        private static func predictions(_ client: Client) throws -> String {
            let answer = try client.request("POST", classify, body: Repository.example("digit-7.png"))
            guard answer.status == 200 else {
                throw Client.Failure("status \(answer.status): \(answer.text)")
            }
            return answer.predictionTexts().joined()
        }

        /// Asks until the answer is another than `old`; how often that may take is bounded by the daemon's own deadline.
        private func awaitChange(from old: String, _ client: Client) throws -> String {
            let end = ContinuousClock.now + .seconds(30)
            while ContinuousClock.now < end {
                let found = try Self.predictions(client)
                if found != old { return found }
            }
            throw Client.Failure("the answer did not change")
        }

        private func reason(_ client: Client) throws -> String? {
            let listing: Listing = try client.request("GET", "/v1/models").decoded()
            return listing["digits"]?.reason
        }

        @Test func `fifty reloads under load fail no request and mix no answer`() throws {
            let versions = [try Self.weights(raisedBy: 0), try Self.weights(raisedBy: 0.25)]
            try write(versions[0])
            try Daemon.serving(folder, settings: Self.settings) { daemon in
                let admin = try Client(port: daemon.port)
                let first = try Self.predictions(admin)
                try write(versions[1])
                #expect(try admin.request("POST", "/v2/repository/models/digits/load").status == 200)
                let second = try Self.predictions(admin)
                #expect(first != second)
                let isDone = Mutex(false)
                let port = daemon.port
                let counts = Mutex([first: 0, second: 0])
                let reloads = try onThreads(9) { index -> [String] in
                    let client = try Client(port: port)
                    guard index == 0 else {
                        var strange: [String] = []
                        while !isDone.withLock(\.self) {
                            let found = try Self.predictions(client)
                            if ![first, second].contains(found) { strange.append(found) }
                            counts.withLock { $0[found, default: 0] += 1 }
                        }
                        return strange
                    }
                    defer { isDone.withLock { $0 = true } }
                    var failures: [String] = []
                    for round in 0..<50 {
                        try self.write(versions[round % 2])
                        let answer = try client.request("POST", "/v2/repository/models/digits/load")
                        let found = try Self.predictions(client)
                        if answer.status != 200 || found != [first, second][round % 2] {
                            failures.append("round \(round): \(answer.status) \(answer.text)")
                        }
                    }
                    return failures
                }
                #expect(reloads.flatMap(\.self) == [])
                #expect(
                    counts.withLock { $0.values.allSatisfy { $0 > 0 } },
                    "\(counts.withLock(\.self).values)"
                )
            }
        }

        @Test func `two hundred loads and unloads leave memory and descriptors as they were`() throws {
            for name in ["digits", "objects"] {
                try FileManager.default.copyItem(
                    at: Repository.weights.appending(path: name),
                    to: folder.appending(path: name)
                )
            }
            try Daemon.serving(folder, settings: Self.settings) { daemon in
                let client = try Client(port: daemon.port)
                func cycle(_ name: String) throws {
                    for verb in ["unload", "load"] {
                        let answer = try client.request("POST", "/v2/repository/models/\(name)/\(verb)")
                        #expect(answer.status == 200, "\(answer.text)")
                    }
                }
                for _ in 0..<10 { try cycle("objects") }
                let before = try (daemon.residentBytes(), daemon.descriptors())
                for round in 0..<200 { try cycle(round % 10 == 0 ? "objects" : "digits") }
                for _ in 0..<3 { try cycle("objects") }
                let after = try (daemon.residentBytes(), daemon.descriptors())
                #expect(after.0 - before.0 < 8 << 20, "grew from \(before.0) to \(after.0) bytes")
                #expect(after.1 <= before.1 + 1)
                // The weights of `objects` are 45 MB: once they are gone, so is their memory.
                _ = try client.request("POST", "/v2/repository/models/objects/unload")
                var left = after.0
                let end = ContinuousClock.now + .seconds(30)
                while left > after.0 - 30 << 20, ContinuousClock.now < end {
                    left = try daemon.residentBytes()
                }
                #expect(left <= after.0 - 30 << 20, "\(after.0) bytes before, \(left) after")
            }
        }

        @Test func `SIGHUP loads what is new, and keeps what works where the new does not`() throws {
            try write(Self.weights(raisedBy: 0))
            try Daemon.serving(folder, settings: Self.settings) { daemon in
                let client = try Client(port: daemon.port)
                let first = try Self.predictions(client)
                try write(Self.weights(raisedBy: 1))
                daemon.hangUp()
                let second = try awaitChange(from: first, client)
                // Cut short: the header promises more.
                try write(Self.weights(raisedBy: 2).dropLast(100))
                daemon.hangUp()
                while try reason(client) == nil {}
                #expect(try reason(client)?.contains("model.safetensors") == true)
                #expect(try Self.predictions(client) == second)
                #expect(try client.request("GET", "/readyz").status == 200)
                try write(Self.weights(raisedBy: 0))
                daemon.hangUp()
                #expect(try awaitChange(from: second, client) == first)
                #expect(try reason(client) == nil)
            }
        }

        @Test func `a watched folder is loaded when model.json was written, however long the rest took`()
            throws
        {
            try write(Self.weights(raisedBy: 0))
            try Daemon.serving(folder, settings: Self.settings + ["--watch-models", "true"]) { daemon in
                let client = try Client(port: daemon.port)
                let first = try Self.predictions(client)
                // The weights in place and alone change nothing: `model.json` has not come.
                let second = try Self.weights(raisedBy: 1)
                try second.write(to: model.appending(path: "model.safetensors"), options: .atomic)
                for _ in 0..<20 { #expect(try Self.predictions(client) == first) }
                let manifest = try Data(contentsOf: model.appending(path: "model.json"))
                try manifest.write(to: model.appending(path: "model.json"))
                let found = try awaitChange(from: first, client)
                // A new version, its manifest first and its weights in pieces.
                let folder = model.appending(path: "2")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try manifest.write(to: folder.appending(path: "model.json"))
                let path = folder.appending(path: "model.safetensors")
                let third = try Self.weights(raisedBy: 2)
                _ = FileManager.default.createFile(atPath: path.path, contents: nil)
                let file = try FileHandle(forWritingTo: path)
                for start in stride(from: 0, to: third.count, by: third.count / 40) {
                    try file.write(contentsOf: third.dropFirst(start).prefix(third.count / 40))
                    #expect(try Self.predictions(client) == found)
                }
                try file.close()
                let labels = try Data(contentsOf: Repository.weights.appending(path: "digits/labels.txt"))
                try labels.write(to: folder.appending(path: "labels.txt"))
                #expect(try awaitChange(from: found, client) != first)
                let answer = try client.request(
                    "POST",
                    Self.classify,
                    body: Repository.example("digit-7.png")
                )
                #expect(try answer.decoded(Classification.self).version == "2")
                #expect(try client.request("GET", "/v1/models/digits/versions/1").status == 200)
            }
        }

        @Test func `a version whose answers are not the golden ones is refused`() throws {
            try write(Self.weights(raisedBy: 0))
            let golden = try CommandRun(["golden", "digits", "--models", folder.path, "--no-tune"])
            #expect(golden.status == 0, "\(golden.error)")
            try Daemon.serving(folder, settings: Self.settings) { daemon in
                let client = try Client(port: daemon.port)
                let first = try Self.predictions(client)
                try write(Self.weights(raisedBy: 1))
                let answer = try client.request("POST", "/v2/repository/models/digits/load")
                #expect(answer.status == 409)
                #expect(try answer.decoded(ErrorBody.self).error.contains("golden.safetensors: logits["))
                #expect(try Self.predictions(client) == first)
            }
            let models = try CommandRun(["models", "--models", folder.path])
            #expect(models.output.contains("failed"), "\(models.output)")
            #expect(models.output.contains("golden.safetensors: logits["), "\(models.output)")
        }

        @Test func `reload and unload speak to a daemon, and say by their status how it went`() throws {
            try write(Self.weights(raisedBy: 0))
            try Daemon.serving(folder, settings: Self.settings) { daemon in
                let client = try Client(port: daemon.port)
                let url = ["--url", "http://127.0.0.1:\(daemon.port)"]
                let unchanged = try CommandRun(["reload"] + url)
                #expect(unchanged.status == 0, "\(unchanged.error)")
                #expect(unchanged.output.contains("unchanged"))
                #expect(try CommandRun(["unload", "digits"] + url).status == 0)
                let refused = try client.request(
                    "POST",
                    Self.classify,
                    body: Repository.example("digit-7.png")
                )
                #expect(refused.status == 503)
                #expect(try refused.decoded(ErrorBody.self).code == "model_unloaded")
                // What somebody has unloaded is nothing to wait for.
                #expect(try client.request("GET", "/readyz").status == 200)
                #expect(try CommandRun(["reload"] + url).output.contains("unloaded"))
                #expect(try CommandRun(["reload", "digits"] + url).status == 0)
                _ = try Self.predictions(client)
                let unknown = try CommandRun(["reload", "digit"] + url)
                #expect(unknown.status == 1)
                #expect(unknown.error.contains("did you mean 'digits'?"))
                try Data("{".utf8).write(to: model.appending(path: "model.json"))
                let failed = try CommandRun(["reload"] + url)
                #expect(failed.status == 1)
                #expect(failed.output.contains("not JSON"))
            }
            #expect(try CommandRun(["reload", "--url", "http://127.0.0.1:1"]).status == 1)
            #expect(try CommandRun(["reload", "--url", "ftp://host"]).status == 2)
        }

        @Test func `the repository's index shows every version with its state and reason`() throws {
            try write(Self.weights(raisedBy: 0))
            try Daemon.serving(folder, settings: Self.settings) { daemon in
                struct Entry: Decodable, Equatable {
                    let name: String
                    var version: String?
                    var state: String?
                }
                let client = try Client(port: daemon.port)
                try write(Self.weights(raisedBy: 1), to: folder.appending(path: "new/4"))
                let index = "/v2/repository/index"
                #expect(
                    try client.request("POST", index).decoded([Entry].self) == [
                        Entry(name: "digits", version: "1", state: "READY"), Entry(name: "new"),
                    ]
                )
                #expect(try client.request("POST", "/v2/repository/models/new/load").status == 200)
                #expect(try client.request("POST", "/v2/repository/models/digits/unload").status == 200)
                #expect(
                    try client.request("POST", index, body: Array(#"{"ready": true}"#.utf8)).decoded(
                        [Entry].self
                    )
                        == [Entry(name: "new", version: "4", state: "READY")]
                )
                let model = Array(#"{"parameters": {"config": "{}"}}"#.utf8)
                #expect(
                    try client.request("POST", "/v2/repository/models/new/load", body: model).status == 400
                )
                #expect(try client.request("POST", "/v2/repository/models/nothing/load").status == 404)
                #expect(try client.request("POST", "/v2/repository/models/nothing/unload").status == 404)
            }
            try Daemon.serving(folder, settings: ["--repository-api", "off"]) { daemon in
                let client = try Client(port: daemon.port)
                #expect(try client.request("POST", "/v2/repository/index").status == 403)
                #expect(try client.request("POST", "/v1/models:reload").status == 403)
            }
        }

        @Test func `a lazy daemon loads a model for its first requests, all of which are answered`() throws {
            try write(Self.weights(raisedBy: 0))
            try Daemon.serving(folder, settings: Self.settings + ["--load", "lazy"]) { daemon in
                let client = try Client(port: daemon.port)
                let listing: Listing = try client.request("GET", "/v1/models").decoded()
                #expect(listing["digits"]?.state == "unloaded")
                #expect(try client.request("GET", "/readyz").status == 200)
                let port = daemon.port
                let answers = try onThreads(8) { _ in try Self.predictions(Client(port: port)) }
                #expect(Set(answers).count == 1)
                #expect(try CommandRun(["reload", "--url", "http://127.0.0.1:\(port)"]).status == 0)
                let after: Listing = try client.request("GET", "/v1/models").decoded()
                #expect(after["digits"]?.state == "ready")
            }
        }
    }
}
