import API
import Foundation
import HTTP
import HTTPTypes
import Inference
import Logging
import Models
import Platform
import Support
import Tasks
import Testing

/// What clients say of how they send and want to be answered: codings, formats, listeners, sizes.
struct ClientFormsTests {
    private let metrics = ServingMetrics(version: "test")
    private let scheduler: Scheduler
    private let registry: Registry

    init() throws {
        scheduler = try Scheduler(threads: 2, metrics: metrics)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        registry = Registry(folder: Repository.weights, logger: logger, warmUp: scheduler.warmUp)
        try registry.load { ["digits", "surnames"].contains($0) }
    }

    private func service(_ configure: (inout Service.Limits) -> Void = { _ in }) throws -> Service {
        var limits = Service.Limits()
        configure(&limits)
        return try Service(
            registry: registry,
            metrics: metrics,
            scheduler: scheduler,
            generations: GenerationLimit(2),
            sequences: SequenceStore(),
            limits: limits
        )
    }

    private func classify(
        _ body: [UInt8],
        query: [Query.Pair] = [],
        fields: HTTPFields = [:],
        packed: PackedBody? = nil,
        accept: String? = nil
    ) -> Request {
        Request(
            method: .post,
            path: "/v1/models/digits:classify",
            query: Query(query),
            fields: fields,
            body: body,
            packed: packed,
            accept: accept
        )
    }

    // MARK: - Codings

    @Test func `an endpoint sees what was packed, and never that it was`() throws {
        defer { scheduler.stop() }
        let api = try service()
        let png = try Repository.example("digit-7.png")
        let plain = try JSONValue(parsing: api.respond(to: classify(png)).body)["predictions"]
        for (coding, format) in [
            (ContentCoding.gzip, Inflater.Format.gzip), (.deflate, .zlib), (.deflate, .raw),
        ] {
            let packed = PackedBody(try #require(Deflater.deflate(png, format)), coding)
            let answer = api.respond(to: classify([], packed: packed))
            #expect(answer.status == .ok)
            #expect(try JSONValue(parsing: answer.body)["predictions"] == plain)
        }
        let texts = Array(#"{"instances": ["Takahashi"]}"#.utf8)
        let packed = PackedBody(try #require(Deflater.deflate(texts, .gzip)), .gzip)
        let answer = api.respond(
            to: Request(method: .post, path: "/v1/models/surnames:predict", packed: packed)
        )
        #expect(String(decoding: answer.body, as: UTF8.self).contains("Japanese"))
    }

    @Test func `bombs, limits of routes and damage are refused with their own codes`() throws {
        defer { scheduler.stop() }
        let api = try service { ($0.maxBodyBytes, $0.maxUnpackingRatio) = (8 << 20, 100) }
        let bomb = try #require(Deflater.deflate([UInt8](repeating: 0x20, count: 64 << 20), .gzip, level: 9))
        let prompt = Array("{\"prompt\": \"\(String(repeating: "ab", count: 3 << 20))\"}".utf8)
        let long = try #require(Deflater.deflate(prompt, .gzip))
        for (path, body, status, code) in [
            ("digits:classify", bomb, 413, "compression_ratio"),
            ("surnames:predict", bomb, 413, "compression_ratio"),
            ("surnames:predict", Array(bomb.prefix(5000)), 413, "compression_ratio"),
            ("surnames:predict", Array("no gzip".utf8), 400, "invalid_encoding"),
            ("surnames:predict", Array(bomb.prefix(12)), 400, "invalid_encoding"),
        ] {
            let packed = PackedBody(body, .gzip)
            let answer = api.respond(to: Request(method: .post, path: "/v1/models/\(path)", packed: packed))
            #expect(answer.status.code == status)
            #expect(try JSONValue(parsing: answer.body)["code"] == .string(code))
        }
        let generous = try service { ($0.maxBodyBytes, $0.maxUnpackingRatio) = (8 << 20, 1032) }
        let request = Request(
            method: .post,
            path: "/v1/models/surnames:generate",
            packed: PackedBody(long, .gzip)
        )
        // More than a prompt may have, and less than an image might.
        let answer = generous.respond(to: request)
        #expect(answer.status == .contentTooLarge)
        #expect(try JSONValue(parsing: answer.body)["code"] == .string("body_too_large"))
    }

    @Test func `a large answer is packed, a small one is not`() throws {
        defer { scheduler.stop() }
        let api = try service()
        let fields: HTTPFields = [.acceptEncoding: "gzip"]
        let list = api.respond(to: Request(method: .get, path: "/v1/models", fields: fields))
        #expect(list.fields[.contentEncoding] == nil || list.body.count < 4096)
        let scrape = api.respond(to: Request(method: .get, path: "/metrics", fields: fields))
        #expect(scrape.fields[.contentEncoding] == "gzip")
        #expect(scrape.fields[.vary] == "Accept-Encoding")
        let text = try Request(method: .get, path: "/", packed: PackedBody(scrape.body, .gzip)).unpacked(
            UnpackingLimits(maxBytes: 1 << 24, maxRatio: 1032),
            from: MemoryBudget(limit: 1 << 30)
        ) {}.body
        #expect(String(decoding: text, as: UTF8.self).hasPrefix("# HELP"))
        let plain = api.respond(to: Request(method: .get, path: "/metrics"))
        #expect(plain.fields[.contentEncoding] == nil)
        #expect(api.respond(to: Request(method: .get, path: "/livez", fields: fields)).fields[.vary] == nil)
        let never = try service { $0.minPackedBytes = nil }
        let refused = never.respond(to: Request(method: .get, path: "/metrics", fields: fields))
        #expect(refused.fields[.contentEncoding] == nil)
    }

    // MARK: - Formats

    // swift-format-ignore
    @Test(arguments: [
        (String?.none, "application/json"), ("application/json", "application/json"), ("text/plain", "text/plain; charset=utf-8"),
        ("text/*", "text/plain; charset=utf-8"), ("text/csv", "text/csv; charset=utf-8"), ("TEXT/CSV;q=0.4, */*;q=0.1", "text/csv; charset=utf-8"),
        // As browsers, axios, jQuery and Spring ask, and who asks for what there is not.
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "application/json"),
        ("application/json, text/plain, */*", "application/json"), ("text/plain, application/json, */*", "application/json"),
        ("text/plain, */*; q=0.01", "text/plain; charset=utf-8"), ("image/png", "application/json"), ("application/*", "application/json"),
        ("text/plain;q=0", "application/json"), (",;q=,", "application/json"),
    ])
    func `the best classes come as the client would rather have them`(accept: String?, type: String) throws {
        defer { scheduler.stop() }
        let answer = try service().respond(to: classify(try Repository.example("digit-7.png"), accept: accept))
        #expect(answer.status == .ok)
        #expect(answer.fields[.contentType] == type)
        #expect((answer.fields[.vary] == "Accept") == !type.hasSuffix("json"))
    }

    @Test func `text is the label, CSV a row for each class, and a bad image spoils only its own`() throws {
        defer { scheduler.stop() }
        let api = try service()
        let png = try Repository.example("digit-7.png")
        func text(_ request: Request) -> String {
            String(decoding: api.respond(to: request).body, as: UTF8.self)
        }
        #expect(text(classify(png, accept: "text/plain")) == "7\n")
        let three = [Query.Pair(name: "top_k", value: "3")]
        let rows = text(classify(png, query: three, accept: "text/csv")).split(separator: "\r\n")
        #expect(rows.count == 4)
        #expect(rows[0] == "image,rank,index,label,probability,logit,error")
        #expect(rows[1].hasPrefix("0,1,7,7,0.9"))
        let images = #"{"images": ["\#(Data(png).base64EncodedString())", "bm8gaW1hZ2U="]}"#
        let type: HTTPFields = [.contentType: "application/json"]
        let list = text(classify(Array(images.utf8), fields: type, accept: "text/csv")).split(
            separator: "\r\n"
        )
        #expect(list.count == 3)
        #expect(list[1].hasPrefix("0,1,7,7,"))
        #expect(list[2].hasPrefix("1,,,,,,"))
        #expect(
            text(classify(Array(images.utf8), fields: type, accept: "text/plain")).hasPrefix("7\nerror: ")
        )
        // What is wrong with a lone image is told as it is to everybody.
        let broken = api.respond(to: classify(Array("no image".utf8), accept: "text/csv"))
        #expect(broken.status.code >= 400)
        #expect(broken.fields[.contentType] == "application/json")
    }

    // MARK: - Listeners and sizes

    private func admission(_ method: String, _ path: String, _ rule: AdmissionRule) throws -> Int? {
        var parser = RequestParser()
        var position = 0
        let bytes = Array("\(method) \(path) HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        guard case .head(let head)? = parser.next(bytes.span, at: &position) else { return nil }
        switch rule(head, "127.0.0.1") {
        case .accept(let limit, _): return limit ?? .max
        case .refuse(let response): return -response.status.code
        }
    }

    @Test func `operators' routes are where they belong, and probes everywhere`() throws {
        defer { scheduler.stop() }
        let together = try service()
        let apart = try service { $0.hasAdminListener = true }
        let operators = ["GET /metrics", "POST /v2/repository/index", "POST /v1/models:reload"]
        let clients = ["GET /v1/models", "POST /v1/models/digits:classify"]
        for (routes, main, admin) in [
            (operators, -404, 1), (clients, 1, -404), (["GET /livez", "HEAD /readyz"], 1, 1),
            (["GET /none"], -404, -404),
        ] {
            for route in routes {
                let parts = route.split(separator: " ").map(String.init)
                func outcome(_ rule: AdmissionRule) throws -> Int? {
                    try admission(parts[0], parts[1], rule).map { $0 > 0 ? 1 : $0 }
                }
                #expect(try outcome(apart.admit) == main, "\(route)")
                #expect(try outcome(apart.admitOperator) == admin, "\(route)")
                #expect(try outcome(together.admit) == (route.hasSuffix("none") ? -404 : 1), "\(route)")
            }
        }
    }

    @Test func `bodies have limits by their routes`() throws {
        defer { scheduler.stop() }
        let api = try service()
        #expect(try admission("GET", "/v1/models", api.admit) == 64 << 10)
        #expect(try admission("POST", "/v2/repository/index", api.admit) == 1 << 20)
        #expect(try admission("POST", "/v1/models/digits:generate", api.admit) == 4 << 20)
        #expect(try admission("POST", "/v1/models/digits:classify", api.admit) == 32 << 20)
    }

    @Test(arguments: [
        "/v1/models", "/v1/models/digits", "/v1/models/digits/labels", "/livez", "/readyz", "/metrics",
    ])
    func `every GET has its HEAD`(path: String) throws {
        defer { scheduler.stop() }
        let api = try service()
        let head = api.respond(to: Request(method: .head, path: path))
        let get = api.respond(to: Request(method: .get, path: path))
        #expect(head.status == get.status)
        #expect(head.fields[.contentType] == get.fields[.contentType])
    }
}
