internal import HTTP
internal import HTTPTypes

/// Which pages of the web may ask and read the answers, which browsers else keep from them.
///
/// - Source: Fetch Standard, §3.2 (CORS protocol).
struct CrossOrigin: Sendable {
    /// `*`: every page.
    private let isAny: Bool
    private let origins: Set<String>

    /// What a page may send beside what every page may.
    private static let requestFields =
        "Authorization, Content-Encoding, Content-Type, Idempotency-Key, Inference-Header-Content-Length, traceparent, "
        + "X-Api-Key, X-Request-Id, X-Sequence-Id"
    /// What a page may read beside what every page may.
    private static let responseFields =
        "Inference-Header-Content-Length, Retry-After, Server-Timing, traceresponse, WWW-Authenticate, X-Request-Id, "
        + "X-Tensor-Shape, X-Tensor-Type"
    /// How long a browser may keep the answer to a preflight, in seconds: as long as Chromium does at most.
    private static let maxAge = "7200"

    /// nil where no page may.
    ///
    /// - Parameter origins: such as `https://app.example`, or `*`.
    init?(_ origins: [String]) {
        guard !origins.isEmpty else { return nil }
        isAny = origins.contains("*")
        self.origins = Set(origins)
    }

    /// Whether pages of an origin may ask.
    func allows(_ origin: String) -> Bool { isAny || origins.contains(origin) }

    /// The answer to an OPTIONS request, with what a browser wants to know before it lets a page ask.
    func preflight(_ fields: HTTPFields, _ response: Response) -> Response {
        var response = response
        mark(&response, fields)
        guard response.fields.contains(.accessControlAllowOrigin),
            fields.contains(.accessControlRequestMethod), let methods = response.fields[.allow]
        else { return response }
        response.fields[.accessControlAllowMethods] = methods
        response.fields[.accessControlAllowHeaders] = Self.requestFields
        response.fields[.accessControlMaxAge] = Self.maxAge
        return response
    }

    /// Says in an answer that the page that asked may read it.
    func mark(_ response: inout Response, _ fields: HTTPFields) {
        // Caches must not give one origin's answer to another.
        if !isAny { response.vary(by: .origin) }
        guard let origin = fields[.origin], allows(origin) else { return }
        response.fields[.accessControlAllowOrigin] = isAny ? "*" : origin
        response.fields[.accessControlExposeHeaders] = Self.responseFields
    }
}
