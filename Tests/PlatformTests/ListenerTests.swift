import Glibc
import Platform
import Testing

@Suite struct ListenerTests {
    /// A folder of its own, removed with all in it.
    private final class Folder {
        let path: String

        init() throws {
            var template = Array("/tmp/martlet-listener-XXXXXX".utf8CString)
            path = String(cString: try #require(mkdtemp(&template)))
        }

        deinit {
            unlink("\(path)/s")
            rmdir(path)
        }
    }

    private func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    @Test func `a UNIX socket has its mode, and its file goes with it`() throws {
        let folder = try Folder()
        let path = "\(folder.path)/s"
        for mode: UInt32 in [0o600, 0o666, 0o660] {
            let listener = try Listener(.unix(path: path), mode: mode)
            #expect(listener.address == .unix(path: path))
            #expect(status(path).map { $0.st_mode & 0o777 } == mode)
            let client = try Socket.connect(.unix(path: path))
            guard let socket = listener.take(), let server = try socket.accept() else {
                Issue.record("no connection waits")
                return
            }
            #expect(server.peerName == "unix")
            _ = consume client
        }
        #expect(status(path) == nil)
    }

    @Test func `a socket left behind is replaced, one that is listened at is not, nor is a file`() throws {
        let folder = try Folder()
        let path = "\(folder.path)/s"
        // What a killed daemon leaves: a file that nobody listens at.
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(dead)
        let first = try Listener(.unix(path: path))
        let error = #expect(throws: SystemError.self) { try Listener(.unix(path: path)) }
        #expect(error?.description == "listen unix:\(path): address already in use (EADDRINUSE)")
        // Somebody else's file under the name is left alone.
        unlink(path)
        let other = open(path, O_CREAT | O_WRONLY, 0o600)
        close(other)
        #expect(throws: SystemError.self) { try Listener(.unix(path: path)) }
        withExtendedLifetime(first) {}
        _ = first.take()
        #expect(status(path) != nil)
    }

    @Test func `an abstract socket is no file`() throws {
        let path = "@martlet-test-\(getpid())"
        let listener = try Listener(.unix(path: path))
        #expect(listener.address == .unix(path: path))
        let client = try Socket.connect(.unix(path: path))
        #expect(client.number > 0)
        #expect(throws: SystemError.self) { try Listener(.unix(path: path)) }
    }

    @Test func `a listener is taken once`() throws {
        let listener = try Listener(.tcp(host: "127.0.0.1", port: 0))
        guard case .tcp("127.0.0.1", let port) = listener.address else {
            Issue.record("\(listener.address)")
            return
        }
        #expect(port > 0)
        func isThere(_ socket: consuming Socket?) -> Bool {
            switch consume socket {
            case .some: true
            case .none: false
            }
        }
        let (first, second) = (isThere(listener.take()), isThere(listener.take()))
        #expect(first && !second)
    }

    // swift-format-ignore
    @Test(arguments: [
        ("127.0.0.1:8080", ListenAddress.tcp(host: "127.0.0.1", port: 8080)), ("[::1]:0", .tcp(host: "[::1]", port: 0)),
        ("localhost:65535", .tcp(host: "localhost", port: 65_535)), ("unix:/run/s", .unix(path: "/run/s")), ("unix:@s", .unix(path: "@s")),
    ])
    func `reads an address and writes it back`(text: String, address: ListenAddress) {
        #expect(ListenAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "8080", ":8080", "127.0.0.1", "::1:8080", "127.0.0.1:65536", "127.0.0.1:-1", "http://127.0.0.1:1",
        "a b:1", "unix:", "unix:run/s", "unix:/\(String(repeating: "x", count: 120))", "/run/s",
    ])
    func `refuses what is no address`(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test func `reads a list`() {
        let two: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 1), .unix(path: "/s")]
        #expect(ListenAddress.list("127.0.0.1:1,unix:/s") == two)
        #expect(ListenAddress.list(" 127.0.0.1:1 , unix:/s ") == two)
        #expect(ListenAddress.list("127.0.0.1:1,,unix:/s") == nil)
    }
}
