import API
import Foundation
import Testing

extension EndToEndTests {
    /// Every bad input has its error, and the daemon answers as before.
    @Suite struct BadInputTests {
        /// A request that must be refused.
        struct Refusal {
            let what: String
            let request: [UInt8]
            let status: Int
            /// A part of the sentence that says what is wrong.
            let sentence: String?

            init(_ what: String, _ request: [UInt8], _ status: Int, _ sentence: String? = nil) {
                self.what = what
                self.request = request
                self.status = status
                self.sentence = sentence
            }
        }

        @Test func `refuses each bad request with its status and goes on answering`() throws {
            let refusals = try images() + parameters() + sequences() + otherSequences() + routes()
            try Daemon.serving { daemon in
                let health = try Health(daemon)
                for refusal in refusals {
                    let client = try Client(port: daemon.port)
                    try client.send(refusal.request)
                    check(try client.receive(), refusal)
                    try health.check(after: refusal.what)
                }
                try health.checkDescriptors()
            }
        }

        private func check(_ answer: Answer, _ refusal: Refusal) {
            #expect(answer.status == refusal.status, "\(refusal.what): \(answer.text)")
            guard let body = try? answer.decoded(ErrorBody.self) else {
                Issue.record("\(refusal.what): not an error body: \(answer.text)")
                return
            }
            #expect(!body.error.isEmpty)
            if let part = refusal.sentence {
                #expect(body.error.contains(part), "\(refusal.what): \(body.error)")
            }
            #expect(
                body.code.wholeMatch(of: #/[a-z0-9]+(_[a-z0-9]+)*/#) != nil,
                "\(refusal.what): \(body.code)"
            )
        }

        private func images() throws -> [Refusal] {
            let png = try Repository.example("digit-7.png")
            let jpeg = try Repository.example("automobile.jpg")
            var corrupt = png
            for index in 60..<80 { corrupt[index] ^= 0xff }
            func classify(_ body: [UInt8], type: String? = nil) -> [UInt8] {
                Client.encode("POST", "/v1/models/digits:classify", body: body, type: type)
            }
            let broken = "{\"image\": \"\(Data(png.prefix(60)).base64EncodedString())\"}"
            return [
                Refusal("truncated PNG", classify(Array(png.prefix(png.count / 2))), 422),
                Refusal("truncated JPEG", classify(Array(jpeg.dropLast(60))), 422),
                Refusal("PNG with only its signature", classify(Array(png.prefix(8))), 422),
                Refusal("corrupt PNG", classify(corrupt), 422),
                Refusal("empty body", classify([]), 400, "empty"),
                Refusal("PNG of 60000 by 60000", classify(hugePNG), 413, "60000"),
                Refusal("text sent as an image", classify(Array("hello, world".utf8)), 422),
                Refusal(
                    "text that says it is an image",
                    classify(Array("hello".utf8), type: "image/png"),
                    422
                ),
                Refusal("text", classify(Array("hello".utf8), type: "text/plain"), 422),
                Refusal("truncated PNG in JSON", classify(Array(broken.utf8), type: "application/json"), 422),
                Refusal(
                    "JSON that is none",
                    classify(Array("{\"image\": ".utf8), type: "application/json"),
                    400
                ),
                Refusal(
                    "not base64",
                    classify(Array("{\"image\": \"*\"}".utf8), type: "application/json"),
                    400,
                    "base64"
                ),
                Refusal(
                    "unknown key",
                    classify(Array("{\"imag\": \"\"}".utf8), type: "application/json"),
                    400,
                    "'image'"
                ),
            ]
        }

        /// A well-formed PNG header that promises 3.6 gigapixels, and no data.
        private var hugePNG: [UInt8] {
            let side: [UInt8] = [0x00, 0x00, 0xea, 0x60]
            let header = Array("IHDR".utf8) + side + side + [8, 2, 0, 0, 0]
            return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13] + header + crc32(header)
        }

        /// PNG's checksum (ISO 3309), big-endian.
        private func crc32(_ bytes: [UInt8]) -> [UInt8] {
            var value: UInt32 = 0xffff_ffff
            for byte in bytes {
                value ^= UInt32(byte)
                for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
            }
            return withUnsafeBytes(of: (~value).bigEndian) { Array($0) }
        }

        private func parameters() throws -> [Refusal] {
            let png = try Repository.example("digit-7.png")
            let table = [
                ("top_k=0", "'0'"), ("top_k=-1", "'-1'"), ("top_k=abc", "'abc'"), ("top_k=", "top_k"),
                ("crops=centre", "'center'"), ("crops=nonsense", "nonsense"), ("topk=3", "'top_k'"),
            ]
            return table.map { query, sentence in
                let request = Client.encode("POST", "/v1/models/digits:classify?\(query)", body: png)
                return Refusal(query, request, 400, sentence)
            }
        }

        private func sequences() -> [Refusal] {
            let long = String(repeating: "a", count: 65)
            let table = [
                ("JSON that is none", "{\"instances\": ["), ("no JSON at all", "Takahashi"),
                ("no instances", "{}"),
                ("an empty list", "{\"instances\": []}"), ("an empty text", "{\"instances\": [\"\"]}"),
                ("a text of 65 characters", "{\"instances\": [\"\(long)\"]}"),
                ("a token beyond the vocabulary", "{\"instances\": [[1, 999999]]}"),
                ("a negative token", "{\"instances\": [[-1]]}"), ("half a token", "{\"instances\": [[0.5]]}"),
                ("an empty sequence of tokens", "{\"instances\": [[]]}"),
                ("a bad instance after a good one", "{\"instances\": [\"Li\", \"\"]}"),
                ("an instance of another kind", "{\"instances\": [true]}"),
                ("an unknown key", "{\"instance\": [\"Li\"]}"),
            ]
            return table.map { what, body in
                let path = "/v1/models/surnames:predict"
                return Refusal(
                    what,
                    Client.encode("POST", path, body: Array(body.utf8), type: "application/json"),
                    400
                )
            }
        }

        /// Bad input of the tasks on sequences: model, body, what the message says.
        private func otherSequences() -> [Refusal] {
            let words = String(repeating: "a ", count: 513)
            // swift-format-ignore
            let table = [
                ("temperature", "{\"instances\": [[[1, 2]]]}", "step 0: expected 1 numbers, found 2"),
                ("temperature", "{\"instances\": [[[NaN]]]}", "not JSON"),
                ("temperature", "{\"instances\": [[[Infinity]]]}", "not JSON"),
                ("temperature", "{\"instances\": [[[1e999]]]}", "64-bit float"),
                ("temperature", "{\"instances\": [[[1e300]]]}", "too large for a 32-bit float"),
                ("temperature", "{\"instances\": [[]]}", "empty"),
                ("temperature", "{\"instances\": [[[1]]], \"parameters\": {\"horizon\": 0}}", "at least 1, found '0.0'"),
                ("temperature", "{\"instances\": [[[1]]], \"parameters\": {\"horizon\": 2.5}}", "'2.5'"),
                ("temperature", "{\"instances\": [[[1]]], \"parameters\": {\"horizon\": 1001}}", "from 1 to 1000"),
                ("temperature", "{\"instances\": [[[1]]], \"parameters\": {\"horizon\": \"2\"}}", "found 'a string'"),
                ("sentiment", "{\"instances\": [\"x\"], \"parameters\": {\"horizon\": 2}}", "looks ahead"),
                ("sentiment", "{\"instances\": [\"  \"]}", "empty"),
                ("sentiment", "{\"instances\": [\"\\ud800\"]}", "surrogate"),
                ("tagger", "{\"instances\": [\"\(words)\"]}", "more than 512 steps"),
                ("tagger", "{\"instances\": [[\"a\", \"\"]]}", "token 1: expected a string, found an empty one"),
                ("tagger", "{\"instances\": [[\"a\", 3]]}", "token 1: expected a string, found a number"),
                ("tagger", "{\"instances\": [3]}", "a string or an array of strings"),
                ("deu-eng", "{\"instances\": [\"\(words)\"]}", "more than 64 steps"),
                ("deu-eng", "{\"instances\": [\"\"]}", "empty"),
                ("deu-eng", "{\"instances\": [\"Hallo\"], \"parameters\": {\"beams\": 17}}", "from 1 to 16, found 17"),
                ("deu-eng", "{\"instances\": [\"Hallo\"], \"parameters\": {\"max_tokens\": 33}}", "at most 32"),
                ("deu-eng", "{\"instances\": [\"Hallo\"], \"parameters\": {\"detail\": \"words\"}}", "attention"),
            ]
            let invalid = Client.encode(
                "POST",
                "/v1/models/sentiment:predict",
                body: [0x61, 0xff],
                type: "text/plain"
            )
            return [Refusal("text that is not UTF-8", invalid, 400, "UTF-8")]
                + table.map { model, body, sentence in
                    let request = Client.encode(
                        "POST",
                        "/v1/models/\(model):predict",
                        body: Array(body.utf8),
                        type: "application/json"
                    )
                    return Refusal("\(model) \(body.prefix(80))", request, 400, sentence)
                }
        }

        private func routes() throws -> [Refusal] {
            let png = try Repository.example("digit-7.png")
            let post = { (path: String) in Client.encode("POST", path, body: png) }
            let oversized =
                "POST /v1/models/digits:classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4294967296\r\n\r\n"
            return [
                Refusal("unknown model", post("/v1/models/digit:classify"), 404, "'digits'"),
                Refusal("unknown version", post("/v1/models/digits/versions/7:classify"), 404, "7"),
                Refusal("version that is no number", post("/v1/models/digits/versions/x:classify"), 404, "x"),
                Refusal("unknown route", Client.encode("GET", "/v1/model"), 404),
                Refusal("wrong method", Client.encode("GET", "/v1/models/digits:classify"), 405),
                // Answered before any of it is sent.
                Refusal("body over the limit", Array(oversized.utf8), 413),
                Refusal("not HTTP", Array("hello\r\n\r\n".utf8), 400),
            ]
        }

        @Test func `names the allowed methods with 405`() throws {
            try Daemon.serving { daemon in
                let answer = try Client(port: daemon.port).request("GET", "/v1/models/digits:classify")
                #expect(answer.status == 405)
                #expect(answer.fields["allow"]?.contains("POST") == true)
            }
        }

        @Test func `survives senders that are slow or vanish`() throws {
            let request = Client.encode(
                "POST",
                "/v1/models/digits:classify",
                body: try Repository.example("digit-7.png")
            )
            try Daemon.serving { daemon in
                let health = try Health(daemon)
                do {
                    let slow = try (Client(port: daemon.port), Client(port: daemon.port))
                    try slow.0.send(Array(request.prefix(20))) // within the head
                    try slow.1.send(Array(request.dropLast(20))) // within the body
                    for length in stride(from: 0, to: request.count, by: 16) {
                        let client = try Client(port: daemon.port)
                        try client.send(Array(request.prefix(length)))
                        client.reset()
                    }
                    let vanished = try Client(port: daemon.port)
                    try vanished.send(request)
                    vanished.reset()
                    try health.check(after: "resets")
                    for client in [slow.0, slow.1] {
                        let answer = try client.receive()
                        #expect(answer.status == 408, "\(answer.text)")
                        #expect(try answer.decoded(ErrorBody.self).code.isEmpty == false)
                        #expect(try client.isAtEnd())
                    }
                }
                try health.check(after: "slow senders")
                try health.checkDescriptors()
            }
        }
    }
}

/// A client that asks the same question again and again and demands the same answer.
private struct Health {
    private let daemon: Daemon
    private let client: Client
    private let image: [UInt8]
    private let expected: [String]
    private let descriptors: Int

    init(_ daemon: Daemon) throws {
        self.daemon = daemon
        client = try Client(port: daemon.port)
        image = try Repository.example("digit-7.png")
        expected = try client.request("POST", "/v1/models/digits:classify", body: image).predictionTexts()
        #expect(expected.count == 1)
        descriptors = try daemon.descriptors()
    }

    func check(after what: String) throws {
        let answer = try client.request("POST", "/v1/models/digits:classify", body: image)
        #expect(answer.status == 200, "after \(what): \(answer.text)")
        #expect(answer.predictionTexts() == expected, "after \(what)")
    }

    /// Every other connection has been closed by now; the daemon sees that before it answers a later request.
    func checkDescriptors() throws {
        var left = try daemon.descriptors()
        for _ in 0..<1000 where left > descriptors {
            try check(after: "closing")
            left = try daemon.descriptors()
        }
        #expect(left <= descriptors, "\(left) descriptors are open; there were \(descriptors)")
    }
}
