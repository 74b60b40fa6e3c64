import HTTP
import HTTPTypes
import Platform
import Synchronization
import Testing

/// What is decided by a request's head, who answers, and what the access log hears of it.
@Suite struct AdmissionTests {
    private static let rule: AdmissionRule = { head, _ in
        switch head.path {
        case "/small": .accept(maxBodyBytes: 10)
        case "/any": .accept()
        default: .refuse(Response(status: .notFound, body: Array("no route".utf8)))
        }
    }

    private static func put(_ path: String, _ fields: String, _ body: String = "") -> String {
        "PUT \(path) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n\(body)"
    }

    @Test func `refuses an unknown route and a large body before the body is asked for`() throws {
        try withServer(admit: Self.rule) { server in
            for (path, status) in [("/none", 404), ("/small", 413)] {
                let client = try TestClient(port: server.port)
                client.send(Self.put(path, "Expect: 100-continue\r\nContent-Length: 30000000"))
                #expect(client.bytes(12) == "HTTP/1.1 \(status)")
            }
            let client = try TestClient(port: server.port)
            client.send(Self.put("/small", "Transfer-Encoding: chunked", "b\r\n"))
            #expect(client.answer()?.status == 413)
            #expect(server.statistics.activeRequests == 0)
        }
    }

    @Test func `keeps a connection whose refused request has no body, and admits others`() throws {
        try withServer(admit: Self.rule) { server in
            let client = try TestClient(port: server.port)
            client.send(
                "GET /none HTTP/1.1\r\nHost: h\r\n\r\n" + Self.put("/small", "Content-Length: 2", "ab")
            )
            let refusal = client.answer()
            #expect(refusal?.status == 404)
            #expect(refusal?.body == "no route")
            #expect(client.answer()?.body == "PUT /small ab")
            client.send(Self.put("/any", "Content-Length: 20", String(repeating: "x", count: 20)))
            #expect(client.answer()?.status == 200)
        }
    }

    @Test func `answers 500 for a responder that is dropped`() throws {
        try withServer(responding: { _, _ in }) { server in
            let client = try TestClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.answer()?.status == 500)
            #expect(server.statistics.refusals == ["unanswered": 1])
            #expect(server.statistics.activeRequests == 0)
        }
    }

    @Test func `does not wait for a handler that never answers`() throws {
        let held = Mutex<[Responder]>([])
        try withServer(responding: { _, responder in held.withLock { $0.append(responder) } }) { server in
            let client = try TestClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(eventually { held.withLock { $0.count } == 1 })
            server.drain(deadline: .milliseconds(20))
            held.withLock { $0 }.first?.respond(Response())
        }
    }

    @Test func `accounts for each request once, with its status and bytes`() throws {
        let lines = Mutex<[Served]>([])
        try withServer(
            admit: Self.rule,
            log: { served in lines.withLock { $0.append(served) } },
            handler: { request in
                var response = echo(request)
                response.annotation = "model"
                return response
            }
        ) { server in
            let client = try TestClient(port: server.port, from: 0x7F00_0002)
            client.send(Self.put("/any?a=%20", "X-Request-Id: one\r\nContent-Length: 2", "ab"))
            #expect(client.answer()?.status == 200)
            client.send("GET /none HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.answer()?.status == 404)
            client.send("rubbish\r\n")
            #expect(client.answer()?.status == 400)
            #expect(eventually { lines.withLock { $0.count } == 3 })
        }
        let served = lines.withLock { $0 }
        #expect(served.map(\.status) == [200, 404, 400])
        #expect(served.map(\.method) == ["PUT", "GET", ""])
        #expect(served.map(\.target) == ["/any?a=%20", "/none", ""])
        #expect(served.map(\.client) == ["127.0.0.2", "127.0.0.2", "127.0.0.2"])
        #expect(served.map(\.refusal) == [nil, nil, "malformed_request"])
        #expect(served[0].id == "one")
        #expect(served[0].bytesIn == 2)
        #expect(served[0].bytesOut > 100)
        #expect(served[0].annotation as? String == "model")
        #expect(served.map(\.isAbandoned) == [false, false, false])
    }

    @Test func `accounts for an answer that its client did not wait for`() throws {
        let lines = Mutex<[Served]>([])
        let gate = Gate()
        try withServer(
            log: { served in lines.withLock { $0.append(served) } },
            handler: { request in
                gate.pass()
                return echo(request)
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            gate.await(1)
            client.reset()
            #expect(eventually { lines.withLock { $0.count } == 1 })
            gate.open()
        }
        let served = lines.withLock { $0 }
        #expect(served.map(\.isAbandoned) == [true])
    }

    @Test func `leases an answer until it is read, and refuses one that does not fit`() throws {
        let budget = MemoryBudget(limit: 100 << 20)
        try withServer(
            budget: budget,
            handler: { request in
                Response(body: [UInt8](repeating: 65, count: request.path == "/huge" ? 101 << 20 : 64 << 20))
            }
        ) { server in
            let (slow, other) = (try TestClient(port: server.port), try TestClient(port: server.port))
            slow.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(slow.head()?.status == 200)
            #expect(budget.used(for: .answers) > 32 << 20)
            other.send("GET /huge HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(other.answer()?.body.hasPrefix("memory_full: ") == true)
            slow.close()
            #expect(eventually { budget.used(for: .answers) == 0 })
        }
    }
}
