import Glibc
import Platform
import Testing

@Suite struct SocketTests {
    @Test(arguments: ["127.0.0.1", "::1", "[::1]", "localhost"])
    func `carries bytes both ways`(host: String) throws {
        let listener = try Socket.listen(host: host, port: 0)
        let port = try listener.localPort
        #expect(port > 0)
        let client = try Socket.connect(host: host, port: port)
        try pause(on: listener.number, .read)
        guard let server = try listener.accept() else {
            Issue.record("no connection waits")
            return
        }
        try pause(on: client.number, .write)
        let text = Array("hello".utf8)
        #expect(try client.send(text.span) == 5)
        try pause(on: server.number, .read)
        #expect(try receive(server) == text)
        #expect(try receive(server) == nil)
        client.shutdownWriting()
        try pause(on: server.number, .read)
        #expect(try receive(server) == [])
        #expect(try server.send(text.span) == 5)
        try pause(on: client.number, .read)
        #expect(try receive(client) == text)
    }

    @Test func `names the address and the error when the port is taken`() throws {
        let first = try Socket.listen(host: "127.0.0.1", port: 0)
        let port = try first.localPort
        let error = #expect(throws: SystemError.self) {
            _ = try Socket.listen(host: "127.0.0.1", port: port).number
        }
        #expect(error?.description == "listen 127.0.0.1:\(port): address already in use (EADDRINUSE)")
    }

    @Test(arguments: [("no-such-host.invalid", 80), ("127.0.0.1", 70000)])
    func `refuses an address that is none`(host: String, port: Int) throws {
        let error = #expect(throws: SystemError.self) { _ = try Socket.listen(host: host, port: port).number }
        #expect(error?.description.hasPrefix("listen \(host):\(port): ") == true)
    }

    @Test func `reports a reset as an error, not as an end`() throws {
        let listener = try Socket.listen(host: "127.0.0.1", port: 0)
        var client: Socket? = try Socket.connect(host: "127.0.0.1", port: try listener.localPort)
        try pause(on: listener.number, .read)
        guard let server = try listener.accept() else {
            Issue.record("no connection waits")
            return
        }
        client?.resetOnClose()
        client = nil
        try pause(on: server.number, .read)
        let error = #expect(throws: SystemError.self) { try receive(server) }
        #expect(error?.code == ECONNRESET)
    }

    private func receive(_ socket: borrowing Socket) throws(SystemError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64)
        var span = buffer.mutableSpan
        guard let count = try socket.receive(into: &span) else { return nil }
        return Array(buffer[..<count])
    }

    private func pause(on number: Int32, _ interest: Epoll.Interest) throws {
        var epoll = try Epoll()
        try epoll.add(number, interest, token: 1)
        try #require(try epoll.wait(timeout: .seconds(10)) == 1)
    }
}
