import HTTP
import HTTPTypes
import Testing

@Suite struct RouterTests {
    private static let router: Router<String> = {
        var router = Router<String>()
        router.on(.get, "/", "playground")
        router.on(.get, "/v1/models/{model}", "model")
        router.on(.get, "/v1/models/special", "special")
        router.on(.get, "/v1/models", "list")
        router.on(.delete, "/v1/models", "clear")
        router.on(.post, "/v1/models/{model}:classify", "classify")
        router.on(.post, "/v1/models/{model}:predict", "predict")
        router.on(.post, "/v1/models/{model}/versions/{version}:classify", "classify version")
        router.on(.get, "/v1/models/{model}/labels", "labels")
        return router
    }()

    @Test(arguments: [
        ("GET", "/", "playground", [:]),
        ("GET", "/v1/models", "list", [:]),
        ("HEAD", "/v1/models", "list", [:]),
        ("DELETE", "/v1/models", "clear", [:]),
        ("GET", "/v1/models/digits", "model", ["model": "digits"]),
        ("GET", "/v1/models/special", "special", [:]),
        ("POST", "/v1/models/a.b-c:classify", "classify", ["model": "a.b-c"]),
        ("POST", "/v1/models/é:predict", "predict", ["model": "é"]),
        ("POST", "/v1/models/m/versions/2:classify", "classify version", ["model": "m", "version": "2"]),
        ("GET", "/v1/models/m/labels", "labels", ["model": "m"]),
    ])
    func `finds`(method: String, path: String, endpoint: String, parameters: [String: String]) throws {
        let match = Self.router.match(method: try #require(HTTPRequest.Method(method)), path: path)
        guard case .found(let found, let holes) = match else {
            Issue.record("\(match)")
            return
        }
        #expect(found == endpoint)
        #expect(holes == parameters)
    }

    @Test(arguments: [
        ("POST", "/v1/models", ["GET", "HEAD", "DELETE", "OPTIONS"]),
        ("GET", "/v1/models/m:classify", ["POST", "OPTIONS"]),
        ("PUT", "/v1/models/special", ["GET", "HEAD", "OPTIONS"]),
    ])
    func `names the methods that a path has`(method: String, path: String, allowed: [String]) throws {
        let match = Self.router.match(method: try #require(HTTPRequest.Method(method)), path: path)
        guard case .methodNotAllowed(let methods) = match else {
            Issue.record("\(match)")
            return
        }
        #expect(methods.map(\.rawValue) == allowed)
    }

    @Test func `answers OPTIONS for a path and for everything`() {
        guard case .options(let labels) = Self.router.match(method: .options, path: "/v1/models/m/labels"),
            case .options(let all) = Self.router.match(method: .options, path: "*")
        else {
            Issue.record("not an answer to OPTIONS")
            return
        }
        #expect(labels == [.get, .head, .options])
        #expect(Set(all) == [.get, .head, .post, .delete, .options])
    }

    @Test(arguments: [
        ("/v1/model", "/v1/models"), ("/v1/models/", "/v1/models"),
        ("/v1/models/m:clasify", "/v1/models/m:classify"),
        ("/v1/models/m/label", "/v1/models/m/labels"), ("/nothing/like/it", nil),
        ("/v1/models/m:", "/v1/models/m"),
        ("/v1/models/:classify", nil),
    ])
    func `names the nearest path for an unknown one`(path: String, expected: String?) {
        guard case .notFound(let nearest) = Self.router.match(method: .get, path: path) else {
            Issue.record("found \(path)")
            return
        }
        #expect(nearest == expected)
    }

    /// The path of a request line, through the parser and the router as a client's path goes.
    @Test(arguments: [
        "/%CC%81metrics", "/%E2%80%8Dmetrics", "/metric%73%CC%81", "/metrics%E2%80%8D",
        "/%CC%81v1/models/special", "/v1/models/special%CC%81/labels/",
        "/v1/models%CC%81/m", "/v1/models/m:classify%CC%81", "//metrics",
        "/./metrics", "/x/../metrics", "/metrics/",
        "/caf%65%CC%81", "/%E2%84%AAelvin", "/a%CD%BEb", "/METRICS",
    ])
    func `serves nothing that only looks like a path`(target: String) throws {
        var router = Self.router
        router.on(.get, "/metrics", "metrics")
        router.on(.get, "/caf\u{E9}", "precomposed")
        router.on(.get, "/Kelvin", "letter")
        router.on(.get, "/a;b", "semicolon")
        let head = try #require(RequestParser.head("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n"))
        guard case .notFound = router.match(method: .get, path: head.path) else {
            Issue.record("\(target) is served")
            return
        }
    }

    @Test func `keeps the bytes of a hole`() throws {
        for target in ["/v1/models/caf%C3%A9", "/v1/models/cafe%CC%81", "/v1/models/%CC%81special"] {
            let head = try #require(RequestParser.head("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n"))
            guard case .found("model", let holes) = Self.router.match(method: .get, path: head.path) else {
                Issue.record("\(target) is not found")
                continue
            }
            #expect(Array((holes["model"] ?? "").utf8) == Array(head.path.utf8.dropFirst(11)))
        }
    }
}
