internal import HTTP
internal import HTTPTypes
internal import Logging
internal import Support
internal import Synchronization

/// Which key a request comes with, and what that opens.
extension Access {
    /// No key is as long.
    private static let maxKeyBytes = 256
    private static let challenge = #"Bearer realm="martlet""#

    func checkKey(
        _ head: RequestHead,
        _ client: String,
        _ scope: Endpoint.Scope,
        _ admitted: inout Admitted
    ) -> Response? {
        guard let text = Self.key(in: head.fields) else {
            let message = "a key is needed: send it as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'"
            let fields: HTTPFields = [.wwwAuthenticate: Self.challenge]
            return refuse(.unauthorized, "key_missing", message, head, admitted, fields)
        }
        guard let key = find(text) else { return refuseKey(head, client, admitted) }
        admitted.caller = key
        guard key.opens(scope) else {
            let message = "the key '\(key.name)' does not have the scope '\(scope.rawValue)'"
            let fields: HTTPFields = [
                .wwwAuthenticate: Self.challenge
                    + #", error="insufficient_scope", scope="\#(scope.rawValue)""#
            ]
            return refuse(.forbidden, "scope_missing", message, head, admitted, fields)
        }
        if let model = admitted.destination.model, !key.opens(model: model) {
            let message = Self.closed(model, to: key)
            return refuse(.forbidden, "model_forbidden", message, head, admitted)
        }
        guard let wait = key.take(now: .now) else { return nil }
        let seconds = Int((wait / .seconds(1)).rounded(.up))
        let message = "the key '\(key.name)' asks more often than it may"
        let fields: HTTPFields = [.retryAfter: String(max(1, seconds))]
        return refuse(.tooManyRequests, "rate_limited", message, head, admitted, fields)
    }

    static func closed(_ model: String, to key: AccessKey) -> String {
        "the key '\(key.name)' does not open model '\(model.clipped(to: 100))'"
    }

    /// A key that is none is told in the log, and its address, if it goes on, in fewer words.
    private func refuseKey(_ head: RequestHead, _ client: String, _ admitted: Admitted) -> Response {
        let verdict = failures.withLock { $0.note(client, now: .now) }
        if let unlogged = verdict.unlogged {
            let metadata: Logger.Metadata = ["client": "\(client)", "unlogged": "\(unlogged)"]
            logger.warning("wrong key", metadata: metadata)
        }
        guard !verdict.isTooMany else {
            let message = "too many wrong keys came from this address"
            let fields: HTTPFields = [.retryAfter: "5", .connection: "close"]
            return refuse(.tooManyRequests, "too_many_wrong_keys", message, head, admitted, fields)
        }
        let fields: HTTPFields = [.wwwAuthenticate: Self.challenge + #", error="invalid_token""#]
        return refuse(.unauthorized, "key_unknown", "the key is not known here", head, admitted, fields)
    }

    /// What a client sends as its key; nil where it sends none.
    ///
    /// - Source: RFC 6750 §2.1; `X-Api-Key` counts where both are there, for others use `Authorization` too.
    private static func key(in fields: HTTPFields) -> String? {
        if let key = fields[.apiKey] { return key }
        guard let authorization = fields[.authorization] else { return nil }
        let parts = authorization.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }

    /// The key that is sent; every one is compared to its end.
    private func find(_ text: String) -> AccessKey? {
        guard text.utf8.count <= Self.maxKeyBytes else { return nil }
        let digest = AccessKey.Digest(of: Array(text.utf8))
        var found: AccessKey?
        for key in keys.withLock(\.self) {
            for known in key.definition.digests where known == digest { found = key }
        }
        return found
    }
}

extension HTTPField.Name {
    fileprivate static let apiKey = HTTPField.Name("X-Api-Key") ?? .server // a token: never the alternative
}
