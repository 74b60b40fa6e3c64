internal import API
internal import FoundationEssentials
internal import Platform

/// What a daemon answers to one request without a body, on a connection of its own.
struct HTTPReply {
    let status: Int
    let body: [UInt8]

    private static let maxBytes = 64 << 20
    /// The key that is sent: not as a flag, which other users of the machine see.
    static let keyVariable = "MARTLET_KEY"

    /// Sends a request and waits for its answer, to the end of the connection.
    ///
    /// - Throws: `SystemError` when the daemon cannot be reached, takes too long, or what it says is no HTTP.
    init(
        to method: String,
        _ path: String,
        at address: DaemonAddress,
        timeout: Duration
    ) throws(SystemError) {
        let deadline = ContinuousClock.now + timeout
        let socket = try Socket.connect(address.listener)
        let key = ProcessInfo.processInfo.environment[Self.keyVariable].map { ["X-Api-Key: \($0)"] } ?? []
        let lines =
            [
                "\(method) \(path) HTTP/1.1", "Host: \(address.authority)", "Content-Length: 0",
                "Connection: close",
            ]
            + key.filter { $0.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
        let head = lines.joined(separator: "\r\n") + "\r\n\r\n"
        var rest = Array(head.utf8)[...]
        var epoll = try Epoll(capacity: 1)
        try epoll.add(socket.number, .write, token: 0)
        while !rest.isEmpty {
            try Self.wait(&epoll, deadline)
            rest = rest.dropFirst(try socket.send(Array(rest).span) ?? 0)
        }
        try epoll.modify(socket.number, .read, token: 0)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < Self.maxBytes {
            try Self.wait(&epoll, deadline)
            var span = chunk.mutableSpan
            guard let count = try socket.receive(into: &span) else { continue }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))
        let line = bytes.prefix { $0 != UInt8(ascii: "\r") }.split(separator: UInt8(ascii: " "))
        guard let end, line.count > 1, line[0].starts(with: "HTTP/1.".utf8),
            let status = Int(String(decoding: line[1], as: UTF8.self))
        else { throw SystemError("read the answer", code: SystemError.protocolCode) }
        self.status = status
        body = Array(bytes[end.upperBound...])
    }

    private static func wait(_ epoll: inout Epoll, _ deadline: ContinuousClock.Instant) throws(SystemError) {
        let left = deadline - .now
        guard left > .zero, try epoll.wait(timeout: left) > 0 else {
            throw SystemError("wait for the answer", code: SystemError.timeoutCode)
        }
    }
}

/// Where a daemon listens, and what is asked of it.
struct DaemonAddress {
    let host: String
    let port: UInt16
    /// nil where a URL names none.
    let path: String?
    /// The UNIX socket that is connected to in the host's stead.
    private var socketPath: String?

    init(host: String, port: UInt16, path: String? = nil) {
        // A daemon that listens on every address is reached on this machine's own.
        self.host = ["0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"][host] ?? host
        self.port = port
        self.path = path
    }

    /// What is connected to.
    var listener: ListenAddress {
        socketPath.map(ListenAddress.unix) ?? .tcp(host: host, port: Int(port))
    }

    init(listening address: ListenAddress) {
        switch address {
        case .tcp(let host, let port):
            self.init(host: host.filter { $0 != "[" && $0 != "]" }, port: UInt16(clamping: port))
        case .unix(let path):
            self.init(host: "localhost", port: 80)
            socketPath = path
        }
    }

    /// Reads an `http` URL; the port is 80 when it names none.
    ///
    /// - Throws: `UsageError` for any other text.
    init(url: String) throws(UsageError) {
        let fault = UsageError("--url: expected http://HOST[:PORT][/PATH], found '\(url)'")
        guard url.hasPrefix("http://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw fault }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" }
        // A colon within brackets belongs to an IPv6 address.
        let afterHost = authority[(authority.firstIndex(of: "]") ?? authority.startIndex)...]
        let colon = afterHost.firstIndex(of: ":")
        let host = authority[..<(colon ?? authority.endIndex)].filter { $0 != "[" && $0 != "]" }
        guard let port = colon.map({ UInt16(authority[authority.index(after: $0)...]) }) ?? 80, port > 0,
            !host.isEmpty
        else { throw fault }
        let path = authority.endIndex == rest.endIndex ? nil : String(rest[authority.endIndex...])
        self.init(host: host, port: port, path: path)
    }

    /// The daemon of this environment's settings.
    static func configured() throws -> DaemonAddress {
        let environment = ProcessInfo.processInfo.environment
        let sources = try SettingSources(flags: [:], environment: environment, reading: ())
        // Where there are several, it answers on any of them.
        if let address = try sources.text(for: .listen).flatMap(ListenAddress.list)?.first {
            return DaemonAddress(listening: address)
        }
        let host = try sources.text(for: .host) ?? Setting.host.fallback ?? ""
        let port = try sources.text(for: .port) ?? Setting.port.fallback ?? ""
        return DaemonAddress(host: host.filter { $0 != "[" && $0 != "]" }, port: UInt16(port) ?? 0)
    }

    /// Host and port, as a URL has them; what stands for them where there is a UNIX socket.
    var text: String { socketPath.map { "unix:\($0)" } ?? authority }

    /// Host and port, as the field `Host` has them.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
