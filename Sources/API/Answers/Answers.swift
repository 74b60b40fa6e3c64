package import HTTP
package import HTTPTypes
package import Support

extension Response {
    /// A JSON answer.
    init(json: JSONValue, status: HTTPResponse.Status = .ok) {
        self.init(
            status: status,
            fields: [.contentType: "application/json"],
            body: json.encoded + [UInt8(ascii: "\n")]
        )
    }

    /// A JSON object.
    init(json: JSONObject, status: HTTPResponse.Status = .ok) {
        self.init(json: .object(json), status: status)
    }

    /// Martlet's form of a refusal: `{"error": "<sentence>", "code": "<snake_case>"}`.
    package init(_ error: ServingError) { self.init(error, .martlet) }

    /// A refusal as the clients of a protocol read it.
    init(_ error: ServingError, _ form: ErrorForm) {
        self.init(json: form.json(error), status: error.status)
        if let seconds = error.retryAfterSeconds { fields[.retryAfter] = String(seconds) }
    }

    /// A refusal of the server itself, in the same form.
    package init(status: HTTPResponse.Status, code: String, message: String) {
        self.init(json: ["error": .string(message), "code": .string(code)], status: status)
    }

    /// Says in `Server-Timing` what took how long (W3C Server Timing, §3).
    mutating func setServerTiming(_ values: RequestRecord.Values, total: Duration) {
        var text = ""
        for (name, duration) in [
            ("decode", values.decode), ("preprocess", values.preprocess), ("queue", values.queue),
            ("inference", values.inference), ("total", total),
        ] where duration > .zero {
            if !text.isEmpty { text += ", " }
            text += "\(name);dur=\(milliseconds(duration))"
        }
        fields[.serverTiming] = text
    }

    /// Says as which span of the client's trace this was done (`TraceContext.response`).
    mutating func setTrace(_ values: RequestRecord.Values) {
        guard let trace = values.trace else { return }
        fields[.traceResponse] = trace.response
    }
}

extension HTTPField.Name {
    static let traceParent = HTTPField.Name("traceparent") ?? .server // a token: never the alternative
    static let traceResponse = HTTPField.Name("traceresponse") ?? .server // a token: never the alternative
    static let serverTiming = HTTPField.Name("Server-Timing") ?? .server // a token: never the alternative
}

extension TraceContext {
    /// What a request says of the trace that it belongs to; nil where it says nothing, or nothing valid.
    init?(_ request: Request) {
        guard request.fields.contains(.traceParent) else { return nil }
        let values = request.fields[values: .traceParent]
        guard values.count == 1 else { return nil }
        self.init(parent: values[0])
    }
}

extension ServingError {
    /// What HTTP calls it.
    package var status: HTTPResponse.Status {
        switch self {
        case .invalid: .badRequest
        case .unsupported: .unsupportedMediaType
        case .undecodable: .unprocessableContent
        case .tooLarge: .contentTooLarge
        case .unknownModel, .unknownVersion, .missing: .notFound
        case .forgotten: .gone
        case .conflict: .conflict
        case .quotaExceeded: .tooManyRequests
        case .forbidden: .forbidden
        case .modelFailed, .modelLoading, .modelUnloaded, .queueFull, .overloaded, .memoryFull, .busy,
            .draining:
            .serviceUnavailable
        case .deadlineExceeded: .gatewayTimeout
        case .cancelled: HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request")
        case .failed: .internalServerError
        }
    }

    /// Martlet's form of an error, as an answer or as an entry of a list.
    var json: JSONObject { ["error": .string(message), "code": .string(code)] }
}

/// How refusals look: what programs of one protocol or another read.
///
/// That of Martlet's own has the `error` that all look for but TorchServe's. To add one: a case, and its lines in `json`
/// and `schema`.
enum ErrorForm: Sendable {
    case martlet
    case torchServe
    case huggingFace

    func json(_ error: ServingError) -> JSONObject {
        switch self {
        case .martlet: error.json
        case .torchServe: error.torchServeJSON
        case .huggingFace: error.huggingFaceJSON
        }
    }

    /// The refusal of a request that has not come as far as its route's work.
    func json(_ status: HTTPResponse.Status, code: String, _ message: String) -> JSONObject {
        guard case .torchServe = self else { return ["error": .string(message), "code": .string(code)] }
        return .torchServeError(status, message)
    }

    /// What a refusal of a route may look like; what is no request at all is refused in Martlet's form before it has a route.
    var schema: Schema {
        switch self {
        case .martlet: .error
        case .torchServe: .anyOf([.torchServeError, .error])
        case .huggingFace: .anyOf([.huggingFaceError, .error])
        }
    }
}

/// Milliseconds to the microsecond, the resolution in which answers tell time.
func milliseconds(_ duration: Duration) -> Double {
    ((duration / .milliseconds(1)) * 1000).rounded() / 1000
}
