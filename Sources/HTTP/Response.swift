package import HTTPTypes

/// An answer, as a handler gives it.
///
/// The server adds `Date`, `Content-Length` or `Transfer-Encoding`, `Connection` and `X-Request-Id`, and leaves the
/// body out for HEAD.
package struct Response: Sendable {
    package var status: HTTPResponse.Status
    package var fields: HTTPFields
    package var body: [UInt8]
    /// What the handler tells the access log of this answer; the server hands it on untouched.
    package var annotation: (any Sendable)?
    /// Whether a `BodyChannel` brings the body: in chunks, or to HTTP/1.0 until the connection ends.
    package var isStreamed = false

    package init(status: HTTPResponse.Status = .ok, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// Tells caches that another value of a request's field may have another answer.
    package mutating func vary(by field: HTTPField.Name) {
        let known = fields[.vary] ?? ""
        guard !FieldList.elements([known]).contains(field.canonicalName) else { return }
        fields[.vary] = known.isEmpty ? field.rawName : "\(known), \(field.rawName)"
    }
}

/// What answers: called on an event loop's thread with every complete request, so it must not wait for anything.
///
/// It answers at once, or hands the responder on to whoever will.
package typealias RequestHandler = @Sendable (Request, Responder) -> Void

/// How the server phrases its own refusals, so that they look like the rest of the API.
package typealias ErrorRenderer =
    @Sendable (_ status: HTTPResponse.Status, _ code: String, _ message: String) -> Response

/// What becomes of a request once its head is known, before any of its body is asked for.
package enum Admission: Sendable {
    /// The body may come, up to so many bytes; nil: as many as the server takes. The request brings the note along.
    case accept(maxBodyBytes: Int? = nil, note: (any Sendable)? = nil)
    /// The request is answered so, and its body not read.
    case refuse(Response)
}

/// Decides about a request by its head and its client's address in numbers: called on an event loop's thread, so it must not
/// wait for anything.
package typealias AdmissionRule = @Sendable (RequestHead, _ client: String) -> Admission
