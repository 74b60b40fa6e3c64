import HTTP
import HTTPTypes
import Platform
import Testing

/// Bodies that are packed, on their way in and out.
@Suite struct ContentCodingTests {
    private static let text = Array(String(repeating: "0.25, ", count: 60_000).utf8)
    private static let limits = UnpackingLimits(maxBytes: 4 << 20, maxRatio: 100)

    private func packed(_ bytes: [UInt8], _ coding: ContentCoding, budget: MemoryBudget? = nil) -> Request {
        let lease = budget?.lease(bytes.count, for: .bodies)
        return Request(method: .post, path: "/", packed: PackedBody(bytes, coding), lease: lease)
    }

    private func unpacked(
        _ bytes: [UInt8],
        _ coding: ContentCoding = .gzip,
        _ limits: UnpackingLimits = limits,
        budget: MemoryBudget = MemoryBudget(limit: 64 << 20)
    ) throws -> [UInt8] {
        try packed(bytes, coding, budget: budget).unpacked(limits, from: budget) {}.body
    }

    // MARK: - In

    @Test func `gzip, several streams of it, zlib and bare deflate are unpacked`() throws {
        let noise = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        for bytes in [Self.text, noise, [7]] {
            let gzip = try #require(Deflater.deflate(bytes, .gzip))
            #expect(try unpacked(gzip) == bytes)
            #expect(try unpacked(gzip + gzip) == bytes + bytes)
            #expect(try unpacked(try #require(Deflater.deflate(bytes, .zlib)), .deflate) == bytes)
            #expect(try unpacked(try #require(Deflater.deflate(bytes, .raw)), .deflate) == bytes)
        }
    }

    @Test func `a bomb is refused at the limit, by its size or its ratio`() throws {
        let zeros = try #require(Deflater.deflate([UInt8](repeating: 0, count: 16 << 20), .gzip, level: 9))
        #expect(zeros.count < 20_000)
        let loose = UnpackingLimits(maxBytes: 4 << 20, maxRatio: 1032)
        let budget = MemoryBudget(limit: 64 << 20)
        #expect(throws: UnpackingFailure.tooLarge(limit: 4 << 20)) {
            try unpacked(zeros, .gzip, loose, budget: budget)
        }
        #expect(throws: UnpackingFailure.ratio(limit: 100)) { try unpacked(zeros, .gzip, budget: budget) }
        let tight = MemoryBudget(limit: 1 << 20)
        #expect(throws: UnpackingFailure.self) { try unpacked(zeros, .gzip, loose, budget: tight) }
        #expect(budget.used == 0 && tight.used == 0)
        // A small tensor of zeros is none.
        let small = [UInt8](repeating: 0, count: 1 << 20)
        #expect(try unpacked(try #require(Deflater.deflate(small, .gzip, level: 9))) == small)
    }

    @Test func `what is damaged, cut off or followed by something is refused`() throws {
        let gzip = try #require(Deflater.deflate(Self.text, .gzip))
        var damaged = gzip
        damaged[gzip.count / 2] ^= 0x55
        #expect(throws: UnpackingFailure.self) { try unpacked(damaged) }
        for count in [1, 5, 10, gzip.count / 2, gzip.count - 1] {
            #expect(throws: UnpackingFailure.truncated(.gzip)) { try unpacked(Array(gzip.prefix(count))) }
        }
        #expect(throws: UnpackingFailure.corrupt(.gzip)) { try unpacked(gzip + [0]) }
        #expect(throws: UnpackingFailure.corrupt(.gzip)) { try unpacked(Self.text) }
        #expect(throws: UnpackingFailure.self) { try unpacked(gzip, .deflate) }
    }

    @Test func `never traps on mutated streams, and keeps its limit`() throws {
        var random = SeededGenerator(state: 1951)
        let good = try #require(Deflater.deflate(Self.text, .gzip))
        let small = UnpackingLimits(maxBytes: 400_000, maxRatio: 1032)
        for _ in 0..<2000 {
            var bytes = good
            bytes.mutate(&random, with: [0, 0x1F, 0x8B, 8, 0xFF])
            guard let body = try? unpacked(bytes, .gzip, small) else { continue }
            #expect(body.count <= small.maxBytes)
        }
    }

    @Test func `what is unpacked is leased, and what it came of is let go`() throws {
        let gzip = try #require(Deflater.deflate(Self.text, .gzip))
        let budget = MemoryBudget(limit: 8 << 20)
        let request = packed(gzip, .gzip, budget: budget)
        #expect(budget.used == gzip.count)
        var plain: Request? = try request.unpacked(Self.limits, from: budget) {}
        #expect(plain?.packed == nil)
        #expect((Self.text.count...Self.text.count * 2).contains(budget.used))
        plain = nil
        #expect(budget.used == 0)
    }

    @Test func `who waits no longer ends the unpacking`() throws {
        let gzip = try #require(Deflater.deflate(Self.text, .gzip))
        var looks = 0
        #expect(throws: CancellationError.self) {
            _ = try packed(gzip, .gzip).unpacked(Self.limits, from: MemoryBudget(limit: 8 << 20)) {
                looks += 1
                if looks == 3 { throw CancellationError() }
            }
        }
    }

    @Test(arguments: [
        ("Content-Encoding: gzip", ContentCoding?.some(.gzip)), ("content-encoding:X-GZIP", .gzip),
        ("CONTENT-ENCODING: identity,\tdeflate", .deflate), ("Content-Encoding: identity", nil),
        ("A: b", nil),
        ("Content-Encodin: gzip", nil),
    ])
    func `a head says how its body is packed`(field: String, coding: ContentCoding?) {
        var bench = ConnectionStateTests.Bench()
        bench.receive("PUT / HTTP/1.1\r\nHost: h\r\n\(field)\r\nContent-Length: 3\r\n\r\nabc")
        let request = bench.ready().first?.request
        #expect(request?.packed?.coding == coding)
        #expect(request?.body == (coding == nil ? Array("abc".utf8) : []))
    }

    @Test(arguments: ["br", "gzip, gzip", "deflate, gzip", "zstd", "gzip;q=1", "\u{e9}"])
    func `another coding is 415 and says which are read`(coding: String) throws {
        try withServer { server in
            let client = try TestClient(port: server.port)
            client.send(
                "PUT / HTTP/1.1\r\nHost: h\r\nContent-Encoding: \(coding)\r\nContent-Length: 9\r\n\r\n"
            )
            let answer = client.answer()
            #expect(answer?.status == 415)
            #expect(answer?.fields["accept-encoding"] == "gzip, deflate, identity")
        }
    }

    // MARK: - Out

    private func answer(_ accepted: String?, type: String = "application/json", _ body: [UInt8] = text)
        -> (response: Response, request: Request)?
    {
        var bench = ConnectionStateTests.Bench()
        let field = accepted.map { "Accept-Encoding: \($0)\r\n" } ?? ""
        bench.receive(ConnectionStateTests.get("/", field))
        guard let request = bench.ready().first?.request else { return nil }
        var response = Response(fields: [.contentType: type], body: body)
        response.pack(for: request)
        return (response, request)
    }

    // swift-format-ignore
    @Test(arguments: [
        (String?.none, String?.none), ("", nil), ("gzip, deflate", "gzip"), ("deflate", "deflate"), ("br, zstd", nil), ("GZIP", "gzip"),
        ("x-gzip", "gzip"), ("*", "gzip"), ("gzip;q=0, *", "deflate"), ("gzip;q=0.2, deflate;q=0.8", "deflate"), ("gzip; q=0.5", "gzip"),
        ("identity, gzip;q=0.5", nil), ("identity;q=0.5, gzip", "gzip"), ("gzip;q=0", nil), ("*;q=0", nil), ("gzip;q=x", "gzip"),
    ])
    func `an answer is packed as the client takes it`(accepted: String?, coding: String?) throws {
        guard let (response, _) = answer(accepted) else {
            #expect(accepted == "*;q=0") // nothing is acceptable: refused before
            return
        }
        #expect(response.fields[.contentEncoding] == coding)
        #expect(response.fields[.vary] == "Accept-Encoding")
        guard let coding = ContentCoding(rawValue: coding ?? "") else {
            #expect(response.body == Self.text)
            return
        }
        #expect(response.body.count < Self.text.count / 10)
        #expect(try unpacked(response.body, coding, UnpackingLimits(maxBytes: 1 << 20, maxRatio: 1032)) == Self.text)
    }

    @Test func `every field that an answer varies by is told to caches, each once`() {
        var response = Response(fields: [.vary: "Accept"])
        for field in [HTTPField.Name.acceptEncoding, .accept, .origin, .acceptEncoding] {
            response.vary(by: field)
        }
        #expect(response.fields[.vary] == "Accept, Accept-Encoding, Origin")
        var other = Response()
        other.vary(by: .origin)
        #expect(other.fields[.vary] == "Origin")
    }

    @Test func `what is no text, a stream of events and what would not shrink go as they are`() throws {
        for type in ["image/png", "application/octet-stream", "text/event-stream"] {
            #expect(answer("gzip", type: type)?.response.fields[.contentEncoding] == nil)
        }
        #expect(answer("gzip", type: "text/csv; charset=utf-8")?.response.fields[.contentEncoding] == "gzip")
        #expect(answer("gzip", [1, 2, 3])?.response.body == [1, 2, 3])
        #expect(answer("gzip", [])?.response.fields[.contentEncoding] == nil)
    }

    @Test func `a client that refuses answers as they are gets all of them packed, or 406`() throws {
        let (response, request) = try #require(answer("identity;q=0, gzip", type: "image/png", [1, 2, 3]))
        #expect(request.refusesIdentity)
        #expect(response.fields[.contentEncoding] == "gzip")
        #expect(try unpacked(response.body) == [1, 2, 3])
        try withServer { server in
            for accepted in ["identity;q=0", "*;q=0, br", "br, identity;q=0.000"] {
                let client = try TestClient(port: server.port)
                client.send("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: \(accepted)\r\n\r\n")
                #expect(client.answer()?.status == 406)
            }
        }
    }

    @Test(arguments: [
        ("Accept: */*", String?.none), ("Accept:*/*", nil), ("accept: text/csv", "text/csv"),
        ("Accepts: a/b", nil),
        ("Accept: a/b, */*", "a/b, */*"),
    ])
    func `a request says what it accepts when that is not everything`(field: String, accept: String?) {
        var bench = ConnectionStateTests.Bench()
        bench.receive(ConnectionStateTests.get("/", "\(field)\r\n"))
        #expect(bench.ready().first?.request.accept == accept)
    }
}
