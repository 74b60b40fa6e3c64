import Foundation
import Support
import Testing

extension EndToEndTests {
    /// Who may ask a real daemon: keys, names, origins.
    @Suite struct AccessTests {
        private static let classify = "/v1/models/digits:classify"

        /// A file of keys, made by `martlet key`, in a folder of its own.
        private final class Keys {
            let file: URL
            private(set) var keys: [String: String] = [:]
            private var lines: [String] = []

            init() throws {
                let folder = FileManager.default.temporaryDirectory.appending(
                    path: "martlet-\(UUID().uuidString)"
                )
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                file = folder.appending(path: "keys.yaml")
            }

            deinit { try? FileManager.default.removeItem(at: file.deletingLastPathComponent()) }

            /// Makes a key and appends its line.
            func add(_ name: String, _ options: String...) throws {
                struct Made: Decodable {
                    let key: String
                    let line: String
                }
                let run = try CommandRun(["key", name, "--json"] + options)
                try #require(run.status == 0, "\(run.error)")
                let made = try run.decoded(Made.self)
                keys[name] = made.key
                lines.append(made.line)
                try write()
            }

            func remove(_ name: String) throws {
                lines.removeAll { $0.hasPrefix("\(name):") }
                try write()
            }

            subscript(name: String) -> String { keys[name] ?? "" }

            private func write() throws {
                try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
            }
        }

        private func request(
            _ method: String,
            _ path: String,
            _ fields: String...,
            body: [UInt8]? = nil,
            on client: Client
        ) throws -> Answer {
            let length = body.map { ["Content-Length: \($0.count)"] } ?? []
            let named = fields.contains { $0.hasPrefix("Host:") } ? [] : ["Host: localhost"]
            let head = (["\(method) \(path) HTTP/1.1"] + named + fields + length).joined(separator: "\r\n")
            try client.send(Array((head + "\r\n\r\n").utf8) + (body ?? []))
            return try client.receive()
        }

        private func code(_ answer: Answer) throws -> String { try answer.decoded(ErrorBody.self).code }

        @Test func `a daemon with keys serves who has one, and tells the log who that was`() throws {
            let keys = try Keys()
            try keys.add("shop", "--models", "dig*")
            try keys.add("ops", "--scope", "admin")
            let image = try Repository.example("digit-7.png")
            try Daemon.serving(settings: ["--keys", keys.file.path]) { daemon in
                let client = try Client(port: daemon.port)
                let bearer = "Authorization: Bearer \(keys["shop"])"
                let plain = try request("POST", Self.classify, bearer, body: image, on: client)
                #expect(plain.status == 200, "\(plain.text)")
                let other = try request(
                    "POST",
                    Self.classify,
                    "X-Api-Key: \(keys["shop"])",
                    body: image,
                    on: client
                )
                #expect(other.predictionTexts() == plain.predictionTexts())
                #expect(try request("GET", "/livez", on: client).status == 200)
                // The manual is no secret, and tells who reads it where a key goes.
                let manual = try request("GET", "/docs/http", on: client)
                #expect(manual.status == 200 && manual.text.contains("<h2>Who may ask"))
                #expect(try request("GET", "/docs", on: client).status == 200)
                let listing: Listing = try request("GET", "/v1/models", bearer, on: client).decoded()
                #expect(listing.models.map(\.name) == ["digits"])
                #expect(
                    try code(request("GET", "/v1/models/surnames", bearer, on: client)) == "model_forbidden"
                )
                #expect(try code(request("POST", "/v1/models:reload", bearer, on: client)) == "scope_missing")
                let ops = "X-Api-Key: \(keys["ops"])"
                let metrics = try request("GET", "/metrics", ops, on: client)
                #expect(metrics.text.contains(#"martlet_access_refusals_total{reason="scope_missing"} 1"#))
                let index = try request("POST", "/v2/repository/index", ops, body: [], on: client)
                #expect(index.status == 200, "\(index.text)")
                #expect(
                    try code(request("POST", Self.classify, ops, body: nil, on: client)) == "scope_missing"
                )
                let log = try daemon.written()
                #expect(log.contains("key=shop") && log.contains("key=ops"))
                #expect(!log.contains(keys["shop"]) && !log.contains(keys["ops"]))
            }
        }

        @Test func `without a key nothing of a body is asked for`() throws {
            let keys = try Keys()
            try keys.add("a")
            try Daemon.serving(settings: ["--keys", keys.file.path]) { daemon in
                for key in [[], ["X-Api-Key: \(String(keys["a"].reversed()))"]] {
                    let client = try Client(port: daemon.port)
                    let head =
                        ["POST \(Self.classify) HTTP/1.1", "Host: localhost", "Expect: 100-continue"] + key
                    try client.send(
                        Array((head + ["Content-Length: 30000000", "", ""]).joined(separator: "\r\n").utf8)
                    )
                    let answer = try client.receive()
                    #expect(answer.status == 401)
                    #expect(answer.fields["www-authenticate"]?.hasPrefix("Bearer realm=\"martlet\"") == true)
                    #expect(try client.isAtEnd())
                }
            }
        }

        @Test func `keys come and go with a reload, and a broken file changes nothing`() throws {
            let keys = try Keys()
            try keys.add("old", "--scope", "infer,admin")
            try Daemon.serving(settings: ["--keys", keys.file.path]) { daemon in
                let client = try Client(port: daemon.port)
                let old = "X-Api-Key: \(keys["old"])"
                try Data("old: nonsense\n".utf8).write(to: keys.file)
                let failed = try request("POST", "/v1/models:reload", old, body: [], on: client)
                #expect(failed.status == 200 && failed.text.contains(#""keys":"failed""#), "\(failed.text)")
                #expect(try request("GET", "/v1/models", old, on: client).status == 200)
                #expect(try daemon.written().contains("keys not loaded"))
                try keys.add("new", "--scope", "admin")
                try keys.remove("old")
                daemon.hangUp()
                // Asking again and again with a key that is not there yet would be taken for guessing.
                while try !daemon.written().contains("keys loaded") {}
                let new = "X-Api-Key: \(keys["new"])"
                #expect(try request("GET", "/metrics", new, on: Client(port: daemon.port)).status == 200)
                #expect(try request("GET", "/v1/models", old, on: client).status == 401)
                let run = try CommandRun(
                    ["reload", "--url", "http://127.0.0.1:\(daemon.port)"],
                    environment: ["MARTLET_KEY": keys["new"]]
                )
                #expect(run.status == 0, "\(run.error)")
                let keyless = try CommandRun(["reload", "--url", "http://127.0.0.1:\(daemon.port)"])
                #expect(keyless.status == 1 && keyless.error.contains("a key is needed"))
            }
        }

        @Test func `a sequence belongs to the key that began it`() throws {
            let keys = try Keys()
            try keys.add("a")
            try keys.add("b")
            let models = try RecurrentModels()
            try Daemon.serving(models.folder, settings: ["--keys", keys.file.path]) { daemon in
                let client = try Client(port: daemon.port)
                func step(_ key: String, _ parameters: String) throws -> Answer {
                    let body =
                        #"{"instances": [[[1, 2, 3]]], "parameters": {"sequence_id": "s"\#(parameters)}}"#
                    let field = "X-Api-Key: \(keys[key])"
                    return try request(
                        "POST",
                        "/v1/models/steps:predict",
                        field,
                        body: Array(body.utf8),
                        on: client
                    )
                }
                #expect(try step("a", #", "sequence_start": true"#).status == 200)
                #expect(try step("b", "").status == 404)
                let path = "/v1/models/steps/sequences/s"
                #expect(try request("DELETE", path, "X-Api-Key: \(keys["b"])", on: client).status == 404)
                // Nor is the name taken.
                #expect(try step("b", #", "sequence_start": true"#).status == 200)
                #expect(try step("a", "").status == 200)
                #expect(try request("DELETE", path, "X-Api-Key: \(keys["a"])", on: client).status == 204)
                #expect(try step("b", "").status == 200)
            }
        }

        @Test func `who tries keys is refused cheaply, and others are served`() throws {
            let keys = try Keys()
            try keys.add("a")
            let image = try Repository.example("digit-7.png")
            try Daemon.serving(settings: ["--keys", keys.file.path]) { daemon in
                let statuses = try onThreads(4) { [port = daemon.port] thread in
                    try (0..<200).map { number in
                        let client = try Client(port: port)
                        let field = "Authorization: Bearer mk-\(thread)-\(number)"
                        return try request("POST", Self.classify, field, body: image, on: client).status
                    }
                }.flatMap(\.self)
                #expect(Set(statuses) == [401, 429])
                #expect(statuses.count { $0 == 401 } < 50)
                let client = try Client(port: daemon.port)
                let field = "Authorization: Bearer \(keys["a"])"
                #expect(try request("POST", Self.classify, field, body: image, on: client).status == 200)
                let log = try daemon.written()
                #expect(log.components(separatedBy: "message=\"wrong key\"").count - 1 <= 21)
                #expect(!log.contains("mk-"))
            }
        }

        @Test func `a page's own name does not lead here, and a listed origin may ask`() throws {
            let image = try Repository.example("digit-7.png")
            try Daemon.serving(settings: ["--cors-origins", "https://app.example"]) { daemon in
                let client = try Client(port: daemon.port)
                #expect(
                    try code(request("GET", "/v1/models", "Host: rebound.example", on: client))
                        == "host_forbidden"
                )
                #expect(
                    try request("GET", "/v1/models", "Host: 127.0.0.1:\(daemon.port)", on: client).status
                        == 200
                )
                let origin = "Origin: https://app.example"
                let asked = "Access-Control-Request-Method: POST"
                let preflight = try request("OPTIONS", Self.classify, origin, asked, on: client)
                #expect(preflight.status == 204)
                #expect(preflight.fields["access-control-allow-origin"] == "https://app.example")
                #expect(preflight.fields["access-control-allow-methods"] == "POST, OPTIONS")
                #expect(preflight.fields["access-control-allow-headers"]?.contains("Content-Type") == true)
                let answer = try request("POST", Self.classify, origin, body: image, on: client)
                #expect(answer.status == 200)
                #expect(answer.fields["access-control-allow-origin"] == "https://app.example")
                #expect(answer.fields["access-control-expose-headers"]?.contains("X-Request-Id") == true)
                let plain = try request(
                    "POST",
                    Self.classify,
                    "Origin: https://x.example",
                    body: image,
                    on: client
                )
                #expect(
                    plain.fields["access-control-allow-origin"] == nil && plain.fields["vary"] == "Origin"
                )
                let reload = try request(
                    "POST",
                    "/v1/models:reload",
                    "Origin: https://x.example",
                    body: [],
                    on: client
                )
                #expect(try code(reload) == "origin_forbidden")
            }
        }

        @Test func `starts for other machines with a key or an open word only`() throws {
            let closed = try CommandRun(["serve", "--host", "0.0.0.0", "--port", "0"])
            #expect(closed.status == 2)
            #expect(closed.error.contains("'0.0.0.0' is reached from other machines"))
            #expect(closed.error.contains("'martlet key'") && closed.error.contains("open"))
            let missing = try CommandRun(["serve", "--port", "0", "--keys", "/none/keys.yaml"])
            #expect(missing.status == 2 && missing.error.contains("/none/keys.yaml"))
            try Daemon.serving(settings: ["--host", "0.0.0.0", "--open", "true"]) { daemon in
                let client = try Client(port: daemon.port)
                #expect(try request("GET", "/v1/models", "Host: any.example", on: client).status == 200)
            }
        }
    }
}
