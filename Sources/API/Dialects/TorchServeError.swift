internal import HTTPTypes
internal import Support

/// Refusals as clients of TorchServe read them: `{"code", "type", "message"}`.
///
/// - Source: pytorch/serve, `frontend/server/src/main/java/org/pytorch/serve/util/NettyUtils.java`; types are the names of
///   its exceptions.
extension ServingError {
    var torchServeJSON: JSONObject {
        [
            "code": .integer(status.code), "type": .string(torchServeType), "message": .string(message),
        ]
    }

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

extension Schema {
    static let torchServeError = Schema.named(
        "TorchServeError",
        .object(["code": .integer(), "type": .string(), "message": .string()])
    )
}
