internal import CCurl

/// Sends GET requests by libcurl, one at a time, and passes on what comes while it comes.
///
/// It knows nothing of redirections, of secrets and of trying again: `Fetcher` does.
@safe // the C object lives as long as this one
final class WebClient {
    /// The status and fields of an answer.
    struct Head: Sendable, Equatable {
        var status = 0
        /// By their names in lower case; of two with one name the last.
        var fields: [String: String] = [:]
        /// Where a redirection leads to.
        var location: String?
        /// What a peer that is busy asks to wait for.
        var retryAfter: Duration?
    }

    /// Why there is no answer, or not all of it.
    enum Failure: Error, Equatable {
        case unreachable(String)
        case untrusted(String)
        case stalled
        case cutShort(String)
        case cancelled
        case other(String)

        /// Whether another try may go well.
        var isPassing: Bool {
            switch self {
            case .unreachable, .stalled, .cutShort: true
            case .untrusted, .cancelled, .other: false
            }
        }
    }

    /// When an exchange is given up.
    struct Limits: Sendable {
        var connectSeconds = 20
        /// For how long less than `stallBytes` a second may come.
        var stallSeconds = 30
        var stallBytes = 1024
    }

    private let client: OpaquePointer
    let limits: Limits
    private let userAgent: String
    private let certificates: String?
    private let isCancelled: () -> Bool

    /// Opens libcurl.
    ///
    /// - Parameters:
    ///   - limits: when an exchange is given up.
    ///   - userAgent: what the server is told who asks.
    ///   - certificates: a PEM file of those to trust in place of the system's.
    ///   - isCancelled: asked once a second or more often.
    /// - Throws: `PullError.noClient` where it cannot be had.
    init(
        limits: Limits = Limits(),
        userAgent: String,
        certificates: String? = nil,
        isCancelled: @escaping () -> Bool = { false }
    ) throws(PullError) {
        if let problem = unsafe web_load() { throw .noClient(unsafe String(cString: problem)) }
        guard let client = unsafe web_client_make() else { throw .noClient("there is no memory for it") }
        unsafe self.client = client
        self.limits = limits
        self.userAgent = userAgent
        self.certificates = certificates
        self.isCancelled = isCancelled
    }

    deinit { unsafe web_client_free(client) }

    /// What C calls back with: the answer so far, and who takes its body.
    private final class Exchange {
        var head = Head()
        var failure: (any Error)?
        let take: (Head, Span<UInt8>) throws -> Void
        let isCancelled: () -> Bool

        init(_ take: @escaping (Head, Span<UInt8>) throws -> Void, _ isCancelled: @escaping () -> Bool) {
            self.take = take
            self.isCancelled = isCancelled
        }

        func takeField(_ line: String) {
            let line = line.filter { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
            if line.hasPrefix("HTTP/") {
                // One that goes before the answer (1xx) is forgotten.
                head = Head(status: line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            } else if let colon = line.firstIndex(of: ":") {
                let name = line[..<colon].lowercased()
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                head.fields[name] = String(value)
            }
        }
    }

    /// Asks for what is at an address.
    ///
    /// - Parameters:
    ///   - address: of the resource.
    ///   - fields: such as `Range: bytes=7-`.
    ///   - take: is given the head and the next bytes of the body, as long as it does not throw.
    /// - Returns: the head, when all of the body was there.
    /// - Throws: `Failure`, and what `take` throws.
    func exchange(
        _ address: WebAddress,
        fields: [String],
        take: @escaping (Head, Span<UInt8>) throws -> Void
    ) throws -> Head {
        let exchange = Exchange(take, isCancelled)
        var answer = web_answer()
        withExtendedLifetime(exchange) { perform(address, fields, exchange, &answer) }
        if let failure = exchange.failure { throw failure }
        let reason = Self.text(&answer.reason)
        switch answer.result {
        case web_done: break
        case web_unreachable: throw Failure.unreachable(reason)
        case web_untrusted: throw Failure.untrusted(reason)
        case web_stalled: throw Failure.stalled
        case web_cut_short: throw Failure.cutShort(reason)
        case web_stopped: throw Failure.cancelled
        default: throw Failure.other(reason)
        }
        let location = Self.text(&answer.location)
        exchange.head.location = location.isEmpty ? nil : location
        let seconds = answer.retry_after
        exchange.head.retryAfter = seconds > 0 ? .seconds(min(seconds, 1_000_000)) : nil
        return exchange.head
    }

    private func perform(
        _ address: WebAddress,
        _ fields: [String],
        _ exchange: Exchange,
        _ answer: inout web_answer
    ) {
        // One text after the other, each with its zero, and where they begin.
        var text: [CChar] = []
        let starts = ([address.text, userAgent, certificates ?? ""] + fields).map { string in
            defer { text += string.utf8.filter { $0 != 0 }.map { CChar(bitPattern: $0) } + [0] }
            return text.count
        }
        unsafe text.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var names = unsafe starts.map { unsafe base + $0 }
            unsafe perform(exchange, &names, &answer)
        }
    }

    /// Sends the request; `names` are the address, who asks, the certificates, and the fields.
    private func perform(
        _ exchange: Exchange,
        _ names: inout [UnsafePointer<CChar>],
        _ answer: inout web_answer
    ) {
        let (url, agent, file) = unsafe (names[0], names[1], certificates == nil ? nil : names[2])
        unsafe names.withUnsafeBufferPointer { names in
            guard let base = names.baseAddress else { return }
            var request = unsafe web_request(
                url: url,
                fields: base + 3,
                field_count: names.count - 3,
                user_agent: agent,
                ca_file: file,
                connect_seconds: limits.connectSeconds,
                stall_seconds: limits.stallSeconds,
                stall_bytes: limits.stallBytes,
                context: Unmanaged.passUnretained(exchange).toOpaque(),
                field: { context, line, count in
                    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                    let bytes = unsafe UnsafeBufferPointer(start: line, count: count)
                    exchange.takeField(unsafe String(decoding: bytes, as: UTF8.self))
                    return true
                },
                body: { context, bytes, count in
                    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                    let bytes = unsafe UnsafeBufferPointer(start: bytes, count: count)
                    do {
                        try exchange.take(exchange.head, unsafe bytes.span)
                        return true
                    } catch {
                        exchange.failure = error
                        return false
                    }
                },
                goes_on: { context in
                    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                    return !exchange.isCancelled()
                }
            )
            unsafe web_exchange(client, &request, &answer)
        }
    }

    /// The text in an array of C, which ends at its first zero.
    private static func text<Characters>(_ characters: inout Characters) -> String {
        unsafe withUnsafeBytes(of: &characters) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
