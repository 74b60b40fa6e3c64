import Foundation
import Glibc
import Platform
import Testing

@Suite struct ServiceManagerTests {
    @Test(arguments: [false, true])
    func `sends its lines as one datagram`(isAbstract: Bool) throws {
        let folder = FileManager.default.temporaryDirectory.path
        let name = "martlet-notify-\(getpid())-\(isAbstract)"
        let path = isAbstract ? "@\(name)" : "\(folder)/\(name)"
        defer { if !isAbstract { unlink(path) } }
        let socket = try NotifySocket(path: path)
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": path])
        manager.notify("READY=1", "STATUS=3 models")
        #expect(socket.receive() == "READY=1\nSTATUS=3 models")
        manager.notify("STOPPING=1")
        #expect(socket.receive() == "STOPPING=1")
    }

    @Test(arguments: [
        [:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "/nonexistent/socket"], ["NOTIFY_SOCKET": "vsock:2:1"],
        ["NOTIFY_SOCKET": "/" + String(repeating: "a", count: 200)],
    ])
    func `says nothing when nobody listens`(environment: [String: String]) {
        ServiceManager(environment: environment).notify("READY=1")
    }

    @Test func `says that it reloads, and when`() throws {
        let path = "@martlet-reload-\(getpid())"
        let socket = try NotifySocket(path: path)
        ServiceManager(environment: ["NOTIFY_SOCKET": path]).notifyReloading()
        let lines = socket.receive().split(separator: "\n")
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        #expect(lines.first == "RELOADING=1")
        let microseconds = lines.last?.split(separator: "=").last.flatMap { Int($0) } ?? .max
        #expect(lines.last?.hasPrefix("MONOTONIC_USEC=") == true)
        #expect(microseconds <= time.tv_sec * 1_000_000 + time.tv_nsec / 1000)
    }

    @Test func `takes the descriptors that were meant for it, by their names`() {
        let mine = String(getpid())
        func passed(_ environment: [String: String]) -> [SocketActivation.Passed] {
            SocketActivation.passed(environment: environment)
        }
        typealias Passed = SocketActivation.Passed
        #expect(passed([:]) == [])
        #expect(passed(["LISTEN_FDS": "1"]) == [])
        #expect(passed(["LISTEN_FDS": "1", "LISTEN_PID": "1"]) == [])
        #expect(passed(["LISTEN_FDS": "-1", "LISTEN_PID": mine]) == [])
        #expect(passed(["LISTEN_FDS": "x", "LISTEN_PID": mine]) == [])
        #expect(passed(["LISTEN_FDS": "1", "LISTEN_PID": mine]) == [Passed(number: 3, name: "unknown")])
        let named = ["LISTEN_FDS": "3", "LISTEN_PID": mine, "LISTEN_FDNAMES": "http::stored"]
        #expect(
            passed(named) == [
                Passed(number: 3, name: "http"), Passed(number: 4, name: "unknown"),
                Passed(number: 5, name: "stored"),
            ]
        )
    }

    @Test func `reads the watchdog's interval when it is meant for this process`() {
        let mine = String(getpid())
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": mine]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "-1"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(interval([:]) == nil)
    }

    private func interval(_ environment: [String: String]) -> Duration? {
        ServiceManager(environment: environment).watchdogInterval
    }
}

/// What systemd listens on: a datagram socket at a path or an abstract name.
private struct NotifySocket: ~Copyable {
    let descriptor: Descriptor

    init(path: String) throws {
        descriptor = Descriptor(owning: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor.number, $0, length) }
        }
        try #require(result == 0, "bind \(path): errno \(errno)")
    }

    func receive() -> String {
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = recv(descriptor.number, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
