import API
import Foundation
import Support
import Testing

extension EndToEndTests {
    /// Text generation by the real daemon and the command line.
    @Suite struct GenerationTests {
        private static let path = "/v1/models/bytes:generate"

        private struct Generated: Decodable {
            let text: String
            let tokens: Int
            let finish_reason: String
            let seed: Int
        }

        private struct Event: Decodable {
            let index: Int
            let text: String
        }

        private func body(_ json: String) -> [UInt8] { Array(json.utf8) }

        @Test func `streams what it would answer at once, and the command line says the same`() throws {
            let models = try RecurrentModels()
            let text = try Daemon.serving(models.folder) { daemon in
                let client = try Client(port: daemon.port)
                let whole: Generated = try client.request(
                    "POST",
                    Self.path,
                    body: body(#"{"prompt": "To be", "max_tokens": 50, "seed": 7}"#)
                ).decoded()
                #expect(whole.tokens == 50)
                let head = try client.request(
                    "POST",
                    Self.path,
                    body: body(#"{"prompt": "To be", "max_tokens": 50, "seed": 7, "stream": true}"#)
                )
                #expect(head.fields["content-type"] == "text/event-stream")
                var stream = ""
                while true {
                    let chunk = try client.receiveChunk()
                    if chunk.isEmpty { break }
                    stream += chunk
                }
                let events = stream.components(separatedBy: "\n\n").map { $0.dropFirst("data: ".count) }
                #expect(events.suffix(2) == ["[DONE]", ""])
                let pieces = try events.dropLast(3).map {
                    try JSONDecoder().decode(Event.self, from: Data($0.utf8))
                }
                #expect(pieces.map(\.index) == Array(0..<50))
                #expect(pieces.map(\.text).joined() == whole.text)
                // The connection goes on.
                #expect(try client.request("GET", "/livez").status == 200)
                return whole.text
            }
            let arguments = [
                "generate", "bytes", "To be", "--models", models.folder.path, "--max-tokens", "50", "--seed",
                "7",
            ]
            let printed = try CommandRun(arguments)
            #expect(printed.output == text + "\n")
            let named = ["generate", "--model", "bytes", "To be"] + arguments[3...]
            #expect(try CommandRun(named).output == printed.output)
            let json: Generated = try CommandRun(arguments + ["--json"]).decoded()
            #expect(json.text == text)
            #expect(json.seed == 7)
        }

        @Test func `stops the work when the client leaves, and answers others meanwhile`() throws {
            let models = try RecurrentModels()
            try Daemon.serving(models.folder) { daemon in
                let request = body(#"{"prompt": "", "max_tokens": 65536, "stream": true}"#)
                let streams = try (0..<4).map { _ in
                    let client = try Client(port: daemon.port)
                    try client.send(Client.encode("POST", Self.path, body: request))
                    #expect(try client.receive().status == 200)
                    #expect(try client.receiveChunk().hasPrefix("data: {\"index\":0,"))
                    return client
                }
                let other = try Client(port: daemon.port)
                #expect(try other.request("GET", "/livez").status == 200)
                for client in streams { client.reset() }
                // A lost client is noticed at the latest by the next write; the work ends with it.
                let deadline = Date.now + 30
                while !(try other.request("GET", "/metrics").text.contains("martlet_active_generations 0\n"))
                {
                    guard Date.now < deadline else { throw Client.Failure("texts of lost clients go on") }
                }
                let metrics = try other.request("GET", "/metrics").text
                #expect(
                    metrics.contains(
                        #"martlet_generations_total{model="bytes",version="1",reason="cancelled"} 4"#
                    )
                )
            }
        }

        @Test func `ends a stream in flight when the daemon is told to end`() throws {
            let models = try RecurrentModels()
            try Daemon.serving(models.folder) { daemon in
                let client = try Client(port: daemon.port)
                let request = body(#"{"prompt": "a", "max_tokens": 3000, "stream": true}"#)
                try client.send(Client.encode("POST", Self.path, body: request))
                #expect(try client.receive().status == 200)
                _ = try client.receiveChunk()
                daemon.terminate()
                var last = ""
                while true {
                    let chunk = try client.receiveChunk()
                    if chunk.isEmpty { break }
                    last = chunk
                }
                #expect(last.hasSuffix("data: [DONE]\n\n"))
                #expect(try client.isAtEnd())
            }
        }

        @Test(arguments: [
            (["--temperature=-1"], "--temperature must be 0 to 100, found -1.0"),
            (["--top-p", "0"], "--top-p must be above 0 and at most 1, found 0.0"),
            (["--max-tokens", "0"], "--max-tokens must be at least 1, found 0"),
        ])
        func `the command line says what is wrong`(arguments: [String], message: String) throws {
            let run = try CommandRun(["generate", "bytes", "a"] + arguments)
            #expect(run.status == 2)
            #expect(run.error.contains(message))
        }
    }
}
