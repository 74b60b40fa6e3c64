internal import HTTPTypes
internal import Platform

/// Turns the bytes of a connection into requests, however they are cut into pieces; no socket in it.
///
/// It reads every rule of RFC 9112 the strict way, because a server that guesses disagrees with the proxy in
/// front of it about where a request ends. Lines end in CRLF: a lone LF, which §2.2 would allow, is refused.
/// After a refusal it swallows everything, for no byte that follows can be trusted.
package struct RequestParser: Sendable {
    /// What `next` has found.
    package enum Event: Sendable {
        /// The head is complete; the body follows, if there is one.
        case head(RequestHead)
        /// The body is complete, and with it the request; empty when the request has none.
        case body([UInt8])
        /// The request cannot be understood or is too large; nothing more will come.
        case refusal(Refusal)
    }

    private enum State: Sendable {
        /// Between requests: nothing of the next one has arrived.
        case start
        /// Within the request line, or within the one empty line that may precede it.
        case requestLine
        /// Within the header lines.
        case fields(RequestLine)
        /// Within a body of known length, of which this much is missing.
        case sized(missing: Int)
        /// Within the line that announces a chunk.
        case chunkLine
        /// Within a chunk, of which this much is missing.
        case chunk(missing: Int)
        /// At the line end that closes a chunk.
        case chunkEnd
        /// Within the lines after the last chunk, which are checked and dropped.
        case trailers
        /// All of the body is here and has to be handed over.
        case complete
        /// Refused; nothing is read any more.
        case refused
    }

    private let limits: ParserLimits
    private var state = State.start
    /// The beginning of a line whose end has not arrived.
    private var partialLine: [UInt8] = []
    private var fields = HTTPFields()
    private var fieldBytes = 0
    private var fieldCount = 0
    private var noted: NotedFields = []
    private var skippedEmptyLine = false
    private var body: [UInt8] = []
    private var bodyCapacityLimit = 0
    private var maxBodyBytes: Int
    private var chunks = 0
    private var chunkExtensionBytes = 0

    package init(limits: ParserLimits = ParserLimits()) {
        self.limits = limits
        maxBodyBytes = limits.maxBodyBytes
    }

    /// Lowers the limit for the body whose head has just been found.
    ///
    /// - Throws: `Refusal` when the body is announced as larger.
    package mutating func limitBody(to limit: Int) throws(Refusal) {
        maxBodyBytes = min(maxBodyBytes, limit)
        bodyCapacityLimit = min(bodyCapacityLimit, maxBodyBytes)
        if case .sized(let missing) = state, missing > maxBodyBytes {
            throw .bodyTooLarge(limit: maxBodyBytes)
        }
    }

    /// Whether nothing of a next request has arrived.
    package var isBetweenRequests: Bool {
        if case .start = state { true } else { false }
    }

    /// Whether a head is complete and its body is not.
    package var isInBody: Bool {
        switch state {
        case .sized, .chunkLine, .chunk, .chunkEnd, .trailers, .complete: true
        case .start, .requestLine, .fields, .refused: false
        }
    }

    /// How much of the body has arrived.
    package var bodyCount: Int { body.count }

    /// Reads on from `position`, which moves past what has been read.
    ///
    /// - Returns: the next event, or nil when all of `input` is used up; call it until then.
    package mutating func next(_ input: Span<UInt8>, at position: inout Int) -> Event? {
        do {
            while true {
                if let event = try step(input, &position) { return event }
                if position == input.count { return nil }
            }
        } catch {
            refuse()
            position = input.count
            return .refusal(error)
        }
    }

    /// Lets go of everything; from now on bytes are swallowed.
    package mutating func refuse() {
        state = .refused
        partialLine = []
        body = []
        fields = HTTPFields()
    }

    private mutating func step(_ input: Span<UInt8>, _ position: inout Int) throws(Refusal) -> Event? {
        switch state {
        case .start:
            guard position < input.count else { return nil }
            try checkFirstByte(input[position])
            state = .requestLine
        case .requestLine:
            return try line(input, &position, limit: limits.maxRequestLineBytes, over: .uriTooLong)
        case .fields, .trailers:
            return try line(
                input,
                &position,
                limit: max(0, limits.maxFieldBytes - fieldBytes - 2),
                over: .fieldsTooLarge
            )
        case .chunkLine:
            let over = Refusal.malformed("a chunk's size line is too long")
            return try line(input, &position, limit: limits.maxChunkLineBytes, over: over)
        case .chunkEnd:
            let over = Refusal.malformed("a chunk is longer than its size")
            return try line(input, &position, limit: 0, over: over)
        case .sized(let missing):
            let left = copyBody(input, &position, missing)
            state = left == 0 ? .complete : .sized(missing: left)
            return left == 0 ? finish() : nil
        case .chunk(let missing):
            let left = copyBody(input, &position, missing)
            state = left == 0 ? .chunkEnd : .chunk(missing: left)
        case .complete:
            return finish()
        case .refused:
            position = input.count
        }
        return nil
    }

    /// Something that cannot begin a method is told at once, before a line end that may never come.
    private func checkFirstByte(_ byte: UInt8) throws(Refusal) {
        if byte.isToken || byte == UInt8(ascii: "\r") { return }
        if byte == 0x16 { throw .malformed("this port speaks HTTP, not TLS") }
        throw .malformed("the request line does not begin with a method")
    }

    // MARK: Lines

    private mutating func line(
        _ input: Span<UInt8>,
        _ position: inout Int,
        limit: Int,
        over: Refusal
    ) throws(Refusal) -> Event? {
        let start = position
        guard let lineFeed = input.firstIndex(of: UInt8(ascii: "\n"), from: start) else {
            // The carriage return may be the last byte here.
            guard partialLine.count + input.count - start <= limit + 1 else { throw over }
            partialLine.append(copying: input.extracting(start...))
            position = input.count
            return nil
        }
        guard partialLine.count + lineFeed - start <= limit + 1 else { throw over }
        position = lineFeed + 1
        if partialLine.isEmpty { return try accept(input.extracting(start..<lineFeed)) }
        partialLine.append(copying: input.extracting(start..<lineFeed))
        var whole: [UInt8] = []
        swap(&whole, &partialLine)
        return try accept(whole.span)
    }

    /// Takes a line that still has its carriage return.
    private mutating func accept(_ line: Span<UInt8>) throws(Refusal) -> Event? {
        // RFC 9112 §2.2: a lone LF could end a line; here it does not.
        guard line.count > 0, line[line.count - 1] == UInt8(ascii: "\r") else {
            throw .malformed("a line ends in LF without CR")
        }
        let line = line.extracting(..<(line.count - 1))
        guard line.firstIndex(of: UInt8(ascii: "\r")) == nil else {
            throw .malformed("a line holds a bare CR")
        }
        switch state {
        case .requestLine: try acceptRequestLine(line)
        case .fields(let requestLine): return try acceptField(line, of: requestLine)
        case .chunkLine: try acceptChunkLine(line)
        case .chunkEnd: state = .chunkLine
        case .trailers: return try acceptTrailer(line)
        case .start, .sized, .chunk, .complete, .refused: preconditionFailure("no line is read in \(state)")
        }
        return nil
    }

    private mutating func acceptRequestLine(_ line: Span<UInt8>) throws(Refusal) {
        guard line.isEmpty else {
            state = .fields(try RequestLine(line))
            return
        }
        // RFC 9112 §2.2: at least one empty line before the request line is to be ignored.
        guard !skippedEmptyLine else { throw .malformed("there are empty lines before the request line") }
        skippedEmptyLine = true
        state = .start
    }

    private mutating func acceptField(_ line: Span<UInt8>, of requestLine: RequestLine) throws(Refusal)
        -> Event?
    {
        guard line.isEmpty else {
            noted.note(line)
            fields.append(try countedField(line))
            return nil
        }
        let head = try RequestHead(requestLine, fields: fields, noted: noted, limits: limits)
        switch head.framing {
        case .none:
            state = .complete
        case .length(let count):
            bodyCapacityLimit = count
            state = .sized(missing: count)
        case .chunked:
            bodyCapacityLimit = limits.maxBodyBytes
            state = .chunkLine
        }
        return .head(head)
    }

    /// RFC 9112 §7.1.2: trailers are checked like header lines and then ignored.
    private mutating func acceptTrailer(_ line: Span<UInt8>) throws(Refusal) -> Event? {
        guard line.isEmpty else {
            _ = try countedField(line)
            return nil
        }
        state = .complete
        return finish()
    }

    private mutating func countedField(_ line: Span<UInt8>) throws(Refusal) -> HTTPField {
        fieldBytes += line.count + 2
        fieldCount += 1
        guard fieldCount <= limits.maxFields, fieldBytes <= limits.maxFieldBytes else {
            throw .fieldsTooLarge
        }
        return try FieldLine.parse(line)
    }

    private mutating func acceptChunkLine(_ line: Span<UInt8>) throws(Refusal) {
        let chunk = try ChunkLine(line)
        chunkExtensionBytes += chunk.extensionBytes
        guard chunkExtensionBytes <= limits.maxChunkExtensionBytes else {
            throw .malformed("the chunks' extensions are too long")
        }
        guard chunk.size > 0 else {
            state = .trailers
            return
        }
        guard chunk.size <= maxBodyBytes - body.count else { throw .bodyTooLarge(limit: maxBodyBytes) }
        chunks += 1
        guard chunks <= limits.maxChunks else { throw .malformed("the body has too many chunks") }
        state = .chunk(missing: chunk.size)
    }

    // MARK: Body

    /// Copies what is here of the missing bytes, and says how many are missing still.
    private mutating func copyBody(_ input: Span<UInt8>, _ position: inout Int, _ missing: Int) -> Int {
        let count = min(missing, input.count - position)
        let needed = body.count + count
        if needed > body.capacity {
            // Room grows with what has arrived, never by what was only announced.
            body.reserveCapacity(min(bodyCapacityLimit, max(needed, body.capacity * 2)))
        }
        body.append(copying: input.extracting(position..<(position + count)))
        position += count
        return missing - count
    }

    private mutating func finish() -> Event {
        var whole: [UInt8] = []
        swap(&whole, &body)
        self = RequestParser(limits: limits)
        return .body(whole)
    }
}
