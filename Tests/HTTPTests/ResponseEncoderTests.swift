import HTTP
import HTTPTypes
import Testing

@Suite struct ResponseEncoderTests {
    private func encode(_ response: Response, _ context: ResponseEncoder.Context) -> String {
        let head = ResponseEncoder.head(of: response, context, date: "D")
        return String(decoding: head + ResponseEncoder.body(of: response, context), as: UTF8.self)
    }

    @Test func `writes a status line, its own fields, the handler's and the body`() {
        let response = Response(fields: [.contentType: "text/plain"], body: Array("hi".utf8))
        #expect(
            encode(response, ResponseEncoder.Context(requestID: "7"))
                == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 2\r\nX-Request-Id: 7\r\nContent-Type: text/plain\r\n\r\nhi"
        )
    }

    @Test func `says what becomes of the connection only where it is not the default`() {
        let response = Response(status: .notFound)
        let close = ResponseEncoder.Context(keepsAlive: false)
        let old = ResponseEncoder.Context(version: .http10)
        #expect(encode(response, close).contains("\r\nConnection: close\r\n"))
        #expect(encode(response, old).contains("\r\nConnection: keep-alive\r\n"))
        #expect(!encode(response, ResponseEncoder.Context()).contains("Connection"))
    }

    @Test func `leaves the body of HEAD out but not its length`() {
        let text = encode(Response(body: [1, 2, 3]), ResponseEncoder.Context(isHead: true))
        #expect(text == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 3\r\n\r\n")
    }

    @Test(arguments: [204, 304]) func `gives neither body nor length with`(code: Int) {
        let text = encode(Response(status: .init(code: code), body: [1]), ResponseEncoder.Context())
        #expect(text.hasSuffix("Date: D\r\n\r\n"))
        #expect(!text.contains("Content-Length"))
    }

    @Test func `takes framing and dates from no handler`() {
        let fields: HTTPFields = [
            .contentLength: "99", .transferEncoding: "chunked", .date: "never", .connection: "x",
        ]
        let text = encode(Response(fields: fields, body: [65]), ResponseEncoder.Context())
        #expect(text == "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Length: 1\r\n\r\nA")
    }

    @Test func `announces a streamed body by the version's means`() {
        var stream = Response()
        stream.isStreamed = true
        #expect(
            encode(stream, ResponseEncoder.Context())
                == "HTTP/1.1 200 OK\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        #expect(
            encode(stream, ResponseEncoder.Context(version: .http10, keepsAlive: false))
                == "HTTP/1.1 200 OK\r\nDate: D\r\nConnection: close\r\n\r\n"
        )
        #expect(
            ResponseEncoder.chunk([UInt8](repeating: 65, count: 26))
                == Array("1a\r\n\(String(repeating: "A", count: 26))\r\n".utf8)
        )
    }

    @Test func `cannot be made to split an answer`() {
        let text = encode(Response(fields: [.location: "a\r\nSet-Cookie: b"]), ResponseEncoder.Context())
        #expect(!text.contains("\nSet-Cookie"))
    }

    @Test func `turns an interim status of a handler into 500`() {
        #expect(encode(Response(status: .continue), ResponseEncoder.Context()).hasPrefix("HTTP/1.1 500 "))
    }

    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    ])
    func `writes dates`(seconds: Int, expected: String) {
        #expect(HTTPDate.text(seconds) == expected)
    }
}
