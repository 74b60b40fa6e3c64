import API
import HTTP
import HTTPTypes
import Inference
import Models
import Platform
import Support
import Testing

/// What becomes of requests by their heads.
struct AccessTests {
    private let metrics = ServingMetrics(version: "test")
    private let scheduler: Scheduler
    private let registry: Registry

    init() throws {
        scheduler = try Scheduler(threads: 1, metrics: metrics)
        registry = Registry(folder: Repository.weights, warmUp: scheduler.warmUp)
    }

    private static func definition(_ name: String, _ rest: String = "") throws -> AccessKey.Definition {
        let digest = AccessKey.Digest(of: Array("key of \(name)".utf8))
        return try KeyFile.keys(in: "\(name): sha256:\(digest.hex) \(rest)", path: "k")[0]
    }

    private func access(_ change: (inout Access.Rules) -> Void = { _ in }) throws -> Access {
        var rules = Access.Rules()
        change(&rules)
        let keys = try [
            Self.definition("all", "scope=infer,admin"), Self.definition("some", "models=dig*,*-v2"),
            Self.definition("ops", "scope=admin"), Self.definition("slow", "rate=0.001 burst=2"),
        ]
        return Access(rules, keys: rules.keyFile == nil ? [] : keys, metrics: metrics)
    }

    private func keyed(_ change: (inout Access.Rules) -> Void = { _ in }) throws -> Access {
        try access { rules in
            rules.keyFile = "k"
            change(&rules)
        }
    }

    /// The answer to a head, if it gets one, and what the request would bring along.
    private func ask(
        _ access: Access,
        _ line: String,
        _ fields: String...,
        host: String = "localhost",
        client: String = "10.0.0.9"
    ) throws -> (answer: Response?, note: (any Sendable)?) {
        var parser = RequestParser()
        let text = ([line + " HTTP/1.1", "Host: \(host)"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
        var position = 0
        guard case .head(let head)? = parser.next(Array(text.utf8).span, at: &position) else {
            fatalError("not a head: \(text)")
        }
        let service = try Service(registry: registry, metrics: metrics, scheduler: scheduler, access: access)
        defer { service.close() }
        return switch service.admit(head, from: client) {
        case .accept(_, let note): (nil, note)
        case .refuse(let response): (response, nil)
        }
    }

    private func code(_ response: Response?) throws -> String? {
        guard let response, case .string(let code)? = try JSONValue(parsing: response.body)["code"] else {
            return nil
        }
        return code
    }

    private static let classify = "POST /v1/models/digits:classify"

    @Test func `where nothing is asked for every request may go on, and none that leads nowhere`() throws {
        defer { scheduler.stop() }
        let access = try access()
        #expect(try ask(access, Self.classify, host: "any.example").answer == nil)
        #expect(try ask(access, "GET /metrics").answer == nil)
        #expect(try code(ask(access, "GET /none").answer) == "route_not_found")
    }

    // swift-format-ignore
    static let requests: [(line: String, field: String, status: Int?, code: String?)] = [
        (classify,                              "A: b",                               401, "key_missing"),
        (classify,                              "Authorization: Bearer key of all",   nil, nil),
        (classify,                              "authorization: bearer   key of all", nil, nil),
        (classify,                              "X-Api-Key: key of all",              nil, nil),
        (classify,                              "Authorization: Basic key of all",    401, "key_missing"),
        (classify,                              "Authorization: Bearer",              401, "key_missing"),
        (classify,                              "Authorization: Bearer key of al",    401, "key_unknown"),
        (classify,                              "X-Api-Key: key of all\r\nX-Api-Key: key of all", 401, "key_unknown"),
        (classify,                              "X-Api-Key: " + String(repeating: "k", count: 4000), 401, "key_unknown"),
        (classify,                              "X-Api-Key: key of some",             nil, nil),
        ("POST /v1/models/x-v2:predict",        "X-Api-Key: key of some",             nil, nil),
        ("POST /v1/models/objects:classify",    "X-Api-Key: key of some",             403, "model_forbidden"),
        ("GET /v1/models/Digits",               "X-Api-Key: key of some",             403, "model_forbidden"),
        ("GET /metrics",                        "X-Api-Key: key of some",             403, "scope_missing"),
        ("POST /v2/repository/models/digits/load", "X-Api-Key: key of some",          403, "scope_missing"),
        ("GET /metrics",                        "X-Api-Key: key of ops",              nil, nil),
        (classify,                              "X-Api-Key: key of ops",              403, "scope_missing"),
        ("GET /metrics",                        "A: b",                               401, "key_missing"),
        ("GET /livez",                          "A: b",                               nil, nil),
        ("GET /none",                           "A: b",                               401, "key_missing"),
        ("GET /none",                           "X-Api-Key: key of all",              404, "route_not_found"),
        ("OPTIONS /v1/models",                  "A: b",                               204, nil),
    ]

    @Test(arguments: requests)
    func `a key opens its scopes and its models`(line: String, field: String, status: Int?, code: String?)
        throws
    {
        defer { scheduler.stop() }
        let answer = try ask(keyed(), line, field).answer
        #expect(answer?.status.code == status)
        if let code { #expect(try self.code(answer) == code) }
        if status == 401 { #expect(answer?.fields[.wwwAuthenticate]?.hasPrefix("Bearer realm=") == true) }
        let said = answer.map { String(decoding: $0.body, as: UTF8.self) } ?? ""
        #expect(!said.contains("key of a"), "an answer says the key")
    }

    @Test func `a refusal has the form of its protocol`() throws {
        defer { scheduler.stop() }
        let access = try access { $0.maxRequestsPerAddress = 1 }
        let held = try ask(access, "POST /predictions/digits")
        #expect(held.answer == nil)
        let body = try #require(try ask(access, "POST /predictions/digits").answer?.body)
        let json = try JSONValue(parsing: body)
        #expect(json["code"] == .integer(429))
        #expect(json["type"] == .string("ServiceUnavailableException"))
        withExtendedLifetime(held) {}
        let keyless = try #require(try ask(keyed(), "POST /predictions/digits").answer?.body)
        #expect(try JSONValue(parsing: keyless)["type"] == .string("InvalidKeyException"))
    }

    @Test func `probes need a key where they are not open`() throws {
        defer { scheduler.stop() }
        let access = try keyed { $0.probesAreOpen = false }
        #expect(try code(ask(access, "GET /readyz").answer) == "key_missing")
        #expect(try ask(access, "GET /readyz", "X-Api-Key: key of ops").answer == nil)
    }

    @Test func `a key that asks too often is told when to ask again`() throws {
        defer { scheduler.stop() }
        let access = try keyed()
        for _ in 0..<2 { #expect(try ask(access, Self.classify, "X-Api-Key: key of slow").answer == nil) }
        let answer = try #require(try ask(access, Self.classify, "X-Api-Key: key of slow").answer)
        #expect(answer.status == .tooManyRequests)
        #expect(answer.fields[.retryAfter].flatMap { Int($0) } ?? 0 > 900)
        #expect(try ask(access, Self.classify, "X-Api-Key: key of all").answer == nil)
    }

    @Test func `who tries keys is refused and disconnected, and shuts nobody out`() throws {
        defer { scheduler.stop() }
        let access = try keyed()
        var codes: [String?] = []
        for number in 0..<50 {
            codes.append(try code(ask(access, Self.classify, "X-Api-Key: guess \(number)").answer))
        }
        #expect(codes.first == "key_unknown" && codes.last == "too_many_wrong_keys")
        let last = try ask(access, Self.classify, "X-Api-Key: guess").answer
        #expect(last?.fields[.connection] == "close" && last?.fields[.retryAfter] != nil)
        #expect(try ask(access, Self.classify, "X-Api-Key: key of all").answer == nil)
        #expect(
            try code(ask(access, Self.classify, "X-Api-Key: guess", client: "10.0.0.8").answer)
                == "key_unknown"
        )
    }

    @Test func `wrong keys from everywhere are counted in bounded memory`() {
        defer { scheduler.stop() }
        let now = ContinuousClock.now
        var failures = FailedKeys(now: now)
        var logged = 0
        for number in 0..<3 * FailedKeys.capacity {
            logged += failures.note("10.1.\(number)", now: now).unlogged == nil ? 0 : 1
        }
        #expect(failures.count <= FailedKeys.capacity)
        #expect(logged == 20)
    }

    @Test func `on the loopback without keys the daemon has a name of this machine`() throws {
        defer { scheduler.stop() }
        let access = try access()
        try access.begin(listeningOn: ["127.0.0.1", "unix:/run/m"])
        #expect(try ask(access, Self.classify, host: "127.0.0.1:8080").answer == nil)
        #expect(try code(ask(access, Self.classify, host: "rebound.example").answer) == "host_forbidden")
        #expect(try code(ask(access, "GET /v1/models", host: "rebound.example").answer) == "host_forbidden")
        #expect(try ask(access, "GET /readyz", host: "martlet").answer == nil)
        // Who has a key is no page of the web, and a list says it all.
        let keyed = try keyed()
        try keyed.begin(listeningOn: ["127.0.0.1"])
        #expect(try ask(keyed, Self.classify, "X-Api-Key: key of all", host: "m.example").answer == nil)
        let listed = try self.access { $0.hosts = ["m.example"] }
        try listed.begin(listeningOn: ["::1"])
        #expect(try ask(listed, Self.classify, host: "m.example").answer == nil)
        #expect(try code(ask(listed, Self.classify, host: "other.example").answer) == "host_forbidden")
    }

    @Test func `other machines are served with a key, or where a setting says so`() throws {
        defer { scheduler.stop() }
        let error = #expect(throws: ConfigurationError.self) {
            try access().begin(listeningOn: ["127.0.0.1", "0.0.0.0"])
        }
        #expect(error?.description.hasPrefix("'0.0.0.0' is reached from other machines") == true)
        try keyed().begin(listeningOn: ["0.0.0.0"])
        let open = try access { $0.isOpen = true }
        try open.begin(listeningOn: ["::"])
        #expect(try ask(open, Self.classify, host: "any.example").answer == nil)
    }

    @Test func `a page may ask where its origin is listed, and operate nothing where it is not`() throws {
        defer { scheduler.stop() }
        let access = try access { $0.origins = ["https://app.example"] }
        let preflight = try #require(
            try ask(
                access,
                "OPTIONS /v1/models/digits:classify",
                "Origin: https://app.example",
                "Access-Control-Request-Method: POST",
                "Access-Control-Request-Headers: content-type"
            ).answer
        )
        #expect(preflight.status == .noContent)
        #expect(preflight.fields[.accessControlAllowOrigin] == "https://app.example")
        #expect(preflight.fields[.accessControlAllowMethods] == "POST, OPTIONS")
        #expect(preflight.fields[.accessControlAllowHeaders]?.contains("X-Api-Key") == true)
        #expect(preflight.fields[.vary] == "Origin")
        let foreign = try #require(
            try ask(
                access,
                "OPTIONS /v1/models/digits:classify",
                "Origin: https://other.example",
                "Access-Control-Request-Method: POST"
            ).answer
        )
        #expect(foreign.fields[.accessControlAllowOrigin] == nil && foreign.fields[.vary] == "Origin")
        // A refusal can be read by the page too.
        let missing = try ask(access, "GET /none", "Origin: https://app.example").answer
        #expect(missing?.fields[.accessControlAllowOrigin] == "https://app.example")
        #expect(try ask(access, "POST /v1/models:reload", "Origin: https://app.example").answer == nil)
        #expect(
            try code(ask(access, "POST /v1/models:reload", "Origin: https://x.example").answer)
                == "origin_forbidden"
        )
        #expect(try ask(self.access(), "POST /v1/models:reload", "Origin: http://localhost").answer == nil)
        #expect(
            try code(ask(self.access(), "POST /v1/models:reload", "Origin: null").answer)
                == "origin_forbidden"
        )
        #expect(try ask(self.access(), "POST /v1/models:reload").answer == nil)
    }

    @Test func `an address has as many requests at a time as it may`() throws {
        defer { scheduler.stop() }
        let access = try access { $0.maxRequestsPerAddress = 2 }
        var held = try [ask(access, Self.classify).note, ask(access, Self.classify).note]
        let refused = try ask(access, Self.classify).answer
        #expect(try code(refused) == "too_many_requests")
        #expect(refused?.fields[.retryAfter] == "1")
        #expect(try ask(access, Self.classify, client: "10.0.0.8").answer == nil)
        #expect(try ask(access, "GET /livez").answer == nil)
        held.removeLast()
        #expect(try ask(access, Self.classify).answer == nil)
        #expect(held.count == 1)
    }
}
