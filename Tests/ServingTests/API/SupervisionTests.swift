import API
import Engine
import Foundation
import HTTP
import Inference
import Platform
import Support
import Synchronization
import Testing

struct SupervisionTests {
    @Test func `every part has to move before the watchdog is fed again`() {
        var liveness = Liveness()
        let rounds: [(turns: [Int], isFed: Bool)] = [
            ([5, 5], true), ([5, 5], false), ([6, 5], false), ([7, 5], false), ([7, 6], true),
            ([7, 7], false),
        ]
        for (turns, isFed) in rounds {
            let moved = liveness.haveAllMoved(turns)
            #expect(moved == isFed, "\(turns)")
        }
    }

    @Test func `asks for time to start as long as one model after another comes`() {
        var patience = StartPatience()
        let start = ContinuousClock.now
        let half = StartPatience.perModel / 2
        for (step, (loaded, isLeft)) in [(0, true), (0, true), (1, true), (1, true), (1, false), (2, true)]
            .enumerated()
        {
            let found = patience.isLeft(loaded: loaded, now: start + half * step)
            #expect(found == isLeft, "at step \(step)")
        }
    }

    @Test func `an idle daemon is alive`() throws {
        try supervised { parts in
            for _ in 0..<3 { #expect(parts.socket.receive().contains("WATCHDOG=1")) }
        }
    }

    @Test func `a wedged event loop starves the watchdog, and feeds it when it goes on`() throws {
        try supervised { parts in
            parts.gate.close()
            let client = try Socket.connect(host: "127.0.0.1", port: parts.server.port)
            try client.sendAll("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            parts.gate.awaitVisitor()
            parts.expectStarved()
            parts.gate.open()
            #expect(parts.socket.receive().contains("WATCHDOG=1"))
        }
    }

    @Test func `a wedged engine starves the watchdog, and feeds it when it goes on`() throws {
        try supervised { parts in
            parts.gate.close()
            let model = try TestModels.gru()
            let lane = try Lane(threads: 1, name: "waits")
            defer { lane.close() }
            lane.begin {
                // What becomes of the request is no matter here.
                _ = try? await parts.scheduler.infer(model.network, items: [TestModels.sequence(1)])
            }
            parts.gate.awaitVisitor()
            parts.expectStarved()
            parts.gate.open()
            #expect(parts.socket.receive().contains("WATCHDOG=1"))
        }
    }

    @Test func `tells its state when that changes, and asks for time while models load`() throws {
        let socket = try DatagramSocket()
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "40000"])
        let state = Mutex((status: "one", loaded: Int?.some(0)))
        let supervision = try Supervision(
            manager,
            of: Supervision.Subject(
                poke: {},
                turns: { [] },
                status: { state.withLock(\.status) },
                loaded: { state.withLock(\.loaded) }
            )
        )
        defer { supervision.close() }
        #expect(socket.receive() == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=60000000", "STATUS=one"])
        #expect(socket.receive() == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=60000000"])
        state.withLock { $0 = ("two", nil) }
        var lines: [String] = []
        while !lines.contains("STATUS=two") { lines = socket.receive() }
        #expect(socket.receive() == ["WATCHDOG=1"])
    }

    /// A running server and engine that a gate can hold, and what is told of them.
    private struct Parts {
        let server: HTTPServer
        let scheduler: Scheduler
        let gate: Door
        let socket: DatagramSocket
        let supervision: Supervision

        /// Nothing is told in many rounds but what was on its way.
        func expectStarved() {
            let wedged = supervision.rounds
            // What a round of before has told still comes.
            while supervision.rounds < wedged + 2 {}
            socket.empty()
            while supervision.rounds < wedged + 12 {}
            #expect(socket.isEmpty)
        }
    }

    private func supervised(_ body: (Parts) throws -> Void) throws {
        let gate = Door()
        let socket = try DatagramSocket()
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(
            configuration: configuration,
            budget: MemoryBudget(limit: 1 << 20),
            renderError: { status, _, _ in Response(status: status) },
            handler: { _, responder in
                gate.pass()
                responder.respond(Response())
            }
        )
        try server.start()
        defer { server.drain(deadline: .zero) }
        let scheduler = try Scheduler {
            BatchRunner.Functions(
                run: { _, items, _ in
                    gate.pass()
                    return items.map { _ in BatchRunner.Output(logits: [0]) }
                },
                rest: {}
            )
        }
        defer { scheduler.stop() }
        let supervision = try Supervision(
            ServiceManager(environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "40000"]),
            of: Supervision.Subject(
                poke: {
                    server.poke()
                    scheduler.poke()
                },
                turns: { server.turns + [scheduler.turns] }
            )
        )
        defer { supervision.close() }
        try body(
            Parts(server: server, scheduler: scheduler, gate: gate, socket: socket, supervision: supervision)
        )
    }
}

/// A door that whoever comes waits at while it is closed.
private final class Door: Sendable {
    private let state = Monitor((isOpen: true, waiting: 0))

    func close() { state.withLock { $0.isOpen = false } }

    func open() { state.signal { $0.isOpen = true } }

    func pass() {
        state.signal { $0.waiting += 1 }
        _ = state.wait { $0.isOpen ? true : nil }
        state.signal { $0.waiting -= 1 }
    }

    func awaitVisitor() { _ = state.wait { $0.waiting > 0 ? true : nil } }
}

/// What a service manager listens on.
private final class DatagramSocket: Sendable {
    let path = NSTemporaryDirectory() + "notify-" + UUID().uuidString
    private let number: Int32

    init() throws {
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
        }
        guard result == 0 else { throw SystemError("bind \(path)") }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(number)
        unlink(path)
    }

    /// The lines of the next message; none after a minute.
    func receive() -> [String] { receive(flags: 0) }

    /// Whether no message waits.
    var isEmpty: Bool { receive(flags: Int32(MSG_DONTWAIT)).isEmpty }

    /// Drops what waits.
    func empty() { while !isEmpty {} }

    private func receive(flags: Int32) -> [String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(number, &buffer, buffer.count, flags)
        let text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        return text.split(separator: "\n").map(String.init)
    }
}

extension Socket {
    /// Sends a text over a connection that may not be there yet.
    fileprivate func sendAll(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            // A connection that is not there yet takes nothing.
            if let count = try? send(Array(rest).span) { rest = rest.dropFirst(count) }
        }
    }
}
