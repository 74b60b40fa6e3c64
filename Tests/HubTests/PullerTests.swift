import FakeHub
import Foundation
import Hub
import Platform
import Support
import Synchronization
import Testing

/// Pulling from a hub that works, and from one that does not, over real connections.
@Suite(.serialized, .enabled(if: Pulling.hasClient, "libcurl is not installed"))
struct PullerTests {
    static let config = Array(
        #"{"architecture": "resnet18", "num_classes": 1000, "pretrained_cfg": {"tag": "a1_in1k"}}"#.utf8
    )
    static let weights = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    static let repository = FakeRepository(
        "timm/resnet18.a1_in1k",
        ["config.json": config, "model.safetensors": weights, "pytorch_model.bin": [1], "README.md": [2]]
    )

    @Test func `brings description and weights, and leaves nothing else`() throws {
        let hub = try FakeHub { Self.repository.reply(to: $0) }
        try Pulling.inFolder { folder in
            let pulling = try Pulling(hub, folder, token: "hf_secret")
            let (plan, files) = try pulling.pull("timm/resnet18.a1_in1k@v1")
            #expect(plan.model == "resnet18.a1_in1k" && plan.revision == FakeRepository.commit)
            #expect(plan.licence == Licence(name: "apache-2.0") && plan.licenceWarning == nil)
            #expect(files.map(\.name) == ["model.safetensors"])
            #expect(files[0].sha256 == FakeRepository.sha256(Self.weights) && files[0].resumed == 0)
            let model = folder + "/resnet18.a1_in1k"
            #expect(try DirectoryListing.names(in: model).sorted() == ["config.json", "model.safetensors"])
            #expect(try FileContents.read(model + "/model.safetensors", maxBytes: 1 << 20) == Self.weights)
            #expect(try DirectoryListing.names(in: folder) == ["resnet18.a1_in1k"])
            #expect(hub.requests.allSatisfy { $0.fields["authorization"] == "Bearer hf_secret" })
            #expect(hub.requests[0].path == "/api/models/timm/resnet18.a1_in1k/revision/v1?blobs=true")
        }
    }

    @Test func `sends the token to no other host or port`() throws {
        let store = try FakeHub { FakeRepository.part(of: Self.weights, asked: $0) }
        let hub = try FakeHub { ask in
            guard let file = Self.repository.file(at: ask.path), file.name == "model.safetensors" else {
                return Self.repository.reply(to: ask)
            }
            return FakeHub.Reply(status: 302, ["Location: \(store.url)/blob?signature=x"])
        }
        try Pulling.inFolder { folder in
            _ = try Pulling(hub, folder, token: "hf_secret").pull()
            #expect(store.requests.map(\.path) == ["/blob?signature=x"])
            #expect(store.requests[0].fields["authorization"] == nil)
            #expect(hub.requests.last?.fields["authorization"] == "Bearer hf_secret")
        }
    }

    @Test func `goes on where the connection ended, in one run`() throws {
        let hub = try Self.cutting(at: 100_000)
        try Pulling.inFolder { folder in
            let pulling = try Pulling(hub, folder)
            let (_, files) = try pulling.pull()
            #expect(files[0].sha256 == FakeRepository.sha256(Self.weights))
            let ranges = hub.requests.filter { $0.path.hasSuffix(".safetensors") }
            #expect(ranges.map { $0.fields["range"] } == [nil, "bytes=100000-"])
            #expect(ranges.map { $0.fields["if-range"] } == [nil, "\"one\""])
            #expect(pulling.waits.count == 1)
        }
    }

    @Test func `goes on where an earlier run ended`() throws {
        let hub = try Self.cutting(at: 123_456)
        try Pulling.inFolder { folder in
            let error = #expect(throws: PullError.self) { try Pulling(hub, folder, attempts: 1).pull() }
            guard case .transfer(let reason)? = error else {
                Issue.record("\(String(describing: error))"); return
            }
            #expect(reason.hasPrefix("model.safetensors: "))
            #expect(try DirectoryListing.names(in: folder) == [".pull"])
            let (_, files) = try Pulling(hub, folder).pull()
            #expect(files[0].resumed == 123_456)
            #expect(files[0].sha256 == FakeRepository.sha256(Self.weights))
        }
    }

    /// A hub that ends the first connection for the weights after so many bytes.
    private static func cutting(at count: Int) throws -> FakeHub {
        let isFirst = Mutex(true)
        return try FakeHub { ask in
            var reply = repository.reply(to: ask)
            let cuts =
                ask.path.hasSuffix(".safetensors")
                && isFirst.withLock { first in
                    defer { first = false }; return first
                }
            if cuts { reply.cut = count }
            return reply
        }
    }

    @Test func `begins anew when the file has changed meanwhile`() throws {
        let isFirst = Mutex(true)
        let hub = try FakeHub { ask in
            guard ask.path.hasSuffix(".safetensors") else { return Self.repository.reply(to: ask) }
            let isFirst = isFirst.withLock { first in
                defer { first = false }; return first
            }
            let wrong = Self.weights.map { $0 ^ 1 }
            var reply = FakeRepository.part(
                of: isFirst ? wrong : Self.weights,
                asked: ask,
                tag: isFirst ? "\"old\"" : "\"new\""
            )
            if isFirst { reply.cut = 5000 }
            return reply
        }
        try Pulling.inFolder { folder in
            let (_, files) = try Pulling(hub, folder).pull()
            #expect(files[0].sha256 == FakeRepository.sha256(Self.weights))
        }
    }

    @Test func `refuses and throws away what is not what was announced`() throws {
        var repository = Self.repository
        repository.listedHashes["model.safetensors"] = String(repeating: "0", count: 64)
        let hub = try FakeHub { [repository] in repository.reply(to: $0) }
        try Pulling.inFolder { folder in
            let error = #expect(throws: PullError.self) { try Pulling(hub, folder).pull() }
            #expect(
                error
                    == .wrongHash(
                        "model.safetensors",
                        expected: String(repeating: "0", count: 64),
                        found: FakeRepository.sha256(Self.weights)
                    )
            )
            let partial = "\(folder)/.pull/resnet18.a1_in1k.partial"
            let part = try #require(try DirectoryListing.names(in: partial).first { $0.hasSuffix(".part") })
            #expect(try FileContents.read("\(partial)/\(part)", maxBytes: 1 << 20).isEmpty)
            #expect(!Folder.isTaken("\(folder)/resnet18.a1_in1k"))
        }
    }

    @Test func `refuses a file of another size`() throws {
        let hub = try FakeHub { ask in
            ask.path.hasSuffix(".safetensors")
                ? FakeHub.Reply([], Self.weights + [0]) : Self.repository.reply(to: ask)
        }
        try Pulling.inFolder { folder in
            #expect(throws: PullError.wrongSize("model.safetensors", expected: 300_000, found: 300_001)) {
                try Pulling(hub, folder).pull()
            }
        }
    }

    /// A refusal of the hub, and what is said about it.
    struct Refusal: Sendable {
        let status: Int
        var fields: [String] = []
        var token: String?
        let sentence: String
    }

    static let refusals = [
        Refusal(
            status: 401,
            sentence:
                "timm/resnet18.a1_in1k is not there, or not for everybody: check its spelling, or set HF_TOKEN"
        ),
        Refusal(
            status: 401,
            token: "t",
            sentence: "timm/resnet18.a1_in1k is not there, or HF_TOKEN does not open it"
        ),
        Refusal(
            status: 403,
            fields: ["X-Error-Code: GatedRepo"],
            sentence: "timm/resnet18.a1_in1k is gated: ask for access at http://127.0.0.1:"
        ),
        Refusal(status: 403, token: "t", sentence: "is forbidden to this token"),
        Refusal(status: 404, sentence: "timm/resnet18.a1_in1k is not there"),
        Refusal(
            status: 400,
            fields: ["X-Error-Message: no such thing"],
            sentence: "127.0.0.1 answers with status 400: no such thing"
        ),
        Refusal(
            status: 429,
            fields: ["Retry-After: 4000"],
            sentence: "127.0.0.1 was asked too often; try again in 67 min"
        ),
    ]

    @Test(arguments: refusals)
    func `says what a refusal means and what to do, and does not ask again`(_ refusal: Refusal) throws {
        let hub = try FakeHub { _ in FakeHub.Reply(status: refusal.status, refusal.fields) }
        try Pulling.inFolder { folder in
            let pulling = try Pulling(hub, folder, token: refusal.token)
            let error = #expect(throws: PullError.self) { try pulling.pull() }
            #expect(error?.description.contains(refusal.sentence) == true, "\(String(describing: error))")
            #expect(pulling.waits.isEmpty)
            #expect(try DirectoryListing.names(in: folder) == [])
        }
    }

    @Test func `waits as long as a busy hub asks for`() throws {
        let count = Mutex(0)
        let hub = try FakeHub { ask in
            let number = count.withLock { count in
                count += 1; return count
            }
            return number < 3
                ? FakeHub.Reply(status: 429, ["Retry-After: 7"]) : Self.repository.reply(to: ask)
        }
        try Pulling.inFolder { folder in
            let pulling = try Pulling(hub, folder)
            _ = try pulling.pull()
            #expect(pulling.waits == [.seconds(7), .seconds(7)])
        }
    }

    @Test func `tries a broken hub again, less and less often, and gives up`() throws {
        let hub = try FakeHub { _ in FakeHub.Reply(status: 503) }
        try Pulling.inFolder { folder in
            let pulling = try Pulling(hub, folder)
            let error = #expect(throws: PullError.self) { try pulling.pull() }
            #expect(error == .refused(host: "127.0.0.1", status: 503, nil))
            #expect(hub.requests.count == 5)
            for (index, wait) in pulling.waits.enumerated() {
                let longest = Duration.seconds(1 << index)
                #expect(wait >= longest / 2 && wait <= longest)
            }
        }
    }

    @Test func `gives up on a connection over which nothing comes`() throws {
        let hub = try FakeHub { ask in
            var reply = Self.repository.reply(to: ask)
            if ask.path.hasSuffix(".safetensors") { (reply.cut, reply.stalls) = (1000, true) }
            return reply
        }
        try Pulling.inFolder { folder in
            #expect(throws: PullError.stalled("model.safetensors", seconds: 1)) {
                try Pulling(hub, folder, attempts: 1, stallSeconds: 1).pull()
            }
        }
    }

    @Test func `says when nobody listens`() throws {
        var port = 0
        do { port = try FakeHub { _ in FakeHub.Reply() }.port }
        try Pulling.inFolder { folder in
            let pulling = try Pulling(endpoint: "http://127.0.0.1:\(port)", folder, attempts: 1)
            let error = #expect(throws: PullError.self) { try pulling.pull() }
            guard case .unreachable("127.0.0.1", _)? = error else {
                Issue.record("\(String(describing: error))"); return
            }
        }
    }

    @Test func `names the repository that was meant`() throws {
        let hub = try FakeHub { ask in
            guard ask.path.hasPrefix("/api/models?") else {
                return FakeHub.Reply(status: 401, ["X-Error-Code: RepoNotFound"])
            }
            #expect(ask.path == "/api/models?author=timm&search=resnet18&limit=100")
            return FakeHub.Reply(
                [],
                Array(#"[{"id": "timm/resnet18.tv_in1k"}, {"id": "timm/resnet18.a1_in1k"}]"#.utf8)
            )
        }
        try Pulling.inFolder { folder in
            let error = #expect(throws: PullError.self) {
                try Pulling(hub, folder).pull("timm/resnet18.a1_in1")
            }
            #expect(
                error?.description
                    == "timm/resnet18.a1_in1 is not there; did you mean 'timm/resnet18.a1_in1k'?"
            )
        }
    }

    @Test func `brings nothing of a network that is not served here`() throws {
        var repository = Self.repository
        repository.files["config.json"] = Array(#"{"architecture": "vit_base_patch16_224"}"#.utf8)
        let hub = try FakeHub { [repository] in repository.reply(to: $0) }
        try Pulling.inFolder { folder in
            let error = #expect(throws: PullError.self) { try Pulling(hub, folder).pull() }
            #expect(
                error?.description.contains("unknown architecture 'vit_base_patch16_224'") == true,
                "\(String(describing: error))"
            )
            #expect(!hub.requests.contains { $0.path.hasSuffix(".safetensors") })
        }
    }

    @Test func `leaves a model alone, and replaces it when told to`() throws {
        let hub = try FakeHub { Self.repository.reply(to: $0) }
        try Pulling.inFolder { folder in
            _ = try Pulling(hub, folder).pull()
            try Data("old".utf8).write(to: URL(filePath: folder + "/resnet18.a1_in1k/labels.txt"))
            #expect(throws: PullError.exists(folder + "/resnet18.a1_in1k")) {
                try Pulling(hub, folder).pull()
            }
            _ = try Pulling(hub, folder).pull(replacing: true)
            let names = try DirectoryListing.names(in: folder + "/resnet18.a1_in1k").sorted()
            #expect(names == ["config.json", "model.safetensors"])
            #expect(try DirectoryListing.names(in: folder) == ["resnet18.a1_in1k"])
        }
    }

    @Test func `brings every file that an index names, and no other`() throws {
        let index =
            #"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}}"#
        let repository = FakeRepository(
            "timm/resnet18.a1_in1k",
            [
                "config.json": Self.config, "model.safetensors.index.json": Array(index.utf8),
                "model-1.safetensors": [1, 2], "model-2.safetensors": [3], "model-3.safetensors": [4],
            ]
        )
        let hub = try FakeHub { repository.reply(to: $0) }
        try Pulling.inFolder { folder in
            _ = try Pulling(hub, folder).pull()
            let names = try DirectoryListing.names(in: folder + "/resnet18.a1_in1k").sorted()
            #expect(
                names == [
                    "config.json", "model-1.safetensors", "model-2.safetensors",
                    "model.safetensors.index.json",
                ]
            )
        }
    }

    @Test(arguments: ["../../evil", "a/b", "/etc/passwd", ".."])
    func `refuses an index that leads out of the folder`(_ name: String) throws {
        let index = #"{"weight_map": {"a": "\#(name)"}}"#
        let repository = FakeRepository(
            "timm/resnet18.a1_in1k",
            ["config.json": Self.config, "model.safetensors.index.json": Array(index.utf8), name: [1]]
        )
        let hub = try FakeHub { repository.reply(to: $0) }
        try Pulling.inFolder { folder in
            let error = #expect(throws: PullError.self) { try Pulling(hub, folder).pull() }
            #expect(error?.description.contains("weight_map") == true, "\(String(describing: error))")
            let names = try DirectoryListing.names(in: folder)
            #expect(names.isEmpty)
        }
    }

    @Test func `brings a file by its address, and checks the hash in its name`() throws {
        let digits = FakeRepository.sha256(Self.weights).prefix(8)
        let hub = try FakeHub { ask in FakeRepository.part(of: Self.weights, asked: ask) }
        try Pulling.inFolder { folder in
            let pulling = try Pulling(endpoint: "https://huggingface.co", folder, token: "hf_secret")
            let (plan, _) = try pulling.pull("\(hub.url)/resnet18-\(digits).pth", architecture: "resnet18")
            #expect(plan.model == "resnet18")
            let names = try DirectoryListing.names(in: folder + "/resnet18").sorted()
            #expect(names == ["model.json", "resnet18-\(digits).pth"])
            #expect(hub.requests.allSatisfy { $0.fields["authorization"] == nil })
            let wrong = "\(hub.url)/resnet18-00000000.pth"
            let error = #expect(throws: PullError.self) {
                try pulling.pull(wrong, architecture: "resnet18", name: "other")
            }
            #expect(error == .wrongHash("resnet18-00000000.pth", expected: "00000000", found: String(digits)))
        }
    }

    @Test(arguments: ["http://example.org/model.safetensors", "http://10.0.0.7/x.safetensors"])
    func `does not ask another machine in plain text`(_ source: String) throws {
        try Pulling.inFolder { folder in
            let pulling = try Pulling(endpoint: "https://huggingface.co", folder)
            let error = #expect(throws: PullError.self) { try pulling.pull(source, architecture: "resnet18") }
            let address = try #require(WebAddress(source))
            #expect(error == .plain(address))
        }
    }

    @Test func `is not led to another machine in plain text, nor in circles`() throws {
        let away = try FakeHub { _ in FakeHub.Reply(status: 302, ["Location: http://198.51.100.7/x"]) }
        let round = try FakeHub { ask in FakeHub.Reply(status: 302, ["Location: \(ask.path)"]) }
        try Pulling.inFolder { folder in
            let address = try #require(WebAddress("http://198.51.100.7/x"))
            #expect(throws: PullError.plain(address)) {
                try Pulling(away, folder).pull()
            }
            let error = #expect(throws: PullError.self) { try Pulling(round, folder).pull() }
            guard case .tooManyRedirections? = error else {
                Issue.record("\(String(describing: error))"); return
            }
            #expect(round.requests.count == 11)
        }
    }
}

/// One pull into a folder of its own.
struct Pulling {
    static let hasClient = (try? Pulling(endpoint: "http://127.0.0.1:1", "/nowhere")) != nil

    private let puller: Puller
    private let folder: String
    private let log = Log()

    private final class Log: Sendable {
        let waits = Mutex<[Duration]>([])
    }

    /// How long it was waited for before something was tried again.
    var waits: [Duration] { log.waits.withLock { $0 } }

    init(
        endpoint: String,
        _ folder: String,
        token: String? = nil,
        attempts: Int = 5,
        stallSeconds: Int = 20
    ) throws {
        var environment = ["HF_ENDPOINT": endpoint]
        environment["HF_TOKEN"] = token
        var patience = Puller.Patience()
        patience.stallSeconds = stallSeconds
        patience.retry.attempts = attempts
        let log = log
        puller = try Puller(HubSettings(environment: environment), userAgent: "test", patience: patience) {
            duration in
            log.waits.withLock { $0.append(duration) }
            return true
        }
        self.folder = folder
    }

    init(_ hub: FakeHub, _ folder: String, token: String? = nil, attempts: Int = 5, stallSeconds: Int = 20)
        throws
    {
        try self.init(endpoint: hub.url, folder, token: token, attempts: attempts, stallSeconds: stallSeconds)
    }

    func pull(
        _ source: String = "timm/resnet18.a1_in1k",
        architecture: String? = nil,
        name: String? = nil,
        replacing: Bool = false
    ) throws -> (PullPlan, [PulledFile]) {
        var request = Puller.Request(source: source, folder: folder)
        (request.architecture, request.name, request.replaces) = (architecture, name, replacing)
        let plan = try puller.plan(request)
        return (plan, try puller.pull(plan, replacing: replacing))
    }

    /// Calls `body` with the path of a new folder, and removes the folder afterwards.
    static func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hub-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
        try body(folder.path)
    }
}
