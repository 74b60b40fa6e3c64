internal import API
internal import ArgumentParser
internal import FoundationEssentials
internal import Platform

/// `martlet probe`: asks a daemon whether it is ready, for health checks where there is no other client.
struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a running daemon whether it is ready.",
        discussion: """
            Without --url, the daemon of MARTLET_HOST, MARTLET_PORT and the file of MARTLET_CONFIG is asked. The status is \
            0 when it answers 200, and 1 when it answers otherwise, does not answer or does not listen.
            """
    )

    @Option(help: "What is asked for, such as http://127.0.0.1:8080/livez.")
    var url: String?

    @Option(help: "How many seconds the answer may take.")
    var timeout = 5

    func validate() throws {
        guard 1...3600 ~= timeout else {
            throw ValidationError("--timeout: expected 1 to 3600, found \(timeout)")
        }
    }

    func run() throws {
        let target = try url.map(ProbeTarget.init(url:)) ?? Self.configured()
        let answer: String
        do {
            answer = try target.ask(until: ContinuousClock.now + .seconds(timeout))
        } catch {
            throw ProbeFailure(description: "\(target): \(error)")
        }
        // `HTTP/1.1 200 OK`, a head, and the reasons as the body.
        let status = answer.split(separator: " ", maxSplits: 2).dropFirst().first ?? ""
        let body = answer.split(separator: "\r\n\r\n", maxSplits: 1).dropFirst().first ?? ""
        guard status == "200" else {
            let found = answer.isEmpty ? "no answer" : "status \(status): \(body)"
            throw ProbeFailure(description: "\(target): expected status 200, found \(found)")
        }
        StandardStream.output.writeLine(String(body))
    }

    /// The daemon that this environment configures, on the loopback where it listens on every address.
    private static func configured() throws -> ProbeTarget {
        let environment = ProcessInfo.processInfo.environment
        let sources = try SettingSources(flags: [:], environment: environment, reading: ())
        let host = try sources.text(for: .host) ?? Setting.host.fallback ?? ""
        let port = try sources.text(for: .port) ?? Setting.port.fallback ?? ""
        let loopbacks = ["0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"]
        return ProbeTarget(host: loopbacks[host] ?? host, port: Int(port) ?? 0, path: "/readyz")
    }
}

/// The daemon did not say that it is well.
private struct ProbeFailure: Error, CustomStringConvertible {
    let description: String
}

/// What a probe asks for.
struct ProbeTarget: Equatable, CustomStringConvertible {
    let host: String
    let port: Int
    let path: String

    private static let maxAnswerBytes = 64 << 10

    init(host: String, port: Int, path: String) {
        self.host = host
        self.port = port
        self.path = path
    }

    /// Reads an `http` URL; `/readyz` is asked for when it names nothing.
    ///
    /// - Throws: `UsageError` for any other text.
    init(url: String) throws(UsageError) {
        let fault = UsageError("--url: expected http://HOST[:PORT][/PATH], found '\(url)'")
        guard url.hasPrefix("http://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw fault }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" }
        path = authority.endIndex == rest.endIndex ? "/readyz" : String(rest[authority.endIndex...])
        // A colon within brackets belongs to an IPv6 address.
        let afterHost = authority.firstIndex(of: "]") ?? authority.startIndex
        let colon = authority[afterHost...].firstIndex(of: ":")
        host = String(authority[..<(colon ?? authority.endIndex)])
        let digits = colon.map { authority[authority.index(after: $0)...] } ?? "80"
        guard !host.isEmpty, let port = Int(digits), 1...65_535 ~= port else { throw fault }
        self.port = port
    }

    var description: String {
        "http://\(host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host):\(port)\(path)"
    }

    /// Sends one request and reads until the daemon closes the connection.
    ///
    /// - Throws: `SystemError`, also when the time has come (`ETIMEDOUT`).
    func ask(until deadline: ContinuousClock.Instant) throws -> String {
        let socket = try Socket.connect(host: host, port: port)
        var epoll = try Epoll(capacity: 1)
        try epoll.add(socket.number, .write, token: 0)
        let authority = description.dropFirst("http://".count).prefix { $0 != "/" }
        var request = Array("GET \(path) HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n\r\n".utf8)[
            ...
        ]
        while !request.isEmpty {
            guard try epoll.wait(timeout: max(.zero, deadline - .now)) > 0 else { throw late }
            request = request.dropFirst(try socket.send(request.span) ?? 0)
        }
        try epoll.modify(socket.number, .read, token: 0)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while answer.count < Self.maxAnswerBytes {
            guard try epoll.wait(timeout: max(.zero, deadline - .now)) > 0 else { throw late }
            var span = buffer.mutableSpan
            guard let count = try socket.receive(into: &span) else { continue }
            if count == 0 { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    private var late: SystemError { SystemError("probe \(self)", code: Self.timedOut) }
    /// Linux's ETIMEDOUT.
    private static let timedOut: Int32 = 110
}
