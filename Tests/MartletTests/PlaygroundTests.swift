import Foundation
import Platform
import Support
import Testing

extension EndToEndTests {
    /// The page at `GET /`, and the route that was made for it, from a real daemon; `Tests/Browser/run` clicks through it.
    @Suite struct PlaygroundTests {
        private static let browser =
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
        private static let mostBytes = 150 * 1024

        private func get(
            _ path: String,
            _ fields: String...,
            host: String = "localhost",
            method: String = "GET",
            on client: Client
        ) throws -> Answer {
            let lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)"] + fields + ["", ""]
            try client.send(Array(lines.joined(separator: "\r\n").utf8))
            return try client.receive(isHead: method == "HEAD")
        }

        private func isAlive(_ answer: Answer) -> Bool {
            answer.text.trimmingCharacters(in: .whitespacesAndNewlines) == #"{"status":"alive"}"#
        }

        private func digest(_ text: some StringProtocol) -> String {
            Data(SHA256.digest(Array(text.utf8))).base64EncodedString()
        }

        @Test func `a browser gets the page, and whoever does not ask for HTML what it got before`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                for accept in [
                    Self.browser, "text/html", "TEXT/HTML;q=0.5", "application/json;q=0.4, text/html;q=0.5",
                ] {
                    let page = try get("/", "Accept: \(accept)", on: client)
                    #expect(page.status == 200)
                    #expect(page.fields["content-type"] == "text/html; charset=utf-8", "\(accept)")
                    #expect(page.text.hasPrefix("<!doctype html>"))
                }
                let others = [
                    "*/*", "application/json", "text/*", "text/html;q=0", "application/json, text/html;q=0.9",
                ]
                for accept in others {
                    let alive = try get("/", "Accept: \(accept)", on: client)
                    #expect(isAlive(alive), "\(accept)")
                    #expect(alive.fields["content-type"] == "application/json")
                    #expect(alive.fields["vary"] == "Accept")
                }
                #expect(try isAlive(client.request("GET", "/")))
            }
        }

        @Test func `the page is small, comes packed, and only once`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let html = "Accept: \(Self.browser)"
                let plain = try get("/", html, on: client)
                #expect(plain.body.count < Self.mostBytes, "\(plain.body.count) bytes")
                #expect(plain.fields["content-encoding"] == nil)
                let vary = plain.fields["vary"] ?? ""
                #expect(vary.contains("Accept,") && vary.contains("Accept-Encoding"))
                let packed = try get("/", html, "Accept-Encoding: gzip, deflate, br", on: client)
                #expect(packed.fields["content-encoding"] == "gzip")
                #expect(packed.body.starts(with: [0x1f, 0x8b]) && packed.body.count < plain.body.count / 2)
                let head = try get("/", html, method: "HEAD", on: client)
                #expect(head.status == 200 && head.body.isEmpty && head.contentLength == plain.body.count)

                let tag = try #require(plain.fields["etag"])
                #expect(packed.fields["etag"] == tag && head.fields["etag"] == tag)
                for known in [tag, String(tag.dropFirst(2)), "\"other\", \(tag)", "*"] {
                    let again = try get("/", html, "If-None-Match: \(known)", on: client)
                    #expect(again.status == 304 && again.body.isEmpty, "\(known)")
                    #expect(again.fields["etag"] == tag && again.fields["vary"] == vary)
                }
                #expect(try get("/", html, "If-None-Match: \"other\"", on: client).status == 200)
            }
        }

        @Test func `the page may run its own script and ask its own server, and nothing else`() throws {
            try Daemon.serving { daemon in
                let page = try get("/", "Accept: \(Self.browser)", on: Client(port: daemon.port))
                let text = page.text
                let policy = try #require(page.fields["content-security-policy"])
                for rule in [
                    "default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
                    "frame-ancestors 'none'",
                ] { #expect(policy.contains(rule)) }
                #expect(!policy.contains("unsafe"))
                #expect(page.fields["x-content-type-options"] == "nosniff")
                let script = try #require(text.firstMatch(of: /<script>((?s:.*?))<\/script>/)).1
                #expect(script.count > 1000 && policy.contains("script-src 'sha256-\(digest(script))'"))
                let style = try #require(text.firstMatch(of: /<style>((?s:.*?))<\/style>/)).1
                #expect(style.count > 1000 && policy.contains("style-src 'sha256-\(digest(style))'"))
                #expect(text.matches(of: /<script/).count == 2 && text.matches(of: /<style/).count == 1)
                // The policy forbids what the first do, so that it would be dead; under a prefix of a proxy a path from
                // the root leads elsewhere.
                let foreign = [
                    try Regex(#"\sstyle="|\son[a-z]+="|\ssrc="|<link\s[^>]*href="(?!data:)"#),
                    try Regex(#"["'`]/v1|href="/|https?://(?!www\.w3\.org/2000/svg)"#),
                ].compactMap { text.firstMatch(of: $0).map { text[$0.range] } }
                #expect(foreign.isEmpty)
                for name in ["pagoda.jpg", "digit-3.png"] {
                    let picture = Data(try Repository.example(name)).base64EncodedString()
                    #expect(text.contains(picture), "\(name)")
                }
            }
        }

        @Test func `with keys the page opens, and what it asks for needs one`() throws {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "martlet-\(UUID().uuidString)"
            )
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) } // the system cleans up what is left
            let made = try CommandRun(["key", "page", "--json"])
            struct Made: Decodable { let line: String }
            let file = folder.appending(path: "keys.yaml")
            try Data((made.decoded(Made.self).line + "\n").utf8).write(to: file)
            try Daemon.serving(settings: ["--keys", file.path]) { daemon in
                let client = try Client(port: daemon.port)
                #expect(try get("/", "Accept: \(Self.browser)", on: client).text.hasPrefix("<!doctype"))
                for path in ["/v1/models", "/v1/models/digits/layers", "/metrics", "/openapi.json"] {
                    #expect(try get(path, on: client).status == 401, "\(path)")
                }
            }
        }

        @Test func `a page of another name may not ask, and other origins are told apart by caches`() throws {
            try Daemon.serving(settings: ["--cors-origins", "https://app.example"]) { daemon in
                let client = try Client(port: daemon.port)
                let listing = try get("/v1/models", host: "rebound.example", on: client)
                #expect(try listing.decoded(ErrorBody.self).code == "host_forbidden")
                let page = try get("/", "Accept: \(Self.browser)", on: client)
                #expect(page.fields["vary"] == "Accept, Accept-Encoding, Origin")
            }
        }

        @Test func `the layers of a model are those that inspect prints`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                for model in ["digits", "tagger"] {
                    let layers: JSONValue = try JSONValue(
                        parsing: client.request("GET", "/v1/models/\(model)/layers").body
                    )
                    let run = try CommandRun([
                        "inspect", model, "--models", Repository.weights.path, "--json",
                    ])
                    #expect(try layers == JSONValue(parsing: Array(run.output.utf8)))
                    let version = try client.request("GET", "/v1/models/\(model)/versions/1/layers")
                    #expect(try JSONValue(parsing: version.body) == layers)
                }
                let unknown = try client.request("GET", "/v1/models/digit/layers")
                #expect(unknown.status == 404)
            }
        }
    }
}
