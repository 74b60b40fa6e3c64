import API
import Foundation
import Synchronization
import Testing

extension EndToEndTests {
    @Suite struct LifecycleTests {
        @Test func `says READY=1 once it listens and STOPPING=1 when it ends`() throws {
            let notify = try NotifySocket()
            try Daemon.serving(notify: notify) { daemon in
                let before = try notify.receive(until: "READY=1")
                #expect(!before.contains("STOPPING=1"))
                #expect(try daemon.isListening())
                let client = try Client(port: daemon.port)
                #expect(try client.request("GET", "/readyz").status == 200)
                let listing: Listing = try client.request("GET", "/v1/models").decoded()
                #expect(!listing.models.isEmpty)
                #expect(listing.models.allSatisfy { $0.state == "ready" })
                daemon.terminate()
                let after = try notify.receive(until: "STOPPING=1")
                #expect(!after.contains("READY=1"))
            }
        }

        @Test func `starts and ends without a service manager`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                #expect(try client.request("GET", "/livez").status == 200)
            }
        }

        @Test func `finishes the request in flight when it is told to end`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let image = try Repository.example("digit-7.png")
                let request = Client.encode("POST", "/v1/models/digits:classify", body: image)
                try client.send(Array(request[..<200]))
                // An answer on a later connection: by now the first bytes have been read.
                #expect(try Client(port: daemon.port).request("GET", "/livez").status == 200)
                daemon.terminate()
                // The signal takes its time; from when it was heard on, new connections are refused.
                while (try? Client(port: daemon.port)) != nil {}
                try client.send(Array(request[200...]))
                let answer = try client.receive()
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.fields["connection"]?.lowercased() == "close")
                #expect(try client.isAtEnd())
            }
        }

        @Test func `says that it reloads on SIGHUP, and serves what is new`() throws {
            let models = try RecurrentModels()
            let notify = try NotifySocket()
            try Daemon.serving(models.folder, notify: notify) { daemon in
                _ = try notify.receive(until: "READY=1")
                let client = try Client(port: daemon.port)
                #expect(try client.request("GET", "/v1/models/digits").status == 404)
                try FileManager.default.copyItem(
                    at: Repository.weights.appending(path: "digits"),
                    to: models.folder.appending(path: "digits")
                )
                daemon.hangUp()
                let lines = try notify.receive(until: "RELOADING=1")
                let time = lines.compactMap { $0.hasPrefix("MONOTONIC_USEC=") ? Int($0.dropFirst(15)) : nil }
                #expect(time.count == 1 && time[0] > 0)
                #expect(!lines.contains("READY=1"))
                _ = try notify.receive(until: "READY=1")
                #expect(try client.request("GET", "/v1/models/digits").status == 200)
            }
        }

        @Test func `goes on serving for a while after it says that it ends`() throws {
            try Daemon.serving(settings: ["--drain-delay-ms", "1000"]) { daemon in
                let image = try Repository.example("digit-7.png")
                let old = try Client(port: daemon.port)
                #expect(try old.request("GET", "/readyz").status == 200)
                daemon.terminate()
                // The signal takes its time; from when it was heard on, load balancers see this.
                while try old.request("GET", "/readyz").status == 200 {}
                let new = try Client(port: daemon.port)
                let ready = try new.request("GET", "/readyz")
                #expect(ready.status == 503)
                #expect(try ready.decoded(ErrorBody.self).code == "draining")
                let answer = try new.request("POST", "/v1/models/digits:classify", body: image)
                #expect(answer.status == 200)
                #expect(answer.fields["connection"]?.lowercased() != "close")
            }
        }

        @Test func `takes over a listening socket, and no connection is refused over a restart`() throws {
            let listener = try Listener()
            let models = try RecurrentModels()
            let stopped = Stop()
            let clients = DispatchGroup()
            let failures = Stop.Notes()
            for _ in 0..<4 {
                clients.enter()
                Thread.detachNewThread {
                    defer { clients.leave() }
                    while !stopped.isStopped {
                        do {
                            let status = try Client(port: listener.port).request("GET", "/livez").status
                            failures.add(status == 200 ? nil : "status \(status)")
                        } catch {
                            failures.add("\(error)")
                        }
                    }
                }
            }
            for _ in 0..<3 {
                let before = failures.count
                try Daemon.serving(models.folder, listener: listener.handle) { daemon in
                    #expect(daemon.port == listener.port)
                    let isListening = try daemon.isListening()
                    #expect(isListening)
                    while failures.count < before + 50 {}
                }
            }
            try Daemon.serving(models.folder, listener: listener.handle) { _ in
                stopped.stop()
                clients.wait()
            }
            #expect(failures.count > 150)
            #expect(failures.all.isEmpty, "\(failures.all.prefix(3))")
        }

        @Test func `listens in several places, and operators have one of their own`() throws {
            let folder = FileManager.default.temporaryDirectory
            let main = folder.appending(path: "m-\(getpid()).sock").path
            let admin = folder.appending(path: "a-\(getpid()).sock").path
            let settings = [
                "--listen", "127.0.0.1:0", "--listen", "unix:\(main)", "--admin-listen", "unix:\(admin)",
                "--socket-mode", "600",
            ]
            try Daemon.serving(settings: settings) { daemon in
                let image = try Repository.example("digit-7.png")
                for client in [try Client(port: daemon.port), try Client(path: main)] {
                    #expect(
                        try client.request("POST", "/v1/models/digits:classify", body: image).status == 200
                    )
                    #expect(try client.request("GET", "/metrics").status == 404)
                    #expect(try client.request("POST", "/v2/repository/index", body: []).status == 404)
                    #expect(try client.request("GET", "/readyz").status == 200)
                }
                let administrator = try Client(path: admin)
                for (method, path, status) in [
                    ("GET", "/metrics", 200), ("GET", "/livez", 200), ("GET", "/v1/models", 404),
                    ("POST", "/v2/repository/index", 200),
                ] {
                    #expect(try administrator.request(method, path, body: []).status == status, "\(path)")
                }
                let mode = try FileManager.default.attributesOfItem(atPath: admin)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let probe = try CommandRun(["probe"], environment: ["MARTLET_LISTEN": "unix:\(main)"])
                #expect(probe.status == 0)
            }
            #expect(!FileManager.default.fileExists(atPath: main))
            #expect(!FileManager.default.fileExists(atPath: admin))
        }

        @Test func `feeds the watchdog and tells its state`() throws {
            let notify = try NotifySocket()
            try Daemon.serving(notify: notify, environment: ["WATCHDOG_USEC": "400000"]) { daemon in
                var lines = try notify.receive(until: "READY=1")
                for _ in 0..<5 { lines += try notify.receive(until: "WATCHDOG=1") }
                let address = "STATUS=http://127.0.0.1:\(daemon.port): "
                #expect(lines.contains { $0.hasPrefix(address) && $0.contains(" models ready") }, "\(lines)")
                daemon.terminate()
                let after = try notify.receive(until: "STOPPING=1")
                #expect(!after.contains("READY=1"))
            }
        }

        @Test func `writes priorities where the journal reads, and only there`() throws {
            for (stream, begins) in [("stderr", "<6>time="), ("1:2", "time=")] {
                try Daemon.serving(environment: ["JOURNAL_STREAM": stream]) { daemon in
                    #expect(try Client(port: daemon.port).request("GET", "/livez").status == 200)
                    let lines = try daemon.written().split(separator: "\n")
                    #expect(!lines.isEmpty)
                    #expect(lines.allSatisfy { $0.hasPrefix(begins) }, "\(lines)")
                }
            }
        }

        @Test func `refuses what its memory budget does not have, and gives all of it back`() throws {
            try Daemon.serving(settings: ["--max-memory-bytes", "3000000"]) { daemon in
                let client = try Client(port: daemon.port)
                let image = try Repository.example("digit-7.png")
                #expect(try client.request("POST", "/v1/models/digits:classify", body: image).status == 200)
                // Bodies that fit, of which the numbers take more than there is; and one that does not fit.
                let words = Array(
                    (#"{"instances": ["# + Array(repeating: "\"ab\"", count: 400_000).joined(separator: ",")
                        + "]}").utf8
                )
                for body in [words, [UInt8](repeating: 0x20, count: 3_100_000)] {
                    let other = try Client(port: daemon.port)
                    let answer = try other.request("POST", "/v1/models/surnames:predict", body: body)
                    #expect([413, 503].contains(answer.status), "\(answer.text)")
                }
                let metrics = try client.request("GET", "/metrics").text
                #expect(metrics.contains("martlet_memory_limit_bytes 3000000\n"))
                #expect(!metrics.contains("martlet_memory_refusals_total 0\n"))
                var held = [Substring]()
                repeat {
                    held = try client.request("GET", "/metrics").text.split(separator: "\n").filter {
                        $0.hasPrefix("martlet_memory_bytes{") && !$0.hasSuffix(" 0")
                    }
                } while !held.isEmpty
                #expect(try client.request("POST", "/v1/models/digits:classify", body: image).status == 200)
            }
        }
    }
}

/// A flag, and what threads have to say.
private final class Stop: Sendable {
    final class Notes: Sendable {
        private let state = Mutex((count: 0, notes: [String]()))

        var count: Int { state.withLock(\.count) }
        var all: [String] { state.withLock(\.notes) }

        /// Counts, and keeps what is not nil.
        func add(_ note: String?) {
            state.withLock { state in
                state.count += 1
                if let note { state.notes.append(note) }
            }
        }
    }

    private let flag = Mutex(false)

    var isStopped: Bool { flag.withLock(\.self) }

    func stop() { flag.withLock { $0 = true } }
}

/// A socket on the loopback that listens, as systemd would open it.
private final class Listener: Sendable {
    let port: UInt16
    let handle: FileHandle

    init() throws {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        handle = FileHandle(fileDescriptor: number, closeOnDealloc: true)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
        }
        guard bound == 0, listen(number, 1024) == 0 else { throw Client.Failure("listen: errno \(errno)") }
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
        }
        port = UInt16(bigEndian: address.sin_port)
    }
}
