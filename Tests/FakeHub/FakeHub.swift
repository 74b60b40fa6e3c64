internal import Glibc
internal import Platform
internal import Support
internal import Synchronization

/// A server on the loopback in the shape of a hub, or of what a hub leads to, that does what a test tells it, wrong things too.
package final class FakeHub: Sendable {
    /// A request's path and fields.
    package struct Ask: Sendable {
        /// With its query.
        package let path: String
        /// By names in lower case.
        package let fields: [String: String]
    }

    /// What is answered.
    package struct Reply: Sendable {
        package var status = 200
        package var fields: [String] = []
        package var body: [UInt8] = []
        /// After how many bytes of the body the connection ends; nil sends all.
        package var cut: Int?
        /// Whether it stays open after that, with nothing more to come.
        package var stalls = false

        package init(status: Int = 200, _ fields: [String] = [], _ body: [UInt8] = []) {
            self.status = status
            self.fields = fields
            self.body = body
        }
    }

    package let port: Int
    private let answer: @Sendable (Ask) -> Reply
    private let asks = Mutex<[Ask]>([])
    private let listener: Int32
    /// Connections that stall, until the test is over.
    private let stalled = Mutex<[Int32]>([])

    /// Listens on a port of the system's choice until the object goes.
    package init(_ answer: @escaping @Sendable (Ask) -> Reply) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, pointer, &length) == 0
            }
        }
        guard isOpen else { throw SystemError("listen 127.0.0.1:0") }
        port = Int(UInt16(bigEndian: address.sin_port))
        _ = try Thread(name: "fake-hub") { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else { return }
                self.serve(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        for connection in stalled.withLock({ $0 }) { close(connection) }
    }

    /// Its address, `http://127.0.0.1:PORT`.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// What was asked for so far.
    package var requests: [Ask] { asks.withLock { $0 } }

    private func serve(_ connection: Int32) {
        guard let ask = Self.ask(from: connection) else {
            close(connection)
            return
        }
        asks.withLock { $0.append(ask) }
        let reply = answer(ask)
        let head =
            ["HTTP/1.1 \(reply.status) S", "Content-Length: \(reply.body.count)", "Connection: close"]
            + reply.fields
        Self.send(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8), to: connection)
        Self.send(Array(reply.body.prefix(reply.cut ?? reply.body.count)), to: connection)
        if reply.stalls {
            stalled.withLock { $0.append(connection) }
        } else {
            close(connection)
        }
    }

    private static func ask(from connection: Int32) -> Ask? {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard read(connection, &byte, 1) == 1 else { return nil }
            head.append(byte)
        }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let path = lines.first?.split(separator: " ").dropFirst().first.map { String($0) }
        return path.map { Ask(path: $0, fields: fields) }
    }

    private static func send(_ bytes: [UInt8], to connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return } // who asked has gone
            rest = rest.dropFirst(count)
        }
    }
}

/// A repository as a hub lists it and gives it out.
package struct FakeRepository: Sendable {
    package let id: String
    package var files: [String: [UInt8]]
    package var licence: String?
    /// The SHA-256 that the listing gives to files that it does not have in its words for them.
    package var listedHashes: [String: String] = [:]

    package static let commit = "0123456789abcdef0123456789abcdef01234567"

    package init(_ id: String, _ files: [String: [UInt8]], licence: String? = "apache-2.0") {
        self.id = id
        self.files = files
        self.licence = licence
    }

    /// What `/api/models/ID/revision/…?blobs=true` answers.
    package var listing: [UInt8] {
        let siblings = files.sorted { $0.key < $1.key }.map { name, bytes -> JSONValue in
            var file: JSONObject = [
                "rfilename": .string(name), "size": .integer(bytes.count), "blobId": .string("b-\(name)"),
            ]
            if !name.hasSuffix(".json"), !name.hasSuffix(".txt") {
                let hash = listedHashes[name] ?? Self.sha256(bytes)
                file.append("lfs", .object(["sha256": .string(hash), "size": .integer(bytes.count)]))
            }
            return .object(file)
        }
        var object: JSONObject = [
            "id": .string(id), "sha": .string(Self.commit), "siblings": .array(siblings),
        ]
        object.append("cardData", licence.map { .object(["license": .string($0)]) })
        return JSONValue.object(object).encoded
    }

    /// The file that a path such as `/ID/resolve/COMMIT/NAME` means.
    package func file(at path: String) -> (name: String, bytes: [UInt8])? {
        let prefix = "/\(id)/resolve/\(Self.commit)/"
        guard path.hasPrefix(prefix) else { return nil }
        let name = String(path.dropFirst(prefix.count))
        return files[name].map { (name, $0) }
    }

    /// Answers as a hub does that works.
    package func reply(to ask: FakeHub.Ask) -> FakeHub.Reply {
        if ask.path.hasPrefix("/api/models/\(id)/revision/") { return FakeHub.Reply([], listing) }
        guard let file = file(at: ask.path) else {
            return FakeHub.Reply(status: 404, ["X-Error-Code: EntryNotFound"])
        }
        return Self.part(of: file.bytes, asked: ask)
    }

    /// A file, or the part of it that is asked for.
    package static func part(of bytes: [UInt8], asked ask: FakeHub.Ask, tag: String = "\"one\"")
        -> FakeHub.Reply
    {
        guard let range = ask.fields["range"], ask.fields["if-range"] ?? tag == tag,
            let start = Int(range.dropFirst("bytes=".count).dropLast())
        else { return FakeHub.Reply(["ETag: \(tag)"], bytes) }
        guard start < bytes.count else {
            return FakeHub.Reply(status: 416, ["Content-Range: bytes */\(bytes.count)"])
        }
        return FakeHub.Reply(
            status: 206,
            ["ETag: \(tag)", "Content-Range: bytes \(start)-\(bytes.count - 1)/\(bytes.count)"],
            Array(bytes[start...])
        )
    }

    package static func sha256(_ bytes: [UInt8]) -> String {
        SHA256.digest(bytes).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
