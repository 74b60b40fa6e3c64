import HTTP
import Testing

/// What RFC 9112 lets a server refuse is refused: each case with its status, however it is cut.
@Suite struct MalformedRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let status: Int
        let message: String
        var testDescription: String { "\(status) \(message): \(text.prefix(60).debugDescription)" }

        init(_ text: String, _ status: Int, _ message: String = "") {
            self.text = text
            self.status = status
            self.message = message
        }
    }

    private static func get(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n" }
    private static func post(_ fields: String, _ body: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\(body)"
    }
    private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }

    // swift-format-ignore
    static let requestLines: [Case] = [
        Case(" GET / HTTP/1.1\r\n", 400, "does not begin with a method"),
        Case("\nGET / HTTP/1.1\r\n", 400, "does not begin with a method"),
        Case("\u{16}\u{03}\u{01}", 400, "not TLS"),
        Case("\r\n\r\nGET / HTTP/1.1\r\n", 400, "empty lines"),
        Case("\rGET / HTTP/1.1\r\n", 400, "bare CR"),
        Case("GET  / HTTP/1.1\r\n", 400), Case("GET /  HTTP/1.1\r\n", 400), Case("GET / HTTP/1.1 \r\n", 400),
        Case("GET\t/ HTTP/1.1\r\n", 400), Case("GET / a HTTP/1.1\r\n", 400), Case("GET /\r\n", 400),
        Case("GET\r\n", 400), Case("GET  HTTP/1.1\r\n", 400, "target is empty"),
        Case("G@T / HTTP/1.1\r\n", 400, "method is not a token"),
        Case("GET / HTTP/1.1\n", 400, "LF without CR"),
        Case("GET /\r HTTP/1.1\r\n", 400, "bare CR"),
        Case("GET / HTTP/2.0\r\n", 505), Case("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), Case("GET / HTTP/1.2\r\n", 505),
        Case("GET / HTTP/0.9\r\n", 505), Case("GET / http/1.1\r\n", 400), Case("GET / HTTP/1.\r\n", 400),
        Case("GET / HTTP/11\r\n", 400), Case("GET / HTTP/1.10\r\n", 400), Case("GET / ICAP/1.0\r\n", 400),
        Case("GET * HTTP/1.1\r\n", 400, "OPTIONS only"),
        Case("GET index HTTP/1.1\r\n", 400, "neither a path nor"), Case("GET ftp://h/ HTTP/1.1\r\n", 400),
        Case("GET http:/// HTTP/1.1\r\n", 400, "host"), Case("GET http://u@h/ HTTP/1.1\r\n", 400, "host"),
        Case("CONNECT h:80 HTTP/1.1\r\n", 501),
        Case("GET /a#b HTTP/1.1\r\n", 400, "URI"), Case("GET /\u{7F} HTTP/1.1\r\n", 400, "URI"),
        Case("GET /\u{1} HTTP/1.1\r\n", 400, "URI"), Case("GET /é HTTP/1.1\r\n", 400, "URI"),
        Case("GET /% HTTP/1.1\r\n", 400, "hexadecimal"), Case("GET /%4 HTTP/1.1\r\n", 400, "hexadecimal"),
        Case("GET /%zz HTTP/1.1\r\n", 400, "hexadecimal"), Case("GET /%00 HTTP/1.1\r\n", 400, "control"),
        Case("GET /%0d%0a HTTP/1.1\r\n", 400, "control"), Case("GET /%ff HTTP/1.1\r\n", 400, "UTF-8"),
        Case("GET /?a=%f HTTP/1.1\r\n", 400, "hexadecimal"), Case("GET /?%c3%28 HTTP/1.1\r\n", 400, "UTF-8"),
        Case("GET /" + String(repeating: "a", count: 8192) + " HTTP/1.1\r\n", 414),
        Case(String(repeating: "a", count: 9000), 414),
    ]

    // swift-format-ignore
    static let fields: [Case] = [
        Case("GET / HTTP/1.1\r\n\r\n", 400, "Host field is missing"),
        Case("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "2 Host fields"),
        Case("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "2 Host fields"),
        Case("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "not a host"), Case("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
        Case("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400), Case("GET / HTTP/1.1\r\nHost: h/p\r\n\r\n", 400),
        Case("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400), Case("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400),
        Case("GET / HTTP/1.1\r\nHost: h:123456\r\n\r\n", 400),
        Case(get("A: b\r\n c\r\n"), 400, "folded"), Case(get("A: b\r\n\tc\r\n"), 400, "folded"),
        Case("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400, "folded"),
        Case(get("A : b\r\n"), 400, "token"), Case(get("A\t: b\r\n"), 400, "token"), Case(get(": b\r\n"), 400, "token"),
        Case(get("A b: c\r\n"), 400, "token"), Case(get("Ä: c\r\n"), 400, "token"), Case(get("A(: c\r\n"), 400, "token"),
        Case(get("no colon\r\n"), 400, "no colon"),
        Case(get("A: b\rc\r\n"), 400, "bare CR"), Case(get("A: b\u{0}c\r\n"), 400, "control"),
        Case(get("A: b\u{1}c\r\n"), 400, "control"), Case(get("A: b\u{7F}c\r\n"), 400, "control"),
        Case(get("A: b\nC: d\r\n"), 400, "LF without CR"), Case("GET / HTTP/1.1\r\nHost: h\r\n\n", 400, "LF without CR"),
        Case(get("Expect: tea\r\n"), 417), Case(get("Expect: 100-continue, tea\r\n"), 417),
        Case(get(String(repeating: "A: b\r\n", count: 101)), 431),
        Case(get("A: " + String(repeating: "b", count: 33_000) + "\r\n"), 431),
        Case(get(String(repeating: "A: " + String(repeating: "b", count: 1000) + "\r\n", count: 33)), 431),
        Case(get("A: " + String(repeating: "b", count: 40_000)), 431),
    ]

    // swift-format-ignore
    static let framing: [Case] = [
        Case(post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400, "exclude each other"),
        Case(post("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"), 400, "exclude each other"),
        Case(post("Content-Length: 1\r\nContent-Length: 2\r\n"), 400, "2 Content-Length"),
        Case(post("Content-Length: 1\r\nContent-Length: 1\r\n"), 400, "2 Content-Length"),
        Case(post("Content-Length: +5\r\n"), 400, "not a number"), Case(post("Content-Length: -5\r\n"), 400, "not a number"),
        Case(post("Content-Length: 0x5\r\n"), 400, "not a number"), Case(post("Content-Length: 5, 5\r\n"), 400, "not a number"),
        Case(post("Content-Length: 5 5\r\n"), 400, "not a number"), Case(post("Content-Length: \r\n"), 400, "not a number"),
        Case(post("Content-Length: 1.0\r\n"), 400, "not a number"), Case(post("Content-Length: ٣\r\n"), 400, "not a number"),
        Case(post("Content-Length: 33554433\r\n"), 413, "33554432"),
        Case(post("Content-Length: 99999999999999999999999999\r\n"), 413),
        Case(post("Transfer-Encoding: gzip\r\n"), 501), Case(post("Transfer-Encoding: gzip, chunked\r\n"), 501),
        Case(post("Transfer-Encoding: identity\r\n"), 501), Case(post("Transfer-Encoding: xchunked\r\n"), 501),
        Case(post("Transfer-Encoding: chunked;a=b\r\n"), 501), Case(post("Transfer-Encoding: \"chunked\"\r\n"), 501),
        Case(post("Transfer-Encoding: chunked, gzip\r\n"), 400, "not the last"),
        Case(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"), 400, "not the last"),
        Case(post("Transfer-Encoding: chunked, chunked\r\n"), 400), Case(post("Transfer-Encoding:\r\n"), 400),
        Case(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400),
        Case("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "HTTP/1.0"),
        Case(chunked("x\r\n"), 400, "hexadecimal"), Case(chunked("\r\n"), 400, "hexadecimal"),
        Case(chunked("-1\r\n"), 400, "hexadecimal"), Case(chunked("+1\r\na\r\n"), 400), Case(chunked(" 1\r\na\r\n"), 400),
        Case(chunked("0x1\r\na\r\n"), 400, "no extension"), Case(chunked("1 \r\na\r\n"), 400, "no extension"),
        Case(chunked("1 2\r\na\r\n"), 400, "no extension"), Case(chunked("1\na\r\n"), 400, "LF without CR"),
        Case(chunked("2;\r\nab\r\n"), 400, "no name"), Case(chunked("2;;a\r\nab\r\n"), 400, "no name"), Case(chunked("2;=b\r\n"), 400, "no name"),
        Case(chunked("2;a=\r\nab\r\n"), 400, "no value"), Case(chunked("2;a=\"b\r\nab\r\n"), 400, "no value"),
        Case(chunked("2;a=\"\\\"\r\nab\r\n"), 400, "no value"), Case(chunked("2;a=b c\r\n"), 400, "no extension"),
        Case(chunked("2;a \r\nab\r\n"), 400, "no extension"),
        Case(chunked("1;a=\u{1}\r\na"), 400, "control"), Case(chunked("1;a\rb\r\na"), 400, "bare CR"),
        Case(chunked("1\r\nab\r\n"), 400, "longer than its size"), Case(chunked("1\r\na\n"), 400),
        Case(chunked("2000001\r\n"), 413), Case(chunked("ffffffffffffffff\r\n"), 413), Case(chunked("7fffffffffffffff\r\n"), 413),
        Case(chunked("00000000000000001\r\n"), 400, "16 digits"), Case(chunked("10000000000000000\r\n"), 400, "16 digits"),
        Case(chunked("1;" + String(repeating: "a", count: 300) + "\r\n"), 400, "too long"),
        Case(chunked(String(repeating: "1;" + String(repeating: "a", count: 200) + "\r\nx\r\n", count: 90)), 400, "extensions"),
        Case(chunked("0\r\nno colon\r\n\r\n"), 400, "no colon"), Case(chunked("0\r\n folded\r\n\r\n"), 400, "folded"),
        Case(chunked("0\r\n" + String(repeating: "A: b\r\n", count: 101)), 431),
    ]

    @Test(arguments: requestLines) func `refuses the request line`(_ row: Case) { check(row) }

    @Test(arguments: fields) func `refuses the fields`(_ row: Case) { check(row) }

    @Test(arguments: framing) func `refuses the framing`(_ row: Case) { check(row) }

    @Test func `refuses too many chunks`() {
        var limits = ParserLimits()
        limits.maxChunks = 10
        let chunk = "1\r\na\r\n"
        let good = Self.chunked(String(repeating: chunk, count: 10) + "0\r\n\r\n")
        #expect(RequestParser.feed(Array(good.utf8), pieces: [5], limits: limits).count == 1)
        check(Case(Self.chunked(String(repeating: chunk, count: 11)), 400, "too many chunks"), limits)
    }

    @Test func `refuses a chunked body that grows over the limit`() {
        var limits = ParserLimits()
        limits.maxBodyBytes = 10
        check(Case(Self.chunked("6\r\nabcdef\r\n5\r\nabcde\r\n0\r\n\r\n"), 413, "10 bytes"), limits)
    }

    @Test func `takes a request line, fields and a body of exactly the limit`() {
        var limits = ParserLimits()
        limits.maxRequestLineBytes = 15
        limits.maxFieldBytes = 29
        limits.maxFields = 2
        limits.maxBodyBytes = 3
        let text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
        for results in RequestParser.feedEveryWay(text, limits: limits) {
            #expect(results == [.request(method: "POST", path: "/", body: "abc")])
        }
        limits.maxFieldBytes = 27
        check(Case(text, 431), limits)
    }

    @Test func `swallows everything after a refusal`() {
        let text = "GET / HTTP/9.9\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
        for results in RequestParser.feedEveryWay(text) { #expect(results.count == 1) }
    }

    private func check(_ row: Case, _ limits: ParserLimits = ParserLimits()) {
        for results in RequestParser.feedEveryWay(row.text, limits: limits) {
            guard results.count == 1, case .refusal(let status, let message) = results[0] else {
                Issue.record(
                    "expected \(row.status), found \(results) for \(row.text.prefix(80).debugDescription)"
                )
                continue
            }
            #expect(status == row.status, "\(message)")
            #expect(row.message.isEmpty || message.contains(row.message), "\(message)")
        }
    }
}
