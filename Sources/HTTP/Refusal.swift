package import HTTPTypes

/// Why the server itself refuses a request: the status, a name for programs and a sentence for people.
package struct Refusal: Error, Equatable, Sendable {
    package let status: HTTPResponse.Status
    /// In snake case, such as `body_too_large`.
    package let code: String
    package let message: String

    package init(_ status: HTTPResponse.Status, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    static func malformed(_ message: String) -> Refusal {
        Refusal(.badRequest, "malformed_request", message)
    }

    static func bodyTooLarge(limit: Int) -> Refusal {
        Refusal(.contentTooLarge, "body_too_large", "the body is larger than the limit of \(limit) bytes")
    }

    static let uriTooLong = Refusal(.uriTooLong, "uri_too_long", "the request line is too long")
    static let fieldsTooLarge = Refusal(
        .requestHeaderFieldsTooLarge,
        "header_too_large",
        "the header fields are too many or too long"
    )
    static let tooSlow = Refusal(.requestTimeout, "request_timeout", "the request did not arrive in time")
    static let incomplete = malformed("the connection ended in the middle of the request")
    static let memoryFull = Refusal(
        .serviceUnavailable,
        "memory_full",
        "the server holds as many bytes of requests and answers as it accepts; try again later"
    )
    static let tooSlowForRoom = Refusal(
        .serviceUnavailable,
        "memory_full",
        "the server's memory is full, and this body was the slowest to arrive; try again later"
    )
    static let unanswered = Refusal(
        .internalServerError,
        "unanswered",
        "the request was given up without an answer"
    )
    static let connectionsFull = Refusal(
        .serviceUnavailable,
        "connections_full",
        "the server has as many connections as it accepts; try again later"
    )
}
