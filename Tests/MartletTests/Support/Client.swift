import Foundation

/// A blocking HTTP/1.1 client over one socket that sends exactly the bytes it is given.
final class Client: @unchecked Sendable { // @unchecked: one thread uses it at a time
    private var descriptor: Int32
    private var buffer: [UInt8] = []

    /// The connection did something that the test did not expect.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafeBytes(of: &address) { bytes in
            connect(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, size)
        }
        guard connected == 0 else { throw Failure("connect to port \(port): errno \(errno)") }
        Self.setReceiveLimit(of: descriptor)
    }

    /// Connects to a UNIX socket.
    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let connected = withUnsafeBytes(of: &address) { bytes in
            connect(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, size)
        }
        guard connected == 0 else { throw Failure("connect to \(path): errno \(errno)") }
        Self.setReceiveLimit(of: descriptor)
    }

    deinit { closeNow() }

    /// A test that waits for bytes that never come fails after a minute instead of hanging.
    static func setReceiveLimit(of descriptor: Int32) {
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Sends one request and waits for its answer.
    ///
    /// A body is sent with its Content-Length; nil sends neither. A nil type sends no Content-Type.
    func request(_ method: String, _ path: String, body: [UInt8]? = nil, type: String? = nil) throws -> Answer
    {
        try send(Self.encode(method, path, body: body, type: type))
        return try receive(isHead: method == "HEAD")
    }

    /// The bytes of a request, for pipelining.
    static func encode(_ method: String, _ path: String, body: [UInt8]? = nil, type: String? = nil) -> [UInt8]
    {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        if let type { head += "Content-Type: \(type)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + (body ?? [])
    }

    /// The bytes of a request whose body is sent in chunks of `size`.
    static func encodeChunked(_ method: String, _ path: String, body: [UInt8], size: Int) -> [UInt8] {
        var bytes = Array(
            "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".utf8
        )
        for start in stride(from: 0, to: body.count, by: size) {
            let chunk = body[start..<min(start + size, body.count)]
            bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure("send: errno \(errno) with \(rest.count) bytes left") }
            rest = rest.dropFirst(count)
        }
    }

    /// The next chunk of a streamed body, empty at its end.
    ///
    /// - Throws: `Failure` when the connection ends in the middle of the body.
    func receiveChunk() throws -> String {
        let end = Array("\r\n".utf8)
        while true {
            if let range = buffer.firstRange(of: end),
                let count = Int(text(Array(buffer[..<range.lowerBound])), radix: 16),
                buffer.count >= range.upperBound + count + end.count
            {
                defer { buffer.removeSubrange(..<(range.upperBound + count + end.count)) }
                return text(Array(buffer[range.upperBound...].prefix(count)))
            }
            guard try fill() else { throw Failure("the connection ended in the body, after \(text(buffer))") }
        }
    }

    /// Reads one answer, of a streamed one the head; interim answers (1xx) are skipped.
    func receive(isHead: Bool = false) throws -> Answer {
        let end = Array("\r\n\r\n".utf8)
        while true {
            while buffer.firstRange(of: end) == nil {
                guard try fill() else {
                    throw Failure("the connection ended in the head, after \(text(buffer))")
                }
            }
            guard let range = buffer.firstRange(of: end) else { continue }
            var answer = try Answer(head: text(Array(buffer[..<range.lowerBound])))
            buffer.removeSubrange(..<range.upperBound)
            if answer.status / 100 == 1 { continue }
            if !isHead, answer.fields["transfer-encoding"] == "chunked" { return answer }
            guard !isHead, let length = answer.contentLength else { return answer }
            while buffer.count < length {
                guard try fill() else {
                    throw Failure("the connection ended \(length - buffer.count) bytes early")
                }
            }
            answer.body = Array(buffer[..<length])
            buffer.removeSubrange(..<length)
            return answer
        }
    }

    /// Whether the server has closed and sent nothing more; waits for either.
    func isAtEnd() throws -> Bool {
        try buffer.isEmpty && !fill()
    }

    /// Says that nothing more will be sent, and keeps reading.
    func shutdownWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends the connection with a reset, as a process that died would.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        closeNow()
    }

    private func closeNow() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    /// Reads what has come; false at the end of the connection.
    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count >= 0 else { throw Failure("receive: errno \(errno)") }
        buffer += chunk[..<count]
        return count > 0
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
