internal import FoundationEssentials
internal import HTTP
internal import HTTPTypes
internal import Manual
internal import Platform
internal import Support

extension Service {
    /// `GET /docs`: the manual's table of contents.
    func listManual(_ call: Call) -> Response {
        Self.response(Manual.bundled.contents, to: call.request)
    }

    /// `GET /docs/{page}`: a page or a picture of the manual, also by the name of its file.
    func readManual(_ call: Call) throws -> Response {
        let name = call.captured["page"] ?? ""
        let entries = Manual.bundled.entries
        if let entry = entries[name] ?? entries[String(name.dropLast(name.hasSuffix(".md") ? 3 : 0))] {
            return Self.response(entry, to: call.request)
        }
        let nearest = nearestName(to: name, in: entries.keys.sorted()).map { "; did you mean '\($0)'?" } ?? ""
        let message = "the manual has no page '\(name.clipped(to: 100))'\(nearest)"
        throw ServingError.missing(code: "page_not_found", message)
    }

    private static func response(_ entry: Manual.Entry, to request: Request) -> Response {
        let tag = "W/\"\(base64(entry.digest).prefix(22))\""
        var response = Response(
            fields: [
                .eTag: tag, .cacheControl: "no-cache", .contentSecurityPolicy: policy,
                .xContentTypeOptions: "nosniff",
            ]
        )
        if request.knows(tag: tag) {
            response.status = .notModified
        } else {
            response.fields[.contentType] = entry.type
            response.body = entry.bytes
        }
        return response
    }

    /// The pages run nothing, load pictures from their own server, and have the one style.
    private static let policy = """
        default-src 'none'; style-src 'sha256-\(base64(SHA256.digest(Manual.bundled.style)))'; img-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """

    private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
