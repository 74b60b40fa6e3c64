internal import CAssets
internal import FoundationEssentials
internal import HTTP
internal import HTTPTypes
internal import Platform
internal import Support

/// The page for people at `GET /`: one file put together of those in `Sources/CAssets/playground`, which may do nothing but
/// ask the server that it came from.
///
/// All of it is inline, so that it opens with one request and under any path that a proxy has put the daemon at. The policy
/// names the digests of its script and style; nothing else runs.
struct Playground: Sendable {
    /// Tells one page from another, however it is packed.
    let tag: String
    private let fields: HTTPFields
    private let plain: [UInt8]
    /// The same, packed as small as it gets, once.
    private let gzipped: [UInt8]?

    static let page = Playground(Assets.all)

    private init(_ assets: [Assets.File]) {
        func text(_ suffix: String) -> String {
            assets.filter { $0.name.hasSuffix(suffix) }.map { String(decoding: $0.bytes, as: UTF8.self) }
                .joined(separator: "\n")
        }
        let style = text(".css")
        let script = "(() => {\n'use strict';\n\(text(".js"))})();\n"
        var samples = JSONObject()
        for asset in assets {
            guard let type = Self.pictureType(asset.name) else { continue }
            samples.append(asset.name, .string("data:\(type);base64,\(Self.base64(asset.bytes))"))
        }
        var pictures: [UInt8] = []
        JSONValue.object(samples).write(to: &pictures)
        let page = text(".html").replacing("/*style*/", with: style).replacing("/*script*/", with: script)
            .replacing("/*samples*/", with: String(decoding: pictures, as: UTF8.self))
        plain = Array(page.utf8)
        gzipped = Deflater.deflate(plain, .gzip, level: 9)
        tag = "W/\"\(Self.base64(SHA256.digest(plain)).prefix(16))\""
        fields = [
            .contentType: "text/html; charset=utf-8",
            .eTag: tag,
            // A new version of the daemon has a new page, and is asked each time whether it does.
            .cacheControl: "no-cache",
            .contentSecurityPolicy: Self.policy(script: script, style: style),
            .xContentTypeOptions: "nosniff",
            .referrerPolicy: "no-referrer",
        ]
    }

    /// Whether a client would rather have the page than JSON: only one that asks for HTML by its name, as browsers do.
    ///
    /// - Source: RFC 9110 §12.5.1.
    static func isWanted(_ accept: String?) -> Bool {
        guard let accept else { return false }
        let ranges = accept.lowercased().split(separator: ",").map { QualityValue.split(String($0)) }
        func weight(_ name: String) -> Int { ranges.first { $0.name == name }?.weight ?? 0 }
        return weight("text/html") > 0 && weight("text/html") >= weight("application/json")
    }

    /// The answer.
    ///
    /// - Parameters:
    ///   - request: what is answered.
    ///   - mayPack: whether answers are packed at all.
    /// - Returns: the page, or where the client has it already that it does.
    func response(to request: Request, mayPack: Bool) -> Response {
        var response = Response(fields: fields)
        response.vary(by: .accept)
        response.vary(by: .acceptEncoding)
        if request.knows(tag: tag) {
            response.status = .notModified
            response.fields[.contentType] = nil
        } else if mayPack, let gzipped, AcceptEncoding(request).preferred == .gzip {
            response.fields[.contentEncoding] = ContentCoding.gzip.rawValue
            response.body = gzipped
        } else {
            response.body = plain
        }
        return response
    }

    /// - Source: Content Security Policy Level 3; the digests are of what stands between the tags.
    private static func policy(script: String, style: String) -> String {
        func digest(_ text: String) -> String { "'sha256-\(base64(SHA256.digest(Array(text.utf8))))'" }
        return """
            default-src 'none'; script-src \(digest(script)); style-src \(digest(style)); \
            img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            """
    }

    private static func pictureType(_ name: String) -> String? {
        let types = ["jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"]
        return types.first { name.hasSuffix(".\($0.key)") }?.value
    }

    private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}

/// The files that were compiled in.
enum Assets {
    struct File {
        let name: String
        let bytes: [UInt8]
    }

    /// All of them, in the order of `assets.c`.
    static var all: [File] {
        (0..<asset_count()).map { index in
            let asset = unsafe asset_at(index)
            return unsafe File(
                name: String(cString: asset.name),
                bytes: Array(UnsafeBufferPointer(start: asset.bytes, count: asset.count))
            )
        }
    }
}

extension HTTPField.Name {
    // A token: never the alternative.
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .referer
}

extension Service {
    /// `GET /`: the playground for a browser; for everything else that the server answers, as KServe's V1 clients ask.
    func root(_ call: Call) -> Response {
        if Playground.isWanted(call.request.fields[.accept]) {
            return Playground.page.response(to: call.request, mayPack: limits.minPackedBytes != nil)
        }
        var response = Response(json: ["status": .string("alive")])
        response.vary(by: .accept)
        return response
    }
}
