package import HTTPTypes

/// An answer, as a handler gives it.
///
/// The server adds `Date`, `Content-Length` or `Transfer-Encoding`, `Connection` and `X-Request-Id`, and leaves the
/// body out for HEAD.
package struct Response: Sendable {
    package var status: HTTPResponse.Status
    package var fields: HTTPFields
    package var body: [UInt8]
    /// Makes the body when that is not known at once; nil when `body` is all of it.
    package var stream: BodyProducer?

    package init(status: HTTPResponse.Status = .ok, fields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// An answer whose body is sent while it is made: in chunks, or to HTTP/1.0 until the connection ends.
    package init(status: HTTPResponse.Status = .ok, fields: HTTPFields = [:], stream: @escaping BodyProducer)
    {
        self.status = status
        self.fields = fields
        body = []
        self.stream = stream
    }
}

/// What makes a streamed body: called once, on the worker's thread, after the head has been handed over.
///
/// When it throws, the body is cut off and the connection closed, so that no client takes a part for the whole.
package typealias BodyProducer = @Sendable (BodyChannel) throws -> Void

/// What answers: called on a worker thread, may block, must not throw.
package typealias RequestHandler = @Sendable (Request) -> Response

/// How the server phrases its own refusals, so that they look like the rest of the API.
package typealias ErrorRenderer =
    @Sendable (_ status: HTTPResponse.Status, _ code: String, _ message: String) -> Response
