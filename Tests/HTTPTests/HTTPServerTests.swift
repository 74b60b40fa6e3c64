import Glibc
import HTTP
import HTTPTypes
import Platform
import Testing

@Suite struct HTTPServerTests {
    static let host = "Host: h\r\n"

    @Test func `answers over one connection again and again`() throws {
        try withServer { server in
            let client = try TestClient(port: server.port)
            for i in 0..<100 {
                client.send("GET /\(i) HTTP/1.1\r\n\(Self.host)\r\n")
                let answer = try #require(client.answer())
                #expect(answer.status == 200)
                #expect(answer.body == "GET /\(i) ")
                #expect(answer.fields["date"]?.hasSuffix(" GMT") == true)
                #expect(answer.fields["x-request-id"]?.count == 16)
                #expect(answer.fields["connection"] == nil)
            }
            #expect(server.statistics.acceptedConnections == 1)
            #expect(server.statistics.receivedRequests == 100)
        }
    }

    @Test func `answers pipelined requests in order although they finish in another`() throws {
        let slowest = Gate()
        try withServer(handler: { request in
            if request.path == "/0" { slowest.pass() }
            if request.path == "/3" { slowest.open() }
            return echo(request)
        }) { server in
            let client = try TestClient(port: server.port)
            client.send((0..<20).map { "GET /\($0) HTTP/1.1\r\n\(Self.host)\r\n" }.joined())
            for i in 0..<20 { #expect(client.answer()?.body == "GET /\(i) ") }
        }
    }

    @Test func `takes a chunked upload byte by byte`() throws {
        try withServer { server in
            let client = try TestClient(port: server.port)
            let text =
                "POST /up HTTP/1.1\r\n\(Self.host)Transfer-Encoding: chunked\r\n\r\n"
                + "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n"
            for byte in text.utf8 { client.send([byte]) }
            #expect(client.answer()?.body == "POST /up hello world")
        }
    }

    @Test func `takes and gives a large body`() throws {
        try withServer { server in
            let client = try TestClient(port: server.port)
            let body = String(repeating: "0123456789abcdef", count: 256 * 1024)
            let sender = try Thread(name: "sender") { [client = Unchecked(client)] in
                client.value.send(
                    "PUT / HTTP/1.1\r\n\(Self.host)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
            }
            let answer = client.answer()
            sender.join()
            #expect(answer?.body == "PUT / \(body)")
            #expect(eventually { server.statistics.bufferedBytes == 0 })
        }
    }

    @Test func `asks for an expected body at once`() throws {
        try withServer { server in
            let client = try TestClient(port: server.port)
            client.send("PUT / HTTP/1.1\r\n\(Self.host)Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(client.bytes(25) == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("ab")
            #expect(client.answer()?.body == "PUT / ab")
        }
    }

    @Test func `refuses a body over the limit before it is sent`() throws {
        try withServer({ $0.maxBodyBytes = 1000 }) { server in
            let client = try TestClient(port: server.port)
            client.send("PUT / HTTP/1.1\r\n\(Self.host)Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
            let answer = client.answer()
            #expect(answer?.status == 413)
            #expect(answer?.fields["connection"] == "close")
            #expect(client.ends())
            #expect(server.statistics.refusals == ["body_too_large": 1])
        }
    }

    @Test func `lets a client that sends on see its refusal`() throws {
        try withServer({ $0.maxBodyBytes = 1000 }) { server in
            let client = try TestClient(port: server.port)
            client.send("PUT / HTTP/1.1\r\n\(Self.host)Content-Length: 8000000\r\n\r\n")
            #expect(client.send([UInt8](repeating: 1, count: 8_000_000)))
            #expect(client.answer()?.status == 413)
            #expect(client.ends())
        }
    }

    @Test func `answers HEAD with the head of GET`() throws {
        try withServer { server in
            let client = try TestClient(port: server.port)
            client.send("HEAD /x HTTP/1.1\r\n\(Self.host)\r\nGET /x HTTP/1.1\r\n\(Self.host)\r\n")
            let head = client.answer(isHead: true)
            #expect(head?.fields["content-length"] == "8")
            #expect(client.answer()?.body == "GET /x ")
        }
    }

    @Test func `closes after an answer to HTTP/1.0 unless asked to keep alive`() throws {
        try withServer { server in
            let client = try TestClient(port: server.port)
            client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(client.answer()?.fields["connection"] == "keep-alive")
            client.send("GET /2 HTTP/1.0\r\n\r\n")
            #expect(client.answer()?.fields["connection"] == "close")
            #expect(client.ends())
        }
    }

    @Test func `one server answers on several sockets, and a UNIX socket's file ends with it`() throws {
        let path = "/tmp/martlet-http-\(getpid()).sock"
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(),
            budget: MemoryBudget(limit: 1 << 20),
            renderError: { status, code, _ in Response(status: status, body: Array(code.utf8)) },
            handler: { $1.respond(Response(body: Array($0.client.utf8))) }
        )
        let first = try Listener(.unix(path: path))
        let second = try Listener(.tcp(host: "127.0.0.1", port: 0))
        let third = try Listener(.tcp(host: "127.0.0.1", port: 0))
        try server.start(on: [first, second, third])
        #expect(second.address == .tcp(host: "127.0.0.1", port: server.port))
        guard case .tcp(_, let port) = third.address else { return }
        for (client, name) in [
            (try TestClient(path: path), "unix"), (try TestClient(port: server.port), "127.0.0.1"),
            (try TestClient(port: port), "127.0.0.1"),
        ] {
            client.send("GET / HTTP/1.1\r\n\(Self.host)\r\n")
            #expect(client.answer()?.body == name)
        }
        server.drain(deadline: .seconds(5))
        #expect(access(path, F_OK) != 0)
        #expect(throws: SystemError.self) { try TestClient(path: path) }
        #expect(throws: SystemError.self) { try TestClient(port: port) }
    }

    @Test func `answers a client that has closed its side`() throws {
        let gate = Gate()
        try withServer(
            { $0.probeDelay = .seconds(100) },
            handler: { request in
                gate.pass()
                return request.cancellation.isCancelled ? Response(status: .gone) : echo(request)
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send("GET /half HTTP/1.1\r\n\(Self.host)\r\n")
            client.halfClose()
            gate.await(1)
            gate.open()
            #expect(client.answer()?.body == "GET /half ")
            #expect(client.ends())
        }
    }

    @Test func `listens on IPv6 and refuses a port that is taken`() throws {
        try withServer({ $0.host = "::1" }) { server in
            var configuration = HTTPServerConfiguration()
            configuration.host = "::1"
            configuration.port = server.port
            let second = HTTPServer(
                configuration: configuration,
                budget: MemoryBudget(limit: 1 << 20),
                renderError: { status, _, _ in Response(status: status) },
                handler: { request, responder in responder.respond(echo(request)) }
            )
            let error = #expect(throws: SystemError.self) { try second.start() }
            #expect(error?.description == "listen [::1]:\(server.port): address already in use (EADDRINUSE)")
        }
    }
}

/// Lets a test use from one other thread what is not made for it.
struct Unchecked<Value>: @unchecked Sendable { // @unchecked: the test joins the thread
    let value: Value
    init(_ value: Value) { self.value = value }
}
