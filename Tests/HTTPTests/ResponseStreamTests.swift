import HTTP
import HTTPTypes
import Platform
import Synchronization
import Testing

/// Bodies that are sent while they are made, over real sockets.
@Suite struct ResponseStreamTests {
    static func get(_ path: String = "/", version: String = "1.1") -> String {
        "GET \(path) HTTP/\(version)\r\nHost: h\r\n\r\n"
    }

    private struct Broken: Error {}

    @Test func `sends each piece when it is made`() throws {
        let gate = Gate()
        try withServer(
            responding: streaming(fields: [.contentType: "text/event-stream"]) { _ in
                { channel in
                    try await channel.write(Array("one".utf8))
                    gate.pass()
                    try await channel.write(Array("twenty-two bytes long.".utf8))
                }
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get())
            let head = try #require(client.head())
            #expect(head.status == 200)
            #expect(head.fields["transfer-encoding"] == "chunked")
            #expect(head.fields["content-length"] == nil)
            #expect(head.fields["connection"] == nil)
            #expect(client.chunk() == "one")
            gate.open()
            #expect(client.chunk() == "twenty-two bytes long.")
            #expect(client.chunk() == "")
            client.send(Self.get()) // the connection can be used again
            #expect(client.head()?.status == 200)
            #expect(server.statistics.acceptedConnections == 1)
        }
    }

    @Test func `ends the connection where HTTP/1.0 cannot know the end otherwise`() throws {
        try withServer(responding: streaming { _ in { try await $0.write(Array("all of it".utf8)) } }) {
            server in
            let client = try TestClient(port: server.port)
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let head = try #require(client.head())
            #expect(head.fields["transfer-encoding"] == nil)
            #expect(head.fields["content-length"] == nil)
            #expect(head.fields["connection"] == "close")
            #expect(client.rest() == "all of it")
        }
    }

    @Test func `tells who makes a body for HEAD that nobody reads it`() throws {
        let failures = Mutex<[BodyChannel.Failure]>([])
        try withServer(
            responding: streaming { _ in
                { channel in
                    try await Self.writeEndlessly(to: channel) { error in
                        failures.withLock { $0.append(error) }
                    }
                }
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
            for _ in 0..<2 {
                #expect(client.answer(isHead: true)?.fields["transfer-encoding"] == "chunked")
            }
            #expect(eventually { failures.withLock { $0 } == [.clientGone, .clientGone] })
        }
    }

    @Test func `keeps pipelined answers behind a stream`() throws {
        let gate = Gate()
        try withServer(
            responding: streaming { request in
                guard request.path == "/stream" else { return nil }
                return { channel in
                    try await channel.write(Array("begin".utf8))
                    gate.pass()
                    try await channel.write(Array("end".utf8))
                }
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get("/stream") + Self.get("/behind") + Self.get("/stream") + Self.get("/last"))
            #expect(client.head()?.status == 200)
            #expect(client.chunk() == "begin")
            gate.open()
            #expect(client.chunk() == "end")
            #expect(client.chunk() == "")
            #expect(client.answer()?.body == "GET /behind ")
            #expect(client.head()?.status == 200)
            var second = ""
            while let chunk = client.chunk(), !chunk.isEmpty { second += chunk }
            #expect(second == "beginend")
            #expect(client.answer()?.body == "GET /last ")
        }
    }

    @Test func `cuts the body off when its maker fails`() throws {
        try withServer(
            responding: streaming { _ in
                { channel in
                    try await channel.write(Array("part".utf8))
                    throw Broken()
                }
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get() + Self.get("/never"))
            #expect(client.head()?.status == 200)
            #expect(client.chunk() == "part")
            #expect(client.chunk() == nil)
            #expect(client.ends())
        }
    }

    @Test func `makes a slow reader's stream wait, and nobody else`() throws {
        let written = Mutex(0)
        let failure = Mutex<BodyChannel.Failure?>(nil)
        try withServer(
            { $0.writeTimeout = .milliseconds(300) },
            responding: streaming { request in
                guard request.path == "/flood" else { return nil }
                return { channel in
                    let piece = [UInt8](repeating: 65, count: 1 << 20)
                    do throws(BodyChannel.Failure) {
                        for _ in 0..<1024 {
                            try await channel.write(piece)
                            written.withLock { $0 += piece.count }
                        }
                    } catch {
                        failure.withLock { $0 = error }
                        throw error
                    }
                }
            }
        ) { server in
            let (slow, other) = (try TestClient(port: server.port), try TestClient(port: server.port))
            slow.send(Self.get("/flood"))
            #expect(slow.head()?.status == 200)
            for i in 0..<20 {
                other.send(Self.get("/\(i)"))
                #expect(other.answer()?.body == "GET /\(i) ")
            }
            #expect(eventually { failure.withLock { $0 } != nil })
            // What the kernel's buffers take, and what waits here; not the whole gigabyte.
            #expect(written.withLock { $0 } < 64 << 20)
        }
    }

    @Test(arguments: [true, false])
    func `tells the writer that the client has left`(isReset: Bool) throws {
        let failure = Mutex<BodyChannel.Failure?>(nil)
        let wasCancelled = Mutex(false)
        try withServer(
            responding: streaming { request in
                { channel in
                    try await Self.writeEndlessly(to: channel) { error in
                        wasCancelled.withLock { $0 = request.cancellation.isCancelled }
                        failure.withLock { $0 = error }
                    }
                }
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get())
            #expect(client.head()?.status == 200)
            _ = client.chunk()
            if isReset { client.reset() } else { client.close() }
            #expect(eventually { failure.withLock { $0 } == .clientGone })
            #expect(wasCancelled.withLock { $0 })
            #expect(eventually { server.statistics.activeRequests == 0 })
            #expect(server.statistics.abandonedRequests == 1)
        }
    }

    @Test func `drains: a stream comes to its end, and then its connection`() throws {
        let gate = Gate()
        try withServer(
            responding: streaming { _ in
                { channel in
                    try await channel.write(Array("one".utf8))
                    gate.pass()
                    try await channel.write(Array("two".utf8))
                }
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get())
            #expect(client.head()?.status == 200)
            #expect(client.chunk() == "one")
            let drain = try Thread(name: "drain") { server.drain(deadline: .seconds(60)) }
            #expect(eventually { (try? TestClient(port: server.port)) == nil })
            gate.open()
            #expect(client.chunk() == "two")
            #expect(client.chunk() == "")
            #expect(client.ends())
            client.close()
            drain.join()
        }
    }

    @Test func `ends a stream that a drain cannot wait for`() throws {
        let failure = Mutex<BodyChannel.Failure?>(nil)
        try withServer(
            responding: streaming { _ in
                { channel in
                    try await Self.writeEndlessly(to: channel) { error in failure.withLock { $0 = error } }
                }
            }
        ) { server in
            let client = try TestClient(port: server.port)
            client.send(Self.get())
            #expect(client.head()?.status == 200)
            server.drain(deadline: .milliseconds(20))
            #expect(eventually { failure.withLock { $0 } == .clientGone })
        }
    }

    /// Writes until that fails, and tells why before the body ends with it.
    private static func writeEndlessly(
        to channel: BodyChannel,
        failed: @Sendable (BodyChannel.Failure) -> Void
    ) async throws(BodyChannel.Failure) {
        do throws(BodyChannel.Failure) {
            while true { try await channel.write(Array("token ".utf8)) }
        } catch {
            failed(error)
            throw error
        }
    }
}
