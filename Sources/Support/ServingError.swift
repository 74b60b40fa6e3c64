/// Why a request has no answer: one type for every layer below the clients' protocols.
///
/// A case holds facts; `code` is their stable name for programs and `message` a sentence for people that says what was
/// expected and what was found, and never quotes a path of this machine. Which status that is in HTTP, a renderer of
/// `API` knows. To add a case: its line in `code`, in `message`, and in the renderers.
package enum ServingError: Error, Equatable, Sendable {
    /// What was sent is wrong in itself or does not fit the model.
    case invalid(code: String, String)
    /// What was sent is of a kind that is not taken.
    case unsupported(String)
    /// The bytes are not an image that can be decoded.
    case undecodable(String)
    /// Answering would cost more than one request may.
    case tooLarge(code: String, String)
    /// No model has that name.
    case unknownModel(String, nearest: String?)
    /// The model has no such version.
    case unknownVersion(String, of: String, known: [String])
    /// Something else that was named is not there.
    case missing(code: String, String)
    /// It was there and is forgotten.
    case forgotten(code: String, String)
    /// Another request works on it.
    case conflict(code: String, String)
    /// The model is there but could not be loaded.
    case modelFailed(String, version: String, reason: String)
    /// The model is not loaded yet.
    case modelLoading(String, version: String)
    /// The model is not loaded, and no request has it loaded.
    case modelUnloaded(String, version: String)
    /// Who asks may not ask for that.
    case forbidden(String)
    /// The model's queue cannot take the request.
    case queueFull(model: String, waiting: Int, limit: Int, retryAfter: Int)
    /// The request would wait longer than it may.
    case overloaded(model: String, wait: Duration, limit: Duration)
    /// There are not as many bytes left as the request would make the daemon hold.
    case memoryFull(wanted: Int, limit: Int)
    /// As many of a kind are worked on as may be.
    case busy(code: String, String)
    /// The client has as many of a kind as one client may.
    case quotaExceeded(code: String, String)
    /// The daemon is on its way out.
    case draining
    /// The request's time was over before its answer was there.
    case deadlineExceeded
    /// The client has gone; nobody reads this, but logs and metrics do.
    case cancelled
    /// The daemon made a mistake.
    case failed(code: String, String)
}

extension ServingError: CustomStringConvertible {
    /// A stable name in snake case, such as `model_not_found`.
    package var code: String {
        switch self {
        case .invalid(let code, _), .tooLarge(let code, _), .missing(let code, _), .forgotten(let code, _),
            .conflict(let code, _), .busy(let code, _), .quotaExceeded(let code, _), .failed(let code, _):
            code
        case .unsupported: "unsupported_media_type"
        case .undecodable: "undecodable_image"
        case .unknownModel: "model_not_found"
        case .unknownVersion: "version_not_found"
        case .modelFailed: "model_failed"
        case .modelLoading: "model_loading"
        case .modelUnloaded: "model_unloaded"
        case .forbidden: "forbidden"
        case .queueFull: "queue_full"
        case .overloaded: "overloaded"
        case .memoryFull: "memory_full"
        case .draining: "draining"
        case .deadlineExceeded: "deadline_exceeded"
        case .cancelled: "cancelled"
        }
    }

    /// A sentence for people, of at most `maxMessageBytes` and an ellipsis.
    package var message: String { sentence.clipped(to: Self.maxMessageBytes) }

    package var description: String { message }

    /// When trying again may help, in whole seconds; nil where it will not.
    package var retryAfterSeconds: Int? {
        switch self {
        case .queueFull(_, _, _, let seconds): seconds
        case .overloaded(_, let wait, let limit): Self.wholeSeconds(wait - limit)
        case .modelLoading, .memoryFull, .busy, .quotaExceeded, .draining: 1
        default: nil
        }
    }

    /// Messages quote what clients sent; they do not send it back whole.
    private static let maxMessageBytes = 2000

    private var sentence: String {
        switch self {
        case .invalid(_, let message), .unsupported(let message), .undecodable(let message),
            .forbidden(let message), .tooLarge(_, let message), .missing(_, let message),
            .forgotten(_, let message),
            .conflict(_, let message), .busy(_, let message), .quotaExceeded(_, let message),
            .failed(_, let message):
            return message
        case .unknownModel(let name, let nearest):
            return "unknown model '\(name)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
        case .unknownVersion(let version, let model, let known):
            return "model '\(model)' has no version '\(version)'; it has \(known.joined(separator: ", "))"
        case .modelFailed(let model, let version, let reason):
            return "model '\(model)' version \(version) failed to load: \(reason)"
        case .modelLoading(let model, let version):
            return "model '\(model)' version \(version) is still loading"
        case .modelUnloaded(let model, let version):
            return "model '\(model)' version \(version) is not loaded"
        case .queueFull(let model, let waiting, let limit, _):
            return "the queue of model '\(model)' is full: \(waiting) of \(limit) items wait"
        case .overloaded(let model, let wait, let limit):
            let found = "model '\(model)' would begin in \(Self.milliseconds(wait)) ms"
            return "\(found), and the request may wait \(Self.milliseconds(limit)) ms; try again later"
        case .memoryFull(let wanted, let limit):
            let needed = "the request needs \(wanted) bytes"
            return "\(needed), and not as many are free of the \(limit) that all requests have together"
        case .draining: return "the server is shutting down"
        case .deadlineExceeded: return "the request's deadline passed before its answer was ready"
        case .cancelled: return "the client closed the connection before its answer was ready"
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }

    /// At least 1, at most 60.
    private static func wholeSeconds(_ duration: Duration) -> Int {
        Int(min(max((duration / .seconds(1)).rounded(.up), 1), 60))
    }
}

extension ServingError {
    /// The request does not say what it must, or says it wrongly.
    package static func badRequest(_ message: String, code: String = "bad_request") -> ServingError {
        .invalid(code: code, message)
    }

    /// A parameter has a value that it cannot have.
    package static func invalidParameter(_ name: String, expected: String, found: String) -> ServingError {
        .invalid(
            code: "invalid_parameter",
            "\(name): expected \(expected), found '\(found.clipped(to: 200))'"
        )
    }

    /// A sequence, an image or a tensor does not fit the model.
    package static func invalidInput(_ message: String) -> ServingError {
        .invalid(code: "invalid_input", message)
    }

    /// The server made a mistake.
    package static func internalError(_ message: String, code: String = "internal_error") -> ServingError {
        .failed(code: code, message)
    }

    /// The same error with the place where it happened before its message.
    package func at(_ place: String) -> ServingError {
        switch self {
        case .invalid(let code, let message): .invalid(code: code, "\(place): \(message)")
        case .unsupported(let message): .unsupported("\(place): \(message)")
        case .undecodable(let message): .undecodable("\(place): \(message)")
        case .tooLarge(let code, let message): .tooLarge(code: code, "\(place): \(message)")
        case .failed(let code, let message): .failed(code: code, "\(place): \(message)")
        default: self
        }
    }
}
