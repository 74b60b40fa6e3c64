internal import Platform

/// What a daemon answers to one request without a body, on a connection of its own.
struct HTTPReply {
    let status: Int
    let body: [UInt8]

    private static let maxBytes = 64 << 20

    /// Sends a request and waits for its answer, to the end of the connection.
    ///
    /// - Throws: `SystemError` when the daemon cannot be reached, takes too long, or what it says is no HTTP.
    init(
        to method: String,
        _ path: String,
        at host: String,
        _ port: UInt16,
        timeout: Duration
    ) throws(SystemError) {
        let deadline = ContinuousClock.now + timeout
        let socket = try Socket.connect(host: host, port: Int(port))
        let head = [
            "\(method) \(path) HTTP/1.1", "Host: \(host)", "Content-Length: 0", "Connection: close", "", "",
        ].joined(separator: "\r\n")
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
