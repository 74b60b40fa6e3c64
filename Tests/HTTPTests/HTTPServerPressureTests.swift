import Foundation
import HTTP
import HTTPTypes
import Platform
import Testing

/// Slow, hostile, too many and gone.
@Suite struct HTTPServerPressureTests {
    static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test func `tells a slow head 408, visibly`() throws {
        try withServer({ $0.headTimeout = .milliseconds(50) }) { server in
            let client = try TestClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost:")
            let answer = client.answer()
            #expect(answer?.status == 408)
            #expect(answer?.fields["connection"] == "close")
            #expect(client.ends())
        }
    }

    @Test func `tells a slow body 408`() throws {
        try withServer({ $0.bodyGrace = .milliseconds(50) }) { server in
            let client = try TestClient(port: server.port)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc")
            #expect(client.answer()?.status == 408)
            #expect(client.ends())
        }
    }

    @Test func `closes idle connections silently`() throws {
        try withServer({
            $0.headTimeout = .milliseconds(50)
            $0.idleTimeout = .milliseconds(50)
        }) { server in
            let fresh = try TestClient(port: server.port)
            let used = try TestClient(port: server.port)
            used.send(Self.get)
            #expect(used.answer()?.status == 200)
            #expect(fresh.ends())
            #expect(used.ends())
            #expect(server.statistics.refusals.isEmpty)
        }
    }

    @Test func `drops a client that does not read its answer`() throws {
        try withServer(
            { $0.writeTimeout = .milliseconds(50) },
            handler: { _ in Response(body: [UInt8](repeating: 1, count: 64 << 20)) }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get)
            #expect(
                eventually {
                    server.statistics.receivedRequests == 1 && server.statistics.openConnections == 0
                }
            )
        }
    }

    @Test(arguments: [1, 3])
    func `says 503 to connections over the limit`(loops: Int) throws {
        let gate = Gate()
        try withServer(
            {
                $0.maxConnections = 2
                $0.loops = loops
            },
            handler: { request in
                gate.pass()
                return echo(request)
            }
        ) { server in
            let clients = [try TestClient(port: server.port), try TestClient(port: server.port)]
            for client in clients { client.send(Self.get) }
            gate.await(2)
            let third = try TestClient(port: server.port)
            third.send(Self.get)
            let answer = third.answer()
            #expect(answer?.status == 503)
            #expect(answer?.body.hasPrefix("connections_full: ") == true)
            #expect(third.ends())
            gate.open()
            for client in clients { #expect(client.answer()?.status == 200) }
        }
    }

    @Test func `closes the longest idle connection for a newcomer`() throws {
        try withServer({ $0.maxConnections = 2 }) { server in
            let clients = [try TestClient(port: server.port), try TestClient(port: server.port)]
            for client in clients {
                client.send(Self.get)
                #expect(client.answer()?.status == 200)
            }
            #expect(try answersOnce(server))
            #expect(clients[0].ends())
            clients[1].send(Self.get)
            #expect(clients[1].answer()?.status == 200)
            #expect(server.statistics.closedForRoom == 1)
            #expect(server.statistics.refusals.isEmpty)
        }
    }

    @Test func `has the connections of all loops give way, and counts them together`() throws {
        try withServer({
            $0.maxConnections = 3
            $0.loops = 3
        }) { server in
            var clients: [TestClient] = []
            for _ in 0..<3 {
                let client = try TestClient(port: server.port)
                client.send(Self.get)
                #expect(client.answer()?.status == 200)
                clients.append(client)
            }
            // Wherever each newcomer is taken, somebody idle is found.
            for _ in 0..<6 { #expect(try answersOnce(server)) }
            #expect(server.turns.count == 3)
            #expect(server.statistics.openConnections <= 3)
            #expect(server.statistics.refusals.isEmpty)
            #expect(server.statistics.closedForRoom >= 1)
        }
    }

    @Test(arguments: [1, 3])
    func `leaves room for others beside a crowd of unfinished requests`(loops: Int) throws {
        try withServer({
            $0.maxConnections = 20
            $0.loops = loops
            $0.maxConnectionsPerAddress = 10
        }) { server in
            var crowd: [TestClient] = []
            for _ in 0..<100 {
                let client = try TestClient(port: server.port)
                client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
                crowd.append(client)
            }
            let other = try TestClient(port: server.port, from: 0x7F00_0002)
            other.send(Self.get)
            #expect(other.answer()?.status == 200)
            #expect((server.statistics.refusals["connections_full"] ?? 0) > 0)
        }
    }

    @Test func `has the slowest body give way when bodies fill the memory`() throws {
        let budget = MemoryBudget(limit: 1_000_000)
        try withServer(budget: budget) { server in
            let (holder, client) = (try TestClient(port: server.port), try TestClient(port: server.port))
            holder.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900001\r\n\r\n")
            holder.send([UInt8](repeating: 65, count: 900_000))
            #expect(eventually { server.statistics.bufferedBytes == 900_000 })
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
            client.send([UInt8](repeating: 65, count: 300_000))
            #expect(client.answer()?.status == 200)
            #expect(holder.answer()?.body.hasPrefix("memory_full: ") == true)
            #expect(holder.ends())
            #expect(eventually { server.statistics.bufferedBytes == 0 })
        }
    }

    @Test func `says 503 when nothing unfinished can give way`() throws {
        let gate = Gate()
        try withServer(
            budget: MemoryBudget(limit: 1_000_000),
            handler: { request in
                if request.path == "/hold" { gate.pass() }
                return Response()
            }
        ) { server in
            let (holder, client) = (try TestClient(port: server.port), try TestClient(port: server.port))
            holder.send("POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n")
            holder.send([UInt8](repeating: 65, count: 900_000))
            gate.await(1)
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
            client.send([UInt8](repeating: 65, count: 300_000))
            #expect(client.answer()?.body.hasPrefix("memory_full: ") == true)
            gate.open()
            #expect(holder.answer()?.status == 200)
            #expect(eventually { server.statistics.bufferedBytes == 0 })
        }
    }

    @Test(arguments: [true, false])
    func `cancels the request of a client that has gone`(isReset: Bool) throws {
        let gate = Gate()
        let cancelled = Gate()
        try withServer(
            { $0.probeDelay = .milliseconds(20) },
            handler: { request in
                gate.pass()
                while !request.cancellation.isCancelled, request.received.duration(to: .now) < .seconds(60) {}
                if request.cancellation.isCancelled { cancelled.open() }
                return Response()
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get)
            gate.await(1)
            if isReset { client.reset() } else { client.close() }
            gate.open()
            cancelled.pass()
            #expect(eventually { server.statistics.openConnections == 0 })
            #expect(server.statistics.abandonedRequests == 1)
        }
    }

    @Test(arguments: [1, 3])
    func `survives clients that leave at every point, and returns every descriptor`(loops: Int) throws {
        let text = Array(
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".utf8
        )
        try withServer({ $0.loops = loops }) { server in
            let before = Self.descriptors()
            for i in 0..<600 {
                let client = try TestClient(port: server.port)
                client.send(Array(text[..<(i % (text.count + 1))]))
                switch i % 3 {
                case 0: client.reset()
                case 1: client.close()
                default:
                    client.halfClose()
                    _ = client.answer()
                }
            }
            #expect(try answersOnce(server))
            #expect(eventually { server.statistics.openConnections == 0 })
            // Other suites open descriptors at the same time; a leak here would be hundreds.
            #expect(eventually { Self.descriptors() < before + 100 })
            #expect(server.statistics.bufferedBytes == 0)
        }
    }

    @Test(arguments: [1, 3])
    func `answers rubbish with 400 and everybody else as before`(loops: Int) throws {
        try withServer({ $0.loops = loops }) { server in
            var random = SeededGenerator(state: 42)
            let good = try TestClient(port: server.port)
            for _ in 0..<50 {
                let client = try TestClient(port: server.port)
                client.send([10] + (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) })
                #expect(client.answer()?.status == 400)
                good.send(Self.get)
                #expect(good.answer()?.status == 200)
            }
        }
    }

    @Test(arguments: [1, 3])
    func `drains: finishes what has begun, refuses what is new`(loops: Int) throws {
        let gate = Gate()
        try withServer(
            { $0.loops = loops },
            handler: { request in
                gate.pass()
                return echo(request)
            }
        ) { server in
            let port = server.port
            let (busy, idle) = (try TestClient(port: port), try TestClient(port: port))
            busy.send(Self.get)
            gate.await(1)
            let drain = try Thread(name: "drain") { server.drain(deadline: .seconds(60)) }
            #expect(idle.ends())
            #expect(eventually { (try? TestClient(port: port)) == nil })
            gate.open()
            let answer = busy.answer()
            #expect(answer?.status == 200)
            #expect(answer?.fields["connection"] == "close")
            busy.close()
            drain.join()
            #expect(server.statistics.openConnections == 0)
            #expect(server.statistics.activeRequests == 0)
        }
    }

    @Test(arguments: [1, 3])
    func `goes on as before while the grace of a drain lasts`(loops: Int) throws {
        try withServer({ $0.loops = loops }) { server in
            let port = server.port
            let old = try TestClient(port: port)
            let drain = try Thread(name: "drain") {
                server.drain(deadline: .seconds(60), grace: .milliseconds(300))
            }
            // What comes now, on new connections too, is served or, once the grace is over, refused; never cut off.
            var served = 0
            while let client = try? TestClient(port: port) {
                client.send(Self.get)
                guard let answer = client.answer() else { break }
                #expect(answer.status == 200)
                served += 1
            }
            #expect(served > 0)
            #expect(old.ends())
            drain.join()
            #expect(server.statistics.openConnections == 0)
        }
    }

    @Test(arguments: [1, 3])
    func `cancels what a drain cannot wait for`(loops: Int) throws {
        let gate = Gate()
        try withServer(
            { $0.loops = loops },
            handler: { request in
                gate.pass()
                while !request.cancellation.isCancelled, request.received.duration(to: .now) < .seconds(60) {}
                return Response()
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get)
            gate.await(1)
            gate.open()
            server.drain(deadline: .milliseconds(20))
            #expect(client.answer() == nil)
            #expect(server.statistics.abandonedRequests == 1)
        }
    }

    private func answersOnce(_ server: HTTPServer) throws -> Bool {
        let client = try TestClient(port: server.port)
        client.send(Self.get)
        return client.answer()?.status == 200
    }

    private static func descriptors() -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
    }
}
