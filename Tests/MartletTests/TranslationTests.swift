import API
import Foundation
import Testing

extension EndToEndTests {
    /// An encoder–decoder in the real daemon and on the command line.
    @Suite struct TranslationTests {
        private struct Translated: Decodable {
            struct Translation: Decodable, Equatable {
                let text: String?
                let tokens: [Int]
                let score: Double
                let stop: String
            }

            let predictions: [Translation]
        }

        @Test func `many clients at a time are answered as each alone, and as on the command line`() throws {
            let models = try RecurrentModels()
            let path = "/v1/models/numbers:predict"
            let sources = ["[1, 2, 3]", "[4]", "[5, 6, 7, 8, 9, 10]", "[11, 12, 13, 14]"]
            let alone = try Daemon.serving(models.folder) { daemon in
                let client = try Client(port: daemon.port)
                @Sendable func translations(_ source: String, over client: Client) throws -> [Translated
                    .Translation]
                {
                    let body = #"{"instances": [\#(source)], "parameters": {"beams": 4}}"#
                    let answer: Translated = try client.request("POST", path, body: Array(body.utf8))
                        .decoded()
                    return answer.predictions
                }
                let alone = try sources.map { try translations($0, over: client)[0] }
                #expect(alone.allSatisfy { $0.text == nil && $0.score < 0 })
                let together = try translations(sources.joined(separator: ","), over: client)
                #expect(together == alone)
                let results = try onThreads(4) { [port = daemon.port] index in
                    let client = try Client(port: port)
                    return try (0..<5).map { _ in try translations(sources[index], over: client)[0] }
                }
                for (expected, found) in zip(alone, results) { #expect(found.allSatisfy { $0 == expected }) }
                let metrics = try client.request("GET", "/metrics").text
                #expect(metrics.contains("martlet_active_generations 0\n"))
                #expect(metrics.contains(#"martlet_generations_total{model="numbers",version="1",reason=""#))
                let wrong = Array(#"{"instances": [[1]], "parameters": {"beams": 0}}"#.utf8)
                #expect(try client.request("POST", path, body: wrong).status == 400)
                return alone
            }
            let printed: Translated = try CommandRun(
                ["predict", "--model", "numbers", "--models", models.folder.path, "--beams", "4", "--json"]
                    + sources
            ).decoded()
            #expect(printed.predictions == alone)
        }
    }
}
