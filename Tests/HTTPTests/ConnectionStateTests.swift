import HTTP
import HTTPTypes
import Platform
import Testing

/// One connection's protocol, driven by numbers instead of sockets and clocks.
@Suite struct ConnectionStateTests {
    /// A connection at a clock of its own.
    struct Bench {
        var state: ConnectionState
        let start = ContinuousClock.Instant.now
        var elapsed: Duration = .zero
        let budget = MemoryBudget(limit: 512 << 20)

        init(_ configure: (inout HTTPServerConfiguration) -> Void = { _ in }) {
            var configuration = HTTPServerConfiguration()
            configure(&configuration)
            let rules = ConnectionRules(
                configuration: configuration,
                budget: budget,
                renderError: { status, code, _ in Response(status: status, body: Array(code.utf8)) },
                firstID: 1
            )
            state = ConnectionState(rules: rules, at: Moment(now: start, date: "D"))
        }

        var moment: Moment { Moment(now: start + elapsed, date: "D") }

        mutating func receive(_ text: String) { state.receive(Array(text.utf8).span, at: moment) }

        mutating func ready() -> [(sequence: Int, request: Request)] { state.takeReady() }

        mutating func answer(_ sequence: Int, _ body: String, fields: HTTPFields = [:]) {
            state.answer(sequence, with: Response(fields: fields, body: Array(body.utf8)), at: moment)
        }

        /// Takes all that waits to be written.
        mutating func sent() -> String {
            var text = ""
            while state.wantsWrite {
                let bytes = state.outbound.first[state.outbound.firstOffset...]
                text += String(decoding: bytes, as: UTF8.self)
                state.sent(bytes.count, at: moment)
            }
            return text
        }

        /// How long until something is due, from the beginning.
        var deadline: Duration? { state.deadline.map { start.duration(to: $0) } }

        mutating func expire(after elapsed: Duration) {
            self.elapsed = elapsed
            state.expire(at: moment)
        }
    }

    static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n"
    }

    @Test func `answers pipelined requests in their order`() {
        var bench = Bench()
        bench.receive(Self.get("/1") + Self.get("/2") + Self.get("/3"))
        #expect(bench.ready().map(\.request.path) == ["/1", "/2", "/3"])
        bench.answer(3, "three")
        bench.answer(2, "two")
        #expect(!bench.state.wantsWrite)
        bench.answer(1, "one")
        let text = bench.sent()
        #expect(
            text.split(separator: "\r\n\r\n").map { $0.prefix(5) } == ["HTTP/", "oneHT", "twoHT", "three"]
        )
        #expect(bench.state.phase == .reading)
    }

    @Test func `pauses reading when enough requests are pending and goes on later`() {
        var bench = Bench { $0.maxPipelinedRequests = 2 }
        bench.receive((1...5).map { Self.get("/\($0)") }.joined())
        #expect(bench.ready().map(\.request.path) == ["/1", "/2"])
        #expect(!bench.state.wantsRead)
        bench.answer(1, "")
        #expect(bench.ready().map(\.request.path) == ["/3"])
        #expect(!bench.state.wantsRead)
        bench.answer(2, "")
        bench.answer(3, "")
        #expect(bench.ready().map(\.request.path) == ["/4", "/5"])
        bench.answer(4, "")
        #expect(bench.state.wantsRead)
        #expect(bench.ready().isEmpty)
    }

    @Test func `answers what was pipelined before a half-close, then closes`() {
        var bench = Bench { $0.maxPipelinedRequests = 1 }
        bench.receive(Self.get("/1") + Self.get("/2"))
        bench.state.receiveEnd(at: bench.moment)
        let cancellation = bench.ready()[0].request.cancellation
        #expect(!bench.state.wantsRead)
        bench.answer(1, "one")
        #expect(bench.ready().map(\.request.path) == ["/2"])
        bench.answer(2, "two")
        #expect(bench.sent().contains("Connection: close"))
        #expect(bench.state.phase == .closed)
        #expect(!cancellation.isCancelled)
    }

    @Test func `cancels what is pending when the client has gone`() {
        var bench = Bench()
        bench.receive(Self.get("/1"))
        let request = bench.ready()[0].request
        bench.state.close(at: bench.moment)
        #expect(request.cancellation.isCancelled)
        bench.answer(1, "late")
        #expect(!bench.state.wantsWrite)
    }

    @Test func `checks with an interim answer whether a half-closed client is still there`() {
        var bench = Bench()
        bench.receive(Self.get("/slow"))
        #expect(bench.deadline == nil)
        bench.state.receiveEnd(at: bench.moment)
        #expect(bench.deadline == .milliseconds(500))
        bench.expire(after: .milliseconds(500))
        #expect(bench.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(bench.deadline == .milliseconds(6000))
        bench.answer(1, "done")
        #expect(bench.sent().hasSuffix("done"))
        #expect(bench.state.phase == .closed)
    }

    @Test func `sends no interim answer to HTTP/1.0`() {
        var bench = Bench()
        bench.receive("GET / HTTP/1.0\r\n\r\n")
        bench.state.receiveEnd(at: bench.moment)
        #expect(bench.deadline == nil)
    }

    @Test func `asks for an expected body at once, but after the answers before it`() {
        var bench = Bench()
        let put = "PUT /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        bench.receive(put)
        #expect(bench.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        bench.receive("ab" + Self.get("/next") + put)
        #expect(bench.ready().map(\.request.path) == ["/b", "/next"])
        #expect(bench.deadline == nil)
        bench.answer(1, "one")
        #expect(bench.sent().hasSuffix("one"))
        bench.answer(2, "two")
        #expect(bench.sent().hasSuffix("two" + "HTTP/1.1 100 Continue\r\n\r\n"))
        bench.receive("cd")
        #expect(bench.ready().map { String(decoding: $0.request.body, as: UTF8.self) } == ["cd"])
    }

    @Test func `does not ask for a body that is there or refused`() {
        var bench = Bench { $0.maxBodyBytes = 10 }
        bench.receive("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\na")
        #expect(!bench.state.wantsWrite)
        bench.receive("bPUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
        bench.answer(1, "one")
        let text = bench.sent()
        #expect(!text.contains("100 Continue"))
        #expect(text.contains("HTTP/1.1 413 "))
    }

    @Test func `refuses after the answers before, lingers, and closes with the client`() {
        var bench = Bench()
        bench.receive(Self.get("/1") + "rubbish\r\n" + "more rubbish")
        bench.receive("and more")
        #expect(bench.state.wantsRead)
        bench.answer(1, "one")
        let text = bench.sent()
        #expect(text.contains("one" + "HTTP/1.1 400 Bad Request\r\n"))
        #expect(text.contains("Connection: close"))
        #expect(bench.state.phase == .lingering)
        bench.receive("still more")
        #expect(bench.state.phase == .lingering)
        bench.state.receiveEnd(at: bench.moment)
        #expect(bench.state.phase == .closed)
    }

    @Test func `lingers for a bounded time and a bounded amount`() {
        var bench = Bench { $0.maxLingerBytes = 10 }
        bench.receive("\n")
        _ = bench.sent()
        #expect(bench.deadline == .seconds(5))
        var other = bench
        bench.expire(after: .seconds(5))
        #expect(bench.state.phase == .closed)
        other.receive("0123456789")
        #expect(other.state.phase == .lingering)
        other.receive("x")
        #expect(other.state.phase == .closed)
    }

    @Test func `gives a whole head its time, not each of its bytes`() {
        var bench = Bench()
        #expect(bench.deadline == .seconds(10))
        bench.elapsed = .seconds(4)
        bench.receive("GET / HT")
        bench.elapsed = .seconds(9)
        bench.receive("TP/1.1\r\n")
        #expect(bench.deadline == .seconds(14))
        bench.expire(after: .seconds(13))
        #expect(!bench.state.wantsWrite)
        bench.expire(after: .seconds(14))
        #expect(bench.sent().hasPrefix("HTTP/1.1 408 "))
        #expect(bench.state.phase == .lingering)
    }

    @Test func `asks a body for its minimum rate and for no long pause`() {
        var bench = Bench()
        bench.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
        #expect(bench.deadline == .seconds(10))
        bench.elapsed = .seconds(9)
        bench.receive(String(repeating: "x", count: 8192))
        #expect(bench.deadline == .seconds(11))
        bench.receive(String(repeating: "x", count: 819_200))
        #expect(bench.deadline == .seconds(19))
        bench.expire(after: .seconds(19))
        #expect(bench.sent().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `gives a body that came fast no more credit than twice its grace`() {
        var bench = Bench()
        bench.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n")
        // Bytes for a thousand seconds at the minimum rate, all in the first moment.
        bench.receive(String(repeating: "x", count: 8_192_000))
        // From here on it arrives a byte at a time, often enough to be no pause.
        for seconds in [9, 18] {
            bench.elapsed = .seconds(seconds)
            bench.receive("x")
            #expect(bench.state.phase != .lingering)
        }
        #expect(bench.deadline.map { $0 > .seconds(18) && $0 <= .milliseconds(20_001) } == true)
        bench.expire(after: .seconds(21))
        #expect(bench.sent().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `closes idle connections without a word`() {
        var bench = Bench()
        bench.receive(Self.get("/"))
        bench.elapsed = .seconds(5)
        bench.answer(1, "x")
        _ = bench.sent()
        #expect(bench.deadline == .seconds(80))
        bench.expire(after: .seconds(80))
        #expect(!bench.state.wantsWrite)
        #expect(bench.state.phase == .closed)
    }

    @Test func `drops a client that takes nothing of its answer`() {
        var bench = Bench()
        bench.receive(Self.get("/"))
        bench.answer(1, String(repeating: "x", count: 100_000))
        #expect(bench.deadline == .seconds(30))
        bench.elapsed = .seconds(29)
        bench.state.sent(1000, at: bench.moment)
        #expect(bench.deadline == .seconds(59))
        bench.expire(after: .seconds(59))
        #expect(bench.state.phase == .closed)
        #expect(bench.state.leavesUnsent)
    }

    @Test func `counts the bytes of a body while it arrives`() {
        var bench = Bench()
        bench.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234")
        #expect(bench.state.bufferedBytes == 5)
        bench.receive("56789")
        #expect(bench.state.bufferedBytes == 0)
    }

    @Test func `reads no pipelined request while its answers are not taken`() {
        var bench = Bench()
        bench.receive(String(repeating: Self.get("/"), count: 20))
        for sequence in 1...20 { bench.answer(sequence, String(repeating: "x", count: 400_000)) }
        #expect(bench.state.outbound.count < 2_000_000 + 400_000 * 8)
        #expect(!bench.state.wantsRead)
    }

    @Test func `closes when the client, the handler or the limit wants it`() {
        for fields in ["Connection: close\r\n", ""] {
            var bench = Bench { if fields.isEmpty { $0.maxRequestsPerConnection = 1 } }
            bench.receive(Self.get("/", fields) + Self.get("/never"))
            #expect(bench.ready().count == 1)
            bench.answer(1, "x")
            #expect(bench.sent().contains("Connection: close"))
            #expect(bench.state.phase == .lingering)
        }
        var bench = Bench()
        bench.receive(Self.get("/") + Self.get("/behind"))
        let ready = bench.ready()
        bench.answer(1, "x", fields: [.connection: "close"])
        #expect(bench.sent().contains("Connection: close"))
        #expect(bench.state.phase == .lingering)
        #expect(ready[1].request.cancellation.isCancelled)
    }

    @Test func `drains: idle closes, begun is finished, then closes`() {
        var idle = Bench()
        idle.elapsed = .seconds(1)
        idle.state.drain(at: idle.moment)
        #expect(idle.state.phase == .closed)

        // The first request of a new connection may be on its way.
        var new = Bench()
        new.elapsed = .milliseconds(100)
        new.state.drain(at: new.moment)
        #expect(new.deadline == .milliseconds(500))
        var late = new
        new.receive(Self.get("/"))
        #expect(new.ready().count == 1)
        new.answer(1, "x")
        #expect(new.sent().contains("Connection: close"))
        late.expire(after: .milliseconds(500))
        #expect(late.state.phase == .closed)
        #expect(!late.state.wantsWrite)

        var pending = Bench()
        pending.receive(Self.get("/"))
        pending.state.drain(at: pending.moment)
        pending.answer(1, "x")
        #expect(pending.sent().contains("Connection: close"))
        #expect(pending.state.phase == .lingering)

        var arriving = Bench()
        arriving.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na")
        arriving.state.drain(at: arriving.moment)
        arriving.receive("b" + Self.get("/never"))
        #expect(arriving.ready().count == 1)
        arriving.answer(1, "x")
        #expect(arriving.sent().contains("Connection: close"))
    }

    @Test func `tells a half-closed client that its request is incomplete`() {
        for text in ["GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na"] {
            var bench = Bench()
            bench.receive(text)
            bench.state.receiveEnd(at: bench.moment)
            #expect(bench.sent().hasPrefix("HTTP/1.1 400 "))
            #expect(bench.state.phase == .closed)
        }
    }

    @Test(arguments: ["abc-123", String(repeating: "x", count: 128)])
    func `keeps the client's name of a request`(id: String) {
        var bench = Bench()
        bench.receive(Self.get("/", "X-Request-Id: \(id)\r\n"))
        #expect(bench.ready()[0].request.id == id)
        bench.answer(1, "")
        #expect(bench.sent().contains("\r\nX-Request-Id: \(id)\r\n"))
    }

    @Test(arguments: ["", "a b", "né", String(repeating: "x", count: 129)])
    func `names a request that has no good name`(id: String) {
        var bench = Bench()
        bench.receive(Self.get("/", "X-Request-Id: \(id)\r\n") + Self.get("/"))
        let ids = bench.ready().map(\.request.id)
        #expect(ids[0] != ids[1])
        for id in ids { #expect(id.count == 16 && id.allSatisfy(\.isHexDigit)) }
    }

    @Test func `takes no more of a stream than may wait to be written`() async throws {
        var bench = Bench()
        bench.receive(Self.get("/") + Self.get("/behind"))
        let channel = BodyChannel(capacity: 1 << 20) {}
        bench.state.answer(1, with: Response(), channel, at: bench.moment)
        bench.answer(2, "behind")
        #expect(bench.sent().hasSuffix("\r\n\r\n"))
        try await channel.write([UInt8](repeating: 65, count: 200_000))
        channel.finish(.complete)
        bench.state.bodyArrived(at: bench.moment)
        #expect(bench.state.outbound.count < 66_000)
        let text = bench.sent()
        #expect(text.count { $0 == "A" } == 200_000)
        #expect(text.hasPrefix("10000\r\nA"))
        #expect(text.contains("A\r\n0\r\n\r\nHTTP/1.1 200 OK"))
        #expect(text.hasSuffix("behind"))
    }

    @Test func `runs no timer while a stream has nothing to say, and drops a client that does not read`()
        async throws
    {
        var bench = Bench()
        bench.receive(Self.get("/"))
        let channel = BodyChannel() {}
        bench.state.answer(1, with: Response(), channel, at: bench.moment)
        _ = bench.sent()
        #expect(bench.deadline == nil)
        bench.elapsed = .seconds(100)
        try await channel.write([65])
        bench.state.bodyArrived(at: bench.moment)
        #expect(bench.deadline == .seconds(130))
        let request = bench.ready()[0].request
        bench.expire(after: .seconds(130))
        #expect(bench.state.phase == .closed)
        #expect(request.cancellation.isCancelled)
        await #expect(throws: BodyChannel.Failure.timeout) { try await channel.write([66]) }
    }

    @Test func `ends a stream whose connection has gone before it began`() async {
        var bench = Bench()
        bench.receive(Self.get("/"))
        bench.state.close(at: bench.moment)
        let channel = BodyChannel() {}
        bench.state.answer(1, with: Response(), channel, at: bench.moment)
        await #expect(throws: BodyChannel.Failure.clientGone) { try await channel.write([66]) }
    }
}
