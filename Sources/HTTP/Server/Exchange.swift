internal import HTTPTypes
internal import Platform

/// A request between its arrival and the end of its answer.
struct Exchange {
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

    init(
        sequence: Int,
        context: ResponseEncoder.Context,
        cancellation: Cancellation = Cancellation(),
        response: Response? = nil
    ) {
        self.sequence = sequence
        self.context = context
        self.cancellation = cancellation
        self.response = response
    }

    /// Whether somebody still works on the answer.
    var isUnfinished: Bool { response == nil || channel != nil }

    /// Whether the connection has to end with this answer: the handler wants it, or only the end of the connection
    /// tells the end of the body (RFC 9112 §6.3).
    var closesConnection: Bool {
        guard let response else { return false }
        return response.closesConnection || response.stream != nil && context.version == .http10
    }

    /// Takes the handler's answer.
    mutating func answer(with response: Response, _ channel: BodyChannel?) {
        self.response = response
        self.channel = channel
    }

    /// Tells who works on the answer that nobody waits for it any more.
    func cancel() {
        cancellation.cancel()
        channel?.close()
    }

    /// Writes the head.
    mutating func begin(_ outbound: inout Outbound, keepsAlive: Bool, date: String) {
        guard let response else { preconditionFailure("answer \(sequence) begins before it is there") }
        var context = context
        context.keepsAlive = keepsAlive
        outbound.append(ResponseEncoder.head(of: response, context, date: date))
        if channel == nil { outbound.append(ResponseEncoder.body(of: response, context)) }
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
