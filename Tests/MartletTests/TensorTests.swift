import Foundation
import Support
import Testing

extension EndToEndTests {
    /// Tensors of the Open Inference Protocol over sockets.
    @Suite struct TensorTests {
        /// Sends a body with the length of the JSON that it begins with.
        private func infer(_ client: Client, _ model: String, _ json: String, _ binary: [UInt8] = []) throws
            -> Answer
        {
            let count = json.utf8.count + binary.count
            let head = """
                POST /v2/models/\(model)/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(count)\r
                Inference-Header-Content-Length: \(json.utf8.count)\r\n\r\n
                """
            try client.send(Array(head.utf8) + Array(json.utf8) + binary)
            return try client.receive()
        }

        private func input(_ shape: [Int]) -> String {
            let size = shape.reduce(4, *)
            return
                #"{"name": "input", "shape": \#(shape), "datatype": "FP32", "parameters": {"binary_data_size": \#(size)}}"#
        }

        private static let wanted = #""outputs": [{"name": "logits", "parameters": {"binary_data": true}}]"#

        @Test func `a body of tensors may be larger than any other`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let shape = [228, 3, 112, 112]
                let item = [UInt8](repeating: 0x3D, count: shape.dropFirst().reduce(4, *))
                let one = try infer(
                    client,
                    "objects",
                    #"{"inputs": [\#(input([1, 3, 112, 112]))], \#(Self.wanted)}"#,
                    item
                )
                let length = try #require(one.fields["inference-header-content-length"].flatMap { Int($0) })
                let logits = Array(one.body[length...])
                #expect(logits.count == 99 * 4)
                let body = Array(repeatElement(item, count: 228).joined())
                #expect(body.count > 32 << 20)
                let all = try infer(
                    client,
                    "objects",
                    #"{"inputs": [\#(input(shape))], \#(Self.wanted)}"#,
                    body
                )
                #expect(all.status == 200)
                #expect(
                    Array(all.body.suffix(228 * logits.count))
                        == Array(repeatElement(logits, count: 228).joined())
                )
                // An image as large is refused before it is read.
                try client.send(
                    Array(
                        "POST /v1/models/objects:classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n\r\n"
                            .utf8
                    )
                )
                #expect(try client.receive().status == 413)
            }
        }

        @Test func `requests that share batches answer as they would alone`() throws {
            try Daemon.serving { daemon in
                let port = daemon.port
                @Sendable func ask(_ client: Client, _ seed: UInt8) throws -> [UInt8] {
                    let bytes = (0..<1024).flatMap { index -> [UInt8] in
                        [0, 0, UInt8(truncatingIfNeeded: index) &* seed, 0x3E]
                    }
                    let answer = try infer(
                        client,
                        "digits",
                        #"{"inputs": [\#(input([1, 1, 32, 32]))], \#(Self.wanted)}"#,
                        bytes
                    )
                    guard answer.status == 200 else { throw Client.Failure(answer.text) }
                    return answer.body.suffix(40)
                }
                let alone = try (1...8).map { try ask(Client(port: port), $0) }
                #expect(Set(alone).count > 1)
                let together = try onThreads(8) { index in
                    let client = try Client(port: port)
                    return try (0..<50).map { _ in try ask(client, UInt8(index + 1)) }
                }
                for (index, answers) in together.enumerated() {
                    #expect(answers.allSatisfy { $0 == alone[index] })
                }
            }
        }
    }
}
