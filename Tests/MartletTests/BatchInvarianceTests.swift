import API
import Foundation
import Testing

extension EndToEndTests {
    /// The same input has the same answer, to the last digit of its JSON, whatever it is computed with.
    @Suite struct BatchInvarianceTests {
        private static let path = "/v1/models/digits:classify?top_k=10"

        @Test func `answers an image in a batch as it does alone`() throws {
            let images = try ["digit-7.png", "digit-3.png"].map(Repository.example)
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let alone = try images.flatMap {
                    try client.request("POST", Self.path, body: $0).predictionTexts()
                }
                #expect(alone.count == 2)
                let batch = (0..<32).map { images[$0 % 2] }
                let expected = (0..<32).map { alone[$0 % 2] }
                let list = batch.map { "\"\(Data($0).base64EncodedString())\"" }.joined(separator: ",")
                let json = Array("{\"images\":[\(list)]}".utf8)
                let fromJSON = try client.request("POST", Self.path, body: json, type: "application/json")
                #expect(fromJSON.predictionTexts() == expected, "\(fromJSON.status)")
                let type = "multipart/form-data; boundary=edge"
                let parts = form(batch, boundary: "edge")
                let fromForm = try client.request("POST", Self.path, body: parts, type: type)
                #expect(fromForm.predictionTexts() == expected, "\(fromForm.status)")
            }
        }

        @Test func `answers an image under load as it does alone`() throws {
            let images = try ["digit-7.png", "digit-3.png"].map(Repository.example)
            try Daemon.serving { daemon in
                let port = daemon.port
                let client = try Client(port: port)
                let alone = try images.map {
                    try client.request("POST", Self.path, body: $0).predictionTexts()
                }
                #expect(alone.allSatisfy { $0.count == 1 })
                let differences = try onThreads(16) { thread in
                    let client = try Client(port: port)
                    return try (0..<20).compactMap { round -> String? in
                        let index = (thread + round) % 2
                        let answer = try client.request("POST", Self.path, body: images[index])
                        return answer.predictionTexts() == alone[index] ? nil : answer.text
                    }
                }
                #expect(differences.flatMap(\.self) == [])
            }
        }

        @Test func `answers a surname in a batch as it does alone`() throws {
            let names = ["Li", "Takahashi", "O'Neill", "Papadopoulos", "Li", "Schwarzenegger"]
            let path = "/v1/models/surnames:predict"
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                func predict(_ names: [String]) throws -> [Prediction] {
                    let instances = names.map { "\"\($0)\"" }.joined(separator: ",")
                    let body = Array("{\"instances\":[\(instances)]}".utf8)
                    return try client.request("POST", path, body: body, type: "application/json")
                        .decoded(Predictions.self).predictions
                }
                let alone = try names.flatMap { try predict([$0]) }
                let together = try predict(names)
                #expect(together.map(\.label) == alone.map(\.label))
                #expect(together.map(\.probability) == alone.map(\.probability))
                #expect(Set(alone.map(\.probability)).count == 5)
            }
        }
    }
}
