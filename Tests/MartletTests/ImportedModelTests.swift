import Foundation
import Testing

extension EndToEndTests {
    /// A network that comes from an ONNX file keeps the promises of a built-in one.
    @Suite struct ImportedModelTests {
        private static let file = Repository.root.appending(path: "Tests/ONNXTests/Fixtures/patterns.onnx")
        private static let path = "/v1/models/patterns:classify?top_k=10"

        /// Runs a daemon that serves the file on images of 32 × 32, on so many threads.
        private func serving<Result>(threads: Int, _ body: (UInt16) throws -> Result) throws -> Result {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "martlet-\(UUID().uuidString)"
            )
            let model = folder.appending(path: "patterns")
            try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) } // a temporary folder
            try FileManager.default.copyItem(at: Self.file, to: model.appending(path: "model.onnx"))
            let manifest = #"{"task": "image-classification", "preprocessing": {"resize": [32, 32]}}"#
            try manifest.write(to: model.appending(path: "model.json"), atomically: true, encoding: .utf8)
            return try Daemon.serving(folder, settings: ["--threads", "\(threads)"]) { try body($0.port) }
        }

        @Test func `answers alone, in a batch, on any threads and under load with the same digits`() throws {
            let images = try ["digit-7.png", "digit-3.png", "horse.jpg"].map(Repository.example)
            let alone = try serving(threads: 1) { port in
                let client = try Client(port: port)
                return try images.map { try client.request("POST", Self.path, body: $0).predictionTexts() }
            }
            #expect(alone.allSatisfy { $0.count == 1 })
            #expect(Set(alone).count == images.count)
            try serving(threads: 3) { port in
                let client = try Client(port: port)
                let batch = (0..<24).map { images[$0 % images.count] }
                let parts = form(batch, boundary: "edge")
                let type = "multipart/form-data; boundary=edge"
                let together = try client.request("POST", Self.path, body: parts, type: type)
                #expect(together.predictionTexts() == (0..<24).map { alone[$0 % images.count][0] })
                let differences = try onThreads(8) { thread in
                    let client = try Client(port: port)
                    return try (0..<12).compactMap { round -> String? in
                        let index = (thread + round) % images.count
                        let answer = try client.request("POST", Self.path, body: images[index])
                        return answer.predictionTexts() == alone[index] ? nil : answer.text
                    }
                }
                #expect(differences.flatMap(\.self) == [])
            }
        }
    }
}
