import Glibc
import HTTP
import HTTPTypes
import Platform
import Testing

/// A client that blocks, and does what well-behaved ones do not.
final class TestClient {
    struct Answer: Equatable {
        var status: Int
        var fields: [String: String]
        var body: String
    }

    private var number: Int32
    private var received: [UInt8] = []

    /// Connects from an IPv4 address.
    init(port: Int, from source: UInt32 = 0x7F00_0001) throws {
        number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(number >= 0)
        var timeout = timeval(tv_sec: 30, tv_usec: 0) // a test that hangs fails instead
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = source.bigEndian
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(bound == 0)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let error = SystemError("connect")
            close()
            throw error
        }
    }

    /// Connects to a UNIX socket.
    init(path: String) throws {
        number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(number >= 0)
        var timeout = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = SystemError("connect")
            close()
            throw error
        }
    }

    deinit { close() }

    func close() {
        if number >= 0 { Glibc.close(number) }
        number = -1
    }

    func halfClose() { shutdown(number, Int32(SHUT_WR)) }

    /// Closes with a reset instead of an end.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(number, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Sends everything; returns whether the server took it.
    @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes {
                Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            start += count
        }
        return true
    }

    /// The next final answer, or nil when the connection ends first.
    func answer(isHead: Bool = false) -> Answer? {
        guard var answer = head() else { return nil }
        let length = isHead ? 0 : Int(answer.fields["content-length"] ?? "0") ?? 0
        guard let body = bytes(length) else { return nil }
        answer.body = body
        return answer
    }

    /// The next final answer without its body, or nil when the connection ends first.
    func head() -> Answer? {
        guard let end = end(of: "\r\n\r\n") else { return nil }
        let lines = String(decoding: received[..<end], as: UTF8.self).components("\r\n")
        received.removeFirst(end + 4)
        let status = Int(lines[0].dropFirst(9).prefix(3)) ?? 0
        if status == 100 { return head() }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.components(": ")
            fields[parts[0].lowercased()] = parts.dropFirst().joined(separator: ": ")
        }
        return Answer(status: status, fields: fields, body: "")
    }

    /// The next chunk, empty for the last; nil when the connection ends first or the chunk is malformed.
    func chunk() -> String? {
        guard let end = end(of: "\r\n"), let count = Int(bytes(end + 2)?.dropLast(1) ?? "", radix: 16),
            let chunk = bytes(count), bytes(2) == "\r\n"
        else { return nil }
        return chunk
    }

    /// Everything until the connection ends.
    func rest() -> String {
        while receive() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    /// The next bytes as they come, or nil at the end.
    func bytes(_ count: Int) -> String? {
        while received.count < count { guard receive() else { return nil } }
        defer { received.removeFirst(count) }
        return String(decoding: received[..<count], as: UTF8.self)
    }

    /// Whether the connection ends in order, without a further byte.
    func ends() -> Bool {
        var byte: UInt8 = 0
        return received.isEmpty && recv(number, &byte, 1, 0) == 0
    }

    /// How many bytes come before the next `mark`.
    private func end(of mark: String) -> Int? {
        let mark = Array(mark.utf8)
        while true {
            if let end = received.span.firstIndex(of: mark.span) { return end }
            guard receive() else { return nil }
        }
    }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(number, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        received += buffer[..<count]
        return true
    }
}

extension String {
    /// The stretches between occurrences of `separator`.
    func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}

/// A door that handlers wait at until the test opens it.
final class Gate: Sendable {
    private let monitor = Monitor((isOpen: false, waiting: 0))

    func pass() {
        monitor.signal { $0.waiting += 1 }
        _ = monitor.wait(until: .now + .seconds(60)) { $0.isOpen ? true : nil }
    }

    func open() { monitor.signal { $0.isOpen = true } }

    /// Waits until so many stand at the door.
    func await(_ count: Int) {
        _ = monitor.wait(until: .now + .seconds(60)) { $0.waiting >= count ? true : nil }
    }
}

/// An answer that is worked out on a thread of its own, which may wait.
typealias BlockingHandler = @Sendable (Request) -> Response

/// Makes the body of a streamed answer; nil where the request is answered by `echo`.
typealias BodyMaker = @Sendable (BodyChannel) async throws -> Void

/// Threads that end with their requests.
let handlerThreads = ThreadGroup()

/// Runs each job on a new thread, so that one that waits for a test holds up nobody.
final class ThreadExecutor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        do {
            try handlerThreads.start(name: "job") { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        } catch {
            fatalError("\(error)")
        }
    }
}

let threads = ThreadExecutor()

/// Runs a server whose handler may wait for the length of a test.
func withServer(
    _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    budget: MemoryBudget = MemoryBudget(limit: 512 << 20),
    admit: @escaping AdmissionRule = { _, _ in .accept() },
    log: AccessLog? = nil,
    handler: @escaping BlockingHandler = echo,
    _ body: (HTTPServer) throws -> Void
) throws {
    let responding: RequestHandler = { request, responder in
        Task(executorPreference: threads) { responder.respond(handler(request)) }
    }
    try withServer(configure, budget: budget, admit: admit, log: log, responding: responding, body)
}

/// Runs a server for the length of a test.
func withServer(
    _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    budget: MemoryBudget = MemoryBudget(limit: 512 << 20),
    admit: @escaping AdmissionRule = { _, _ in .accept() },
    log: AccessLog? = nil,
    responding: @escaping RequestHandler,
    _ body: (HTTPServer) throws -> Void
) throws {
    var configuration = HTTPServerConfiguration()
    configuration.port = 0
    configure(&configuration)
    let server = HTTPServer(
        configuration: configuration,
        budget: budget,
        renderError: { status, code, message in
            Response(status: status, body: Array("\(code): \(message)".utf8))
        },
        admit: admit,
        log: log,
        handler: responding
    )
    try server.start()
    defer { server.drain(deadline: .seconds(5)) }
    try body(server)
}

/// Answers with bodies that are made while they are sent.
func streaming(fields: HTTPFields = [:], _ make: @escaping @Sendable (Request) -> BodyMaker?)
    -> RequestHandler
{
    { request, responder in
        guard let make = make(request) else { return responder.respond(echo(request)) }
        let channel = responder.respond(Response(fields: fields), streaming: 64 * 1024)
        Task(executorPreference: threads) {
            do {
                try await make(channel)
                channel.finish(.complete)
            } catch {
                channel.finish(.truncated)
            }
        }
    }
}

/// Answers with the method, the path and the body.
let echo: BlockingHandler = { request in
    Response(body: Array("\(request.method) \(request.path) ".utf8) + request.body)
}

/// Asks again and again until `condition` holds or a minute is over.
func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
        guard .now < deadline else { return false }
        sched_yield()
    }
    return true
}
