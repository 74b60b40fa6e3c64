import API
import Foundation
import Support
import Testing

extension EndToEndTests {
    /// Sequences that go on between requests, by the real daemon.
    @Suite struct SequenceTests {
        private static let path = "/v1/models/steps:predict"

        private func body(_ steps: [[Double]], _ parameters: String = "") throws -> [UInt8] {
            let json = String(decoding: try JSONEncoder().encode(steps), as: UTF8.self)
            return Array(#"{"instances": [\#(json)], "parameters": {\#(parameters)}}"#.utf8)
        }

        private func steps(_ count: Int, seed: Int) -> [[Double]] {
            (0..<count).map { step in (0..<3).map { sin(Double(step * 7 + $0 * 3 + seed)) } }
        }

        @Test func `a thousand requests equal one of a thousand steps, bit for bit`() throws {
            let models = try RecurrentModels()
            try Daemon.serving(models.folder) { daemon in
                let results = try onThreads(2) { [port = daemon.port] seed in
                    let client = try Client(port: port)
                    let steps = steps(1000, seed: seed)
                    let whole = try client.request("POST", Self.path, body: body(steps)).predictionTexts()
                    var last: [String] = []
                    for (index, step) in steps.enumerated() {
                        let parameters = #""sequence_id": "s\#(seed)", "sequence_start": \#(index == 0)"#
                        let answer = try client.request("POST", Self.path, body: body([step], parameters))
                        guard answer.status == 200 else { throw Client.Failure(answer.text) }
                        last = answer.predictionTexts()
                    }
                    return (whole: whole, last: last)
                }
                for result in results {
                    #expect(!result.whole.isEmpty)
                    #expect(result.last == result.whole)
                }
                #expect(results[0].last != results[1].last)
            }
        }

        @Test func `of requests that race for one sequence each is answered or told so`() throws {
            let models = try RecurrentModels()
            try Daemon.serving(models.folder) { daemon in
                let first = try Client(port: daemon.port)
                let start = try body(steps(1, seed: 0), #""sequence_id": 1, "sequence_start": true"#)
                #expect(try first.request("POST", Self.path, body: start).status == 200)
                let statuses = try onThreads(4) { [port = daemon.port] _ in
                    let client = try Client(port: port)
                    let long = try body(steps(4000, seed: 1), #""sequence_id": 1"#)
                    return try (0..<5).map { _ in try client.request("POST", Self.path, body: long).status }
                }.flatMap(\.self)
                #expect(Set(statuses).isSubset(of: [200, 409]))
                #expect(statuses.contains(200))
                let metrics = try first.request("GET", "/metrics").text
                let conflicts = statuses.count { $0 == 409 }
                #expect(metrics.contains(#"martlet_sequence_events_total{event="conflict"} \#(conflicts)"#))
                #expect(try first.request("DELETE", "/v1/models/steps/sequences/1").status == 204)
                #expect(try first.request("DELETE", "/v1/models/steps/sequences/1").status == 404)
            }
        }
    }
}
