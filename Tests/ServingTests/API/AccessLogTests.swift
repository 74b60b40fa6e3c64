import API
import HTTP
import Logging
import Support
import Synchronization
import Testing

struct AccessLogTests {
    /// Lines as they would be written.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock(\.self) }

        func logger(_ format: LineLogHandler.Format = .logfmt, hasPriorities: Bool = false) -> Logger {
            var logger = Logger(label: "test") { [self] _ in
                LineLogHandler(format, hasPriorities: hasPriorities) { line in
                    self.lines.withLock { $0.append(line) }
                }
            }
            logger.logLevel = .trace
            return logger
        }
    }

    private let lines = Lines()

    private func served(_ status: Int, target: String = "/livez") -> Served {
        let now = ContinuousClock.now
        var served = Served(
            id: "i",
            client: "127.0.0.1",
            method: "GET",
            target: target,
            bytesIn: 7,
            headReceived: now,
            received: now,
            written: now + .milliseconds(3)
        )
        served.status = status
        served.bytesOut = 11
        served.answered = now + .milliseconds(2)
        return served
    }

    /// A line without its time.
    private func fields(_ line: String) -> String {
        String(line.drop { $0 != " " }.dropFirst())
    }

    @Test func `says who asked for what, what came of it, and what that took`() throws {
        var request = served(200, target: "/v1/models/m:classify?top_k=1")
        var values = RequestRecord().values
        values.model = "m"
        values.version = "2"
        values.decode = .milliseconds(4)
        values.batchSize = 8
        request.annotation = values
        AccessLog(lines.logger(), rate: 10).write(request)
        #expect(
            lines.all.map(fields) == [
                "level=info message=request batch_size=8 bytes_in=7 bytes_out=11 client=127.0.0.1 decode_ms=4.0 id=i "
                    + #"method=GET model=m path="/v1/models/m:classify?top_k=1" status=200 total_ms=2.0 version=2"#
            ]
        )
    }

    @Test func `names the trace that a request belongs to`() throws {
        var request = served(200)
        var values = RequestRecord().values
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        values.trace = TraceContext(parent: parent, span: 0xAB)
        request.annotation = values
        AccessLog(lines.logger(), rate: 10).write(request)
        let line = try #require(lines.all.first)
        for field in [
            "trace_id=0af7651916cd43dd8448eb211c80319c", "parent_span_id=b7ad6b7169203331",
            "span_id=00000000000000ab", "trace_flags=01",
        ] { #expect(line.contains(" " + field)) }
    }

    @Test func `writes a sample above its rate, and failures always`() {
        let log = AccessLog(lines.logger(), rate: 3)
        for _ in 0..<10 { log.write(served(200)) }
        for _ in 0..<5 { log.write(served(500)) }
        let levels = lines.all.map { fields($0).prefix { $0 != " " } }
        // A second may begin in between, with three more lines and one about those left out.
        #expect((3...7).contains(levels.count { $0 == "level=info" }))
        #expect(levels.count { $0 == "level=error" } == 5)
    }

    @Test(arguments: [
        (200, "info"), (404, "info"), (500, "error"), (501, "error"), (503, "warning"), (504, "warning"),
    ])
    func `an error of the server is one, and too much to do a warning`(status: Int, level: String) {
        AccessLog(lines.logger(), rate: 10).write(served(status))
        #expect(lines.all.map { fields($0).prefix { $0 != " " } } == ["level=\(level)"])
    }

    @Test func `quotes what could be taken for something else, and bounds it`() {
        let target = "/a b=\"c\"\u{7f}" + String(repeating: "x", count: 1000)
        AccessLog(lines.logger(), rate: 10).write(served(200, target: target))
        let line = lines.all.first ?? ""
        #expect(line.contains(#"path="/a b=\"c\""#))
        #expect(line.utf8.count < 800)
    }

    @Test func `writes JSON for programs`() throws {
        var request = served(499)
        request.isAbandoned = true
        AccessLog(lines.logger(.json), rate: 10).write(request)
        let value = try JSONValue(parsing: Array((lines.all.first ?? "").utf8))
        #expect(value["abandoned"] == .string("true"))
        #expect(value["status"] == .string("499"))
        #expect(value["message"] == .string("request"))
    }

    @Test(arguments: [LineLogHandler.Format.logfmt, .json])
    func `begins with the priority that the journal reads`(format: LineLogHandler.Format) {
        let logger = lines.logger(format, hasPriorities: true)
        for level in Logger.Level.allCases { logger.log(level: level, "x") }
        #expect(lines.all.map { String($0.prefix(3)) } == ["<7>", "<7>", "<6>", "<5>", "<4>", "<3>", "<2>"])
        #expect(lines.all.allSatisfy { $0.dropFirst(3).first == (format == .json ? "{" : "t") })
    }
}
