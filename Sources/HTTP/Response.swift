package import HTTPTypes

/// An answer, as a handler gives it.
///
/// The server adds `Date`, `Content-Length`, `Connection` and `X-Request-Id`, and leaves the body out for HEAD.
package struct Response: Sendable {
    package var status: HTTPResponse.Status
    package var fields: HTTPFields
    package var body: [UInt8]

    package init(status: HTTPResponse.Status = .ok, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}

/// What answers: called on a worker thread, may block, must not throw.
package typealias RequestHandler = @Sendable (Request) -> Response

/// How the server phrases its own refusals, so that they look like the rest of the API.
package typealias ErrorRenderer =
    @Sendable (_ status: HTTPResponse.Status, _ code: String, _ message: String) -> Response
