internal import HTTPTypes
internal import Support

/// Refusals as clients of TorchServe read them: `{"code", "type", "message"}`.
///
/// - Source: pytorch/serve, `frontend/server/src/main/java/org/pytorch/serve/util/NettyUtils.java`; types are the names of
///   its exceptions.
extension ServingError {
    var torchServeJSON: JSONObject { .torchServeError(status, type: torchServeType, message) }

    private var torchServeType: String {
        switch self {
        case .unknownModel: "ModelNotFoundException"
        case .unknownVersion: "ModelVersionNotFoundException"
        case .missing, .forgotten: "ResourceNotFoundException"
        case .invalid, .unsupported, .undecodable: "BadRequestException"
        case .tooLarge: "RequestEntityTooLargeException"
        case .conflict: "ConflictStatusException"
        case .forbidden: "InvalidKeyException"
        case .modelFailed, .modelLoading, .modelUnloaded, .queueFull, .overloaded, .memoryFull, .busy,
            .quotaExceeded, .draining:
            "ServiceUnavailableException"
        case .deadlineExceeded: "RequestTimeoutException"
        case .cancelled, .failed: "InternalServerException"
        }
    }
}

extension JSONObject {
    /// A refusal that has no `ServingError`: of who may not ask, or asks too often.
    static func torchServeError(_ status: HTTPResponse.Status, _ message: String) -> JSONObject {
        let isTooOften = status == .tooManyRequests
        let type = isTooOften ? "ServiceUnavailableException" : "InvalidKeyException"
        return torchServeError(status, type: type, message)
    }

    fileprivate static func torchServeError(
        _ status: HTTPResponse.Status,
        type: String,
        _ message: String
    ) -> JSONObject {
        ["code": .integer(status.code), "type": .string(type), "message": .string(message)]
    }
}

extension Schema {
    static let torchServeError = Schema.named(
        "TorchServeError",
        .object(["code": .integer(), "type": .string(), "message": .string()])
    )
}
