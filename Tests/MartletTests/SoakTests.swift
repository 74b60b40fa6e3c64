import API
import Foundation
import Testing

extension EndToEndTests {
    /// Ten thousand requests, good and bad mixed, over connections that stay open.
    @Suite struct SoakTests {
        /// A request with the one answer it must always get.
        private struct Exchange {
            let request: [UInt8]
            let status: Int
            /// The predictions as written the first time; empty for an error.
            let predictions: [String]
        }

        private static let connections = 64

        @Test func `answers ten thousand mixed requests rightly in constant memory`() throws {
            try Daemon.serving { daemon in
                let exchanges = try learn(from: Client(port: daemon.port))
                let port = daemon.port
                let clients = try (0..<Self.connections).map { _ in try Client(port: port) }
                let early = try drive(clients, rounds: 0..<32, exchanges)
                let before = try daemon.residentBytes()
                let descriptors = try daemon.descriptors()
                let late = try drive(clients, rounds: 32..<160, exchanges)
                let after = try daemon.residentBytes()
                #expect(early + late == [])
                #expect(after - before < 16 << 20, "grew from \(before) to \(after) bytes")
                #expect(try daemon.descriptors() <= descriptors)
            }
        }

        /// Sends each request of the mix once, alone, and keeps its answer.
        private func learn(from client: Client) throws -> [Exchange] {
            let seven = try Repository.example("digit-7.png")
            let three = try Repository.example("digit-3.png")
            let images = "/v1/models/digits:classify"
            let names = "/v1/models/surnames:predict"
            let json = { (text: String) in
                Client.encode("POST", names, body: Array(text.utf8), type: "application/json")
            }
            let mix: [(request: [UInt8], status: Int)] = [
                (Client.encode("POST", images, body: seven), 200),
                (json("{\"instances\": [\"Takahashi\"]}"), 200),
                (Client.encode("POST", images, body: Array(seven.prefix(100))), 422),
                (Client.encode("POST", images + "?top_k=10&crops=ten", body: three), 200),
                (json("{\"instances\": ["), 400),
                (json("{\"instances\": [\"Li\", \"Papadopoulos\", \"Müller\"]}"), 200),
                (Client.encode("POST", "/v1/models/nothing:classify", body: seven), 404),
                (Client.encodeChunked("POST", images, body: three, size: 100), 200),
                (Client.encode("POST", images + "?top_k=0", body: three), 400),
            ]
            return try mix.map { request, status in
                try client.send(request)
                let answer = try client.receive()
                #expect(answer.status == status, "\(answer.text)")
                #expect((answer.predictionTexts().count == 1) == (status == 200), "\(answer.text)")
                return Exchange(request: request, status: status, predictions: answer.predictionTexts())
            }
        }

        /// Sends the mix on all connections at once; returns the answers that were not as learnt.
        private func drive(_ clients: [Client], rounds: Range<Int>, _ exchanges: [Exchange]) throws
            -> [String]
        {
            try onThreads(clients.count) { thread in
                try rounds.compactMap { round -> String? in
                    let exchange = exchanges[(thread + round) % exchanges.count]
                    try clients[thread].send(exchange.request)
                    let answer = try clients[thread].receive()
                    let isRight =
                        answer.status == exchange.status && answer.predictionTexts() == exchange.predictions
                    return isRight ? nil : "status \(answer.status) for \(exchange.status): \(answer.text)"
                }
            }.flatMap(\.self)
        }
    }
}
