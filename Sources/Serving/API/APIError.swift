package import HTTPTypes

/// What a request is refused with: the status, a code for programs and a sentence for people.
///
/// Every layer of `Serving` throws this type, so a mistake has one name on every route. A message says what was
/// expected and what was found, and never quotes a path of this machine that the client did not send. To add a
/// case: a static function in the extension of its family.
package struct APIError: Error, Equatable, CustomStringConvertible {
    package let status: HTTPResponse.Status
    /// A stable name in snake case, such as `model_not_found`.
    package let code: String
    package let message: String
    /// When trying again may help, in seconds, for `Retry-After`.
    package let retryAfterSeconds: Int?

    package var description: String { message }

    package init(
        _ status: HTTPResponse.Status,
        code: String,
        _ message: String,
        retryAfterSeconds: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.message = Self.bounded(message)
        self.retryAfterSeconds = retryAfterSeconds
    }
}

extension APIError {
    /// Messages quote what clients sent; they do not send it back whole.
    private static func bounded(_ message: String) -> String {
        let limit = 2000
        return message.utf8.count <= limit ? message : message.prefix(limit) + "…"
    }
}

/// Requests that are wrong in themselves.
extension APIError {
    /// The request does not say what it must, or says it wrongly.
    package static func badRequest(_ message: String, code: String = "bad_request") -> APIError {
        APIError(.badRequest, code: code, message)
    }

    /// A parameter has a value that it cannot have.
    package static func invalidParameter(_ name: String, expected: String, found: String) -> APIError {
        .badRequest("\(name): expected \(expected), found '\(found)'", code: "invalid_parameter")
    }

    /// A sequence, an image or a tensor does not fit the model.
    package static func invalidInput(_ message: String) -> APIError {
        .badRequest(message, code: "invalid_input")
    }

    /// The body is of a kind that is not taken here.
    package static func unsupportedMediaType(_ message: String) -> APIError {
        APIError(.unsupportedMediaType, code: "unsupported_media_type", message)
    }

    /// The same error with the place where it happened before its message.
    func at(_ place: String) -> APIError {
        APIError(status, code: code, "\(place): \(message)", retryAfterSeconds: retryAfterSeconds)
    }

    /// The bytes are not an image that can be decoded.
    package static func undecodableImage(_ message: String) -> APIError {
        APIError(.unprocessableContent, code: "undecodable_image", message)
    }

    /// The image is larger than this server decodes.
    package static func imageTooLarge(_ message: String) -> APIError {
        APIError(.contentTooLarge, code: "image_too_large", message)
    }
}

/// Models that are not there or not ready.
extension APIError {
    /// No model has that name.
    package static func unknownModel(_ name: String, nearest: String?) -> APIError {
        let hint = nearest.map { "; did you mean '\($0)'?" } ?? ""
        return APIError(.notFound, code: "model_not_found", "unknown model '\(name)'\(hint)")
    }

    /// The model has no such version.
    package static func unknownVersion(_ version: String, of model: String, versions: [String]) -> APIError {
        let known = versions.joined(separator: ", ")
        let message = "model '\(model)' has no version '\(version)'; it has \(known)"
        return APIError(.notFound, code: "version_not_found", message)
    }

    /// The model is there but could not be loaded.
    package static func modelFailed(_ model: String, version: String, reason: String) -> APIError {
        let message = "model '\(model)' version \(version) failed to load: \(reason)"
        return APIError(.serviceUnavailable, code: "model_failed", message)
    }

    /// The model is not loaded yet.
    package static func modelLoading(_ model: String, version: String) -> APIError {
        let message = "model '\(model)' version \(version) is still loading"
        return APIError(.serviceUnavailable, code: "model_loading", message, retryAfterSeconds: 1)
    }
}

/// Work that was not done in time or not at all.
extension APIError {
    /// The model's queue cannot take the request.
    package static func queueFull(model: String, waiting: Int, limit: Int, retryAfter: Int) -> APIError {
        let message = "the queue of model '\(model)' is full: \(waiting) of \(limit) items wait"
        return APIError(.serviceUnavailable, code: "queue_full", message, retryAfterSeconds: retryAfter)
    }

    /// The server is shutting down.
    package static let draining = APIError(
        .serviceUnavailable,
        code: "draining",
        "the server is shutting down",
        retryAfterSeconds: 1
    )

    /// The request's time was over before its answer was there.
    package static let deadlineExceeded = APIError(
        .gatewayTimeout,
        code: "deadline_exceeded",
        "the request's deadline passed before its answer was ready"
    )

    /// The client closed its connection; nobody reads this answer, but logs and metrics do.
    package static let cancelled = APIError(
        HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request"),
        code: "cancelled",
        "the client closed the connection before its answer was ready"
    )

    /// The server made a mistake.
    package static func internalError(_ message: String, code: String = "internal_error") -> APIError {
        APIError(.internalServerError, code: code, message)
    }
}
