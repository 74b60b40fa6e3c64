internal import HTTPTypes
internal import Platform

/// A request between its arrival and the end of its answer; belongs to its connection.
final class Exchange {
    /// How far an answer's body is.
    enum Progress {
        /// It goes on once more of it is made, or once what waits is written.
        case waiting
        case complete
        case truncated
    }

    /// With so many bytes to write, no more is taken of a stream: what a slow reader costs is this and its channel.
    private static let maxWaitingBytes = 64 * 1024

    let sequence: Int
    let context: ResponseEncoder.Context
    let cancellation: Cancellation
    /// The answer, once a handler has given it.
    private(set) var response: Response?
    /// Whether its head is written.
    private(set) var hasBegun = false
    /// Where its body comes from when that is streamed.
    private var channel: BodyChannel?
    /// For the access log; nil where nobody keeps one.
    var served: Served?
    /// How many bytes of answers the connection had before this one.
    private(set) var firstByte = 0

    init(
        sequence: Int,
        context: ResponseEncoder.Context,
        cancellation: Cancellation = Cancellation(),
        response: Response? = nil,
        served: Served? = nil
    ) {
        self.sequence = sequence
        self.context = context
        self.cancellation = cancellation
        self.response = response
        self.served = served
    }

    /// Whether somebody still works on the answer.
    var isUnfinished: Bool { response == nil || channel != nil }

    /// Whether the connection has to end with this answer: the handler wants it, or only the end of the connection
    /// tells the end of the body (RFC 9112 §6.3).
    var closesConnection: Bool {
        guard let response else { return false }
        return response.closesConnection || response.isStreamed && context.version == .http10
    }

    /// Takes the handler's answer; where no body may follow, its maker is told so.
    func answer(with response: Response, _ channel: BodyChannel?, at now: ContinuousClock.Instant) {
        self.response = response
        self.response?.isStreamed = channel != nil
        served?.answered = now
        if ResponseEncoder.hasBody(response, isHead: context.isHead) {
            self.channel = channel
        } else {
            channel?.close()
        }
    }

    /// Tells who works on the answer that nobody waits for it any more.
    func cancel(_ failure: BodyChannel.Failure = .clientGone) {
        cancellation.cancel()
        channel?.close(failure)
    }

    /// How many bytes of an answer wait here, for those before it to be written.
    var waitingBytes: Int { hasBegun ? 0 : response?.body.count ?? 0 }

    /// Writes the head.
    func begin(_ outbound: inout Outbound, keepsAlive: Bool, date: String) {
        guard let response else { preconditionFailure("answer \(sequence) begins before it is there") }
        var context = context
        context.keepsAlive = keepsAlive
        firstByte = outbound.appended
        outbound.append(ResponseEncoder.head(of: response, context, date: date))
        if !response.isStreamed { outbound.append(ResponseEncoder.body(of: response, context)) }
        hasBegun = true
    }

    /// Writes as much of a streamed body as there is and as may wait.
    func moveBody(to outbound: inout Outbound) -> Progress {
        guard let channel else { return .complete }
        let isChunked = context.version == .http11
        while outbound.count < Self.maxWaitingBytes {
            let (bytes, end) = channel.take(Self.maxWaitingBytes - outbound.count)
            if !bytes.isEmpty { outbound.append(isChunked ? ResponseEncoder.chunk(bytes) : bytes) }
            switch end {
            case .complete?:
                if isChunked { outbound.append(ResponseEncoder.lastChunk) }
                return .complete
            case .truncated?: return .truncated
            case nil: if bytes.isEmpty { return .waiting }
            }
        }
        return .waiting
    }
}

extension Response {
    /// Whether the handler wants the connection to end with this answer.
    fileprivate var closesConnection: Bool {
        fields.contains(.connection) && FieldList.elements(fields[values: .connection]).contains("close")
    }
}
