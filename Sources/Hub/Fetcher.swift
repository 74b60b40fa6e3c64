internal import Platform

/// What is asked of the web: redirections are followed, what fails for a moment is tried again, and a secret is sent to whom
/// it belongs alone.
struct Fetcher {
    /// What this process may ask for, and whom.
    struct Rules: Sendable {
        /// Where the hub is.
        let endpoint: WebAddress
        /// What opens closed repositories there, and nowhere else.
        var token: String?
        var retry = RetryPolicy()

        /// Plain HTTP is for this machine, and for a hub whose operator has said so.
        func allows(_ address: WebAddress) -> Bool {
            if address.scheme == "https" { return true }
            return address.isLoopback || endpoint.scheme == "http" && address.host == endpoint.host
        }

        /// The secret, for requests to the hub itself.
        func token(for address: WebAddress) -> String? {
            address.origin == endpoint.origin ? token : nil
        }
    }

    /// What answered: the last head, and what the hub had said of a file before it led to where it lies.
    struct Answer {
        var head: WebClient.Head
        var linkedTag: String?
        var linkedSize: Int?
        var commit: String?
    }

    /// A status that is no success.
    struct Refusal: Error {
        let address: WebAddress
        let status: Int
        /// What Hugging Face calls it, such as `GatedRepo`.
        let code: String?
        let message: String?
        let retryAfter: Duration?

        /// Whether another try may go well.
        var isPassing: Bool { status == 408 || status == 429 || status >= 500 }
    }

    static let mostRedirections = 10

    let client: WebClient
    let rules: Rules
    /// Where a person asks for access.
    let page: String
    /// Waits; false when everything is to end.
    let pause: (_ duration: Duration, _ reason: String) -> Bool

    /// Asks once.
    ///
    /// - Parameters:
    ///   - address: where to begin.
    ///   - fields: such as `Range: bytes=7-`.
    ///   - take: is given the body of a success, and the head that goes before it.
    /// - Returns: what answered in the end.
    /// - Throws: `Refusal`, `WebClient.Failure`, `PullError`, and what `take` throws.
    func once(
        _ address: WebAddress,
        fields: [String] = [],
        take: @escaping (WebClient.Head, Span<UInt8>) throws -> Void
    ) throws -> Answer {
        var (next, answer) = (address, Answer(head: WebClient.Head()))
        for _ in 0...Self.mostRedirections {
            guard rules.allows(next) else { throw PullError.plain(next) }
            let secret = rules.token(for: next).map { ["Authorization: Bearer \($0)"] } ?? []
            let head = try client.exchange(next, fields: fields + secret) { head, bytes in
                if 200...299 ~= head.status { try take(head, bytes) }
            }
            answer.head = head
            answer.linkedTag = answer.linkedTag ?? head.fields["x-linked-etag"]
            answer.linkedSize = answer.linkedSize ?? head.fields["x-linked-size"].flatMap { Int($0) }
            answer.commit = answer.commit ?? head.fields["x-repo-commit"]
            if 200...299 ~= head.status { return answer }
            guard 300...399 ~= head.status, let location = head.location else {
                throw Refusal(
                    address: next,
                    status: head.status,
                    code: head.fields["x-error-code"],
                    message: head.fields["x-error-message"],
                    retryAfter: head.retryAfter
                )
            }
            guard let target = WebAddress(location) else {
                throw PullError.answer(host: next.host, "it leads to '\(location)'")
            }
            next = target
        }
        throw PullError.tooManyRedirections(address.text)
    }

    /// Calls `body` until it goes well, or fails for good.
    ///
    /// - Parameters:
    ///   - what: what is asked for, for messages.
    ///   - address: where it is asked for.
    ///   - progress: how much has come so far; a try that brought something does not count as failed.
    ///   - body: asks once.
    /// - Returns: what `body` returns.
    /// - Throws: `PullError`, and what else `body` throws.
    func retrying<Result>(
        _ what: String,
        at address: WebAddress,
        progress: () -> Int = { 0 },
        _ body: () throws -> Result
    ) throws -> Result {
        var (failed, before) = (0, progress())
        while true {
            do {
                return try body()
            } catch {
                let (isPassing, wish) = Self.prospects(of: error)
                let now = progress()
                failed = now > before ? 1 : failed + 1
                before = now
                let chance = Double.random(in: 0...1)
                let sentence = sentence(for: error, what, at: address)
                guard isPassing, let wait = rules.retry.pause(after: failed, wish: wish, chance: chance)
                else {
                    throw sentence
                }
                guard pause(wait, "\(sentence)") else { throw PullError.cancelled }
            }
        }
    }

    private static func prospects(of error: any Error) -> (isPassing: Bool, wish: Duration?) {
        switch error {
        case let failure as WebClient.Failure: (failure.isPassing, nil)
        case let refusal as Refusal: (refusal.isPassing, refusal.retryAfter)
        case PullError.cutShort: (true, nil)
        default: (false, nil)
        }
    }

    /// What is said about a failure.
    private func sentence(for error: any Error, _ what: String, at address: WebAddress) -> any Error {
        switch error {
        case let refusal as Refusal: return sentence(for: refusal, what)
        case WebClient.Failure.unreachable(let reason):
            return PullError.unreachable(host: address.host, reason)
        case WebClient.Failure.untrusted(let reason): return PullError.untrusted(host: address.host, reason)
        case WebClient.Failure.stalled: return PullError.stalled(what, seconds: client.limits.stallSeconds)
        case WebClient.Failure.cutShort(let reason): return PullError.transfer("\(what): \(reason)")
        case WebClient.Failure.cancelled: return PullError.cancelled
        case WebClient.Failure.other(let reason): return PullError.transfer("\(what): \(reason)")
        default: return error
        }
    }

    private func sentence(for refusal: Refusal, _ what: String) -> PullError {
        let hasToken = rules.token(for: refusal.address) != nil
        let host = refusal.address.host
        switch (refusal.status, refusal.code) {
        case (_, "GatedRepo"):
            return .gated(what, page: page, hasToken: hasToken)
        case (401, _): return .unauthorized(what, hasToken: hasToken)
        case (403, _): return hasToken ? .forbidden(what) : .unauthorized(what, hasToken: false)
        case (404, _), (410, _): return .notFound(what, hint: "")
        case (429, _): return .tooManyRequests(host: host, wait: refusal.retryAfter)
        default: return .refused(host: host, status: refusal.status, refusal.message)
        }
    }
}
