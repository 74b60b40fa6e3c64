import HTTP
import HTTPTypes
import Testing

@Suite struct RequestParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let expected: [Parsed]
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ expected: Parsed...) {
            self.name = name
            self.text = text
            self.expected = expected
        }
    }

    static let host = "Host: h\r\n"

    // swift-format-ignore
    static let cases: [Case] = [
        Case("a request without a body", "GET / HTTP/1.1\r\n\(host)\r\n", .request(method: "GET", path: "/", body: "")),
        Case("a sized body", "POST /a HTTP/1.1\r\n\(host)Content-Length: 5\r\n\r\nhello",
             .request(method: "POST", path: "/a", body: "hello")),
        Case("a sized body of nothing", "POST /a HTTP/1.1\r\n\(host)Content-Length: 000\r\n\r\n",
             .request(method: "POST", path: "/a", body: "")),
        Case("a chunked body", "POST /a HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
             .request(method: "POST", path: "/a", body: "hello!")),
        Case("extensions, trailers, a capital coding and leading zeros",
             "POST / HTTP/1.1\r\n\(host)transfer-encoding: CHUNKED\r\n\r\n0005;a=b;c=\"d\"\r\nhello\r\n00\r\nA: b\r\nC: d\r\n\r\n",
             .request(method: "POST", path: "/", body: "hello")),
        Case("hexadecimal sizes in both cases", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nA ;x\r\n0123456789\r\n0\r\n\r\n",
             .request(method: "POST", path: "/", body: "01234567890123456789")),
        Case("two pipelined requests", "POST /1 HTTP/1.1\r\n\(host)Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n\(host)\r\n",
             .request(method: "POST", path: "/1", body: "ab"), .request(method: "GET", path: "/2", body: "")),
        Case("an empty line before each request", "\r\nGET /1 HTTP/1.1\r\n\(host)\r\n\r\nGET /2 HTTP/1.1\r\n\(host)\r\n",
             .request(method: "GET", path: "/1", body: ""), .request(method: "GET", path: "/2", body: "")),
        Case("HTTP/1.0 without a host", "GET /old HTTP/1.0\r\n\r\n", .request(method: "GET", path: "/old", body: "")),
        Case("an absolute target", "GET http://example.com:80/a%20b?c HTTP/1.1\r\n\(host)\r\n",
             .request(method: "GET", path: "/a b", body: "")),
        Case("an absolute target without a path", "GET HTTPS://[::1]?c=d HTTP/1.1\r\n\(host)\r\n",
             .request(method: "GET", path: "/", body: "")),
        Case("the asterisk", "OPTIONS * HTTP/1.1\r\n\(host)\r\n", .request(method: "OPTIONS", path: "*", body: "")),
        Case("OPTIONS for a whole host", "OPTIONS http://h HTTP/1.1\r\n\(host)\r\n",
             .request(method: "OPTIONS", path: "*", body: "")),
        Case("an unknown method", "BREW /pot HTTP/1.1\r\n\(host)\r\n", .request(method: "BREW", path: "/pot", body: "")),
        Case("a percent-encoded path in UTF-8", "GET /n%C3%A9%2F HTTP/1.1\r\n\(host)\r\n",
             .request(method: "GET", path: "/né/", body: "")),
        Case("an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", .request(method: "GET", path: "/", body: "")),
        Case("white space around values", "POST / HTTP/1.1\r\nHost: \t h \t\r\nContent-Length:2 \r\n\r\nab",
             .request(method: "POST", path: "/", body: "ab")),
        Case("an expectation with its body", "PUT / HTTP/1.1\r\n\(host)Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
             .request(method: "PUT", path: "/", body: "x")),
        Case("an empty list of expectations", "PUT / HTTP/1.1\r\n\(host)Expect:\r\nContent-Length: 1\r\n\r\nx",
             .request(method: "PUT", path: "/", body: "x")),
        Case("an expectation of HTTP/1.0, which has none", "PUT / HTTP/1.0\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx",
             .request(method: "PUT", path: "/", body: "x")),
    ]

    @Test(arguments: cases)
    func `reads, however it is cut`(_ row: Case) {
        for results in RequestParser.feedEveryWay(row.text) { #expect(results == row.expected) }
    }

    @Test func `decodes the query in order`() throws {
        let head = try #require(
            RequestParser.head("GET /x?top_k=3&a=b%26c+d&flag&&=e&a=2 HTTP/1.1\r\nHost: h\r\n\r\n")
        )
        #expect(head.query.names == ["top_k", "a", "flag", "", "a"])
        #expect(head.query["top_k"] == "3")
        #expect(head.query["a"] == "b&c d")
        #expect(head.query["flag"] == "")
        #expect(head.query["none"] == nil)
    }

    @Test func `finds a name by its bytes`() throws {
        let target = "/?%E2%84%AA=1&a%CC%81=2&K=3&a=4"
        let head = try #require(RequestParser.head("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n"))
        #expect(head.query["K"] == "3")
        #expect(head.query["a"] == "4")
        #expect(head.query["\u{E1}"] == nil)
    }

    @Test(arguments: [
        ("close,\u{301}x", false), ("\u{301},close", false), ("close\u{301}", true), ("clo\u{17F}e", true),
        ("CLOSE", false), ("x ,\tclose\t, y", false),
    ])
    func `splits a list at its commas, whatever follows them`(connection: String, keepsAlive: Bool) throws {
        let head = try #require(
            RequestParser.head("GET / HTTP/1.1\r\nHost: h\r\nConnection: \(connection)\r\n\r\n")
        )
        #expect(head.keepsAlive == keepsAlive)
    }

    @Test func `keeps a plus in the path`() throws {
        #expect(RequestParser.head("GET /a+b HTTP/1.1\r\nHost: h\r\n\r\n")?.path == "/a+b")
    }

    @Test func `keeps field values in UTF-8 and reads others as Latin-1`() throws {
        let start = Array("GET / HTTP/1.1\r\nHost: h\r\nA: n\u{E9}\r\nB: ".utf8)
        let bytes = start + [0x6E, 0xE9] + Array("\r\n\r\n".utf8)
        var parser = RequestParser()
        var position = 0
        guard case .head(let head) = parser.next(bytes.span, at: &position) else {
            Issue.record("no head")
            return
        }
        for name in ["A", "B"] { #expect(head.fields[try #require(HTTPField.Name(name))] == "né") }
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: Keep-Alive, CLOSE\r\n", false), ("HTTP/1.0", "", false),
        ("HTTP/1.0", "Connection: keep-alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false),
    ])
    func `knows whether the connection stays`(version: String, field: String, expected: Bool) {
        #expect(RequestParser.head("GET / \(version)\r\nHost: h\r\n\(field)\r\n")?.keepsAlive == expected)
    }

    @Test func `announces the head before the body and says who waits for a 100`() {
        let head = RequestParser.head(
            "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        )
        #expect(head?.expectsContinue == true)
        #expect(head?.framing == .length(9))
    }
}
