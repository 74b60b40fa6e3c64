import HTTP
import Testing

@Suite struct ParserFuzzTests {
    static let seeds =
        RequestParserTests.cases.map(\.text) + [
            "POST /v1/models/digits:classify?top_k=3 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8\r\n"
                + "Accept: */*\r\nContent-Type: image/png\r\nContent-Length: 12\r\n\r\n\u{0}123456789ab"
        ]

    @Test func `never traps and never depends on how mutated requests are cut`() {
        var random = SeededGenerator(state: 9112)
        var limits = ParserLimits()
        limits.maxBodyBytes = 1000
        let interesting = Array("\r\n :;,%0fF/?&=+-\t\0".utf8)
        for round in 0..<10_000 {
            var bytes = Array(Self.seeds[round % Self.seeds.count].utf8)
            bytes.mutate(&random, with: interesting)
            guard !bytes.isEmpty else { continue }
            let whole = RequestParser.feed(bytes, pieces: [bytes.count], limits: limits)
            let pieces = (0..<8).map { _ in Int.random(in: 1...20, using: &random) }
            let cut = RequestParser.feed(bytes, pieces: pieces, limits: limits)
            #expect(
                whole == cut,
                "round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription)"
            )
        }
    }
}
