internal import HTTP
internal import HTTPTypes
internal import Platform

/// A connection's bytes: the requests found and the refusal do not depend on how the bytes are cut; what is found keeps
/// the limits; after a refusal nothing comes.
func fuzzRequest(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    var limits = ParserLimits()
    if first & 1 == 1 {
        limits.maxRequestLineBytes = 64
        limits.maxFieldBytes = 128
        limits.maxFields = 4
        limits.maxChunks = 3
        limits.maxChunkLineBytes = 16
        limits.maxChunkExtensionBytes = 12
    }
    limits.maxBodyBytes = 512
    let input = Array(bytes.dropFirst())
    let whole = events(of: input, pieces: [max(input.count, 1)], limits)
    require(
        whole == events(of: input, pieces: [1], limits),
        "bytes that come one by one are the same requests"
    )
    let pieces = bytes.prefix(16).map { 1 + Int($0 % 29) }
    require(whole == events(of: input, pieces: pieces, limits), "pieces of \(pieces) are the same requests")
}

/// What a parser finds in bytes that arrive in pieces of these sizes, over and over.
private func events(of bytes: [UInt8], pieces: [Int], _ limits: ParserLimits) -> [String] {
    var parser = RequestParser(limits: limits)
    var events: [String] = []
    var (start, piece, isRefused) = (0, 0, false)
    while start < bytes.count {
        let end = min(bytes.count, start + pieces[piece % pieces.count])
        let span = Array(bytes[start..<end])
        (start, piece) = (end, piece + 1)
        var position = 0
        while let event = parser.next(span.span, at: &position) {
            require(!isRefused, "nothing comes after a refusal")
            require(position <= span.count, "the parser stays within its input")
            if case .refusal = event { isRefused = true }
            events.append(description(of: event, limits))
        }
        require(position == span.count, "all of the input is used up")
        require(parser.bodyCount <= limits.maxBodyBytes, "a body keeps its limit while it arrives")
    }
    return events
}

private func description(of event: RequestParser.Event, _ limits: ParserLimits) -> String {
    switch event {
    case .head(let head):
        require(head.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a target is visible ASCII")
        require(head.fields.count <= limits.maxFields, "there are no more fields than allowed")
        let fields = head.fields.map { "\($0.name.canonicalName)=\($0.value)" }
        return "\(head.method) \(head.target) \(head.path) \(head.query.pairs) \(head.version) \(fields)"
            + " \(head.framing) \(head.keepsAlive) \(head.expectsContinue)"
    case .body(let body):
        require(body.count <= limits.maxBodyBytes, "a body keeps its limit")
        return "body \(body)"
    case .refusal(let refusal):
        require((400...599).contains(refusal.status.code), "a refusal is an error's status")
        return "refusal \(refusal)"
    }
}

/// What stands behind a question mark, visible ASCII as the request line is checked to be: the pairs found, percent-encoded and read again, are the same pairs.
func fuzzQuery(_ bytes: [UInt8]) {
    let bytes = bytes.filter { $0 > 0x20 && $0 < 0x7F }
    guard let query = attempt({ try Query(decoding: bytes.span) }) else { return }
    let text = query.pairs.map { "\(encoded($0.name))=\(encoded($0.value))" }.joined(separator: "&")
    let again = attempt { try Query(decoding: Array(text.utf8).span) }
    require(again?.names.map(utf8) == query.names.map(utf8), "names survive encoding")
    require(
        again?.pairs.map { utf8($0.value) } == query.pairs.map { utf8($0.value) },
        "values survive encoding"
    )
}

private func utf8(_ text: String) -> [UInt8] { Array(text.utf8) }

private func encoded(_ text: String) -> String {
    text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// A Content-Type, a line feed and a form: its parts are views of it in order, few enough, and no different when text
/// stands before the first delimiter and behind the last.
func fuzzMultipart(_ bytes: [UInt8]) {
    let lineFeed = bytes.firstIndex(of: 0x0A) ?? bytes.endIndex
    let contentType = String(decoding: bytes[..<lineFeed], as: UTF8.self)
    let body = Array(bytes[lineFeed...].dropFirst())
    guard let form = attempt({ try MultipartForm(contentType: contentType, body: body) }) else { return }
    require(form.parts.count <= MultipartForm.maxParts, "a form has few parts")
    var end = 0
    for part in form.parts {
        require(part.body.startIndex >= end && part.body.endIndex <= body.count, "parts are views in order")
        end = part.body.endIndex
    }
    guard body.starts(with: "--".utf8) else { return }
    let framed = Array("before\r\n".utf8) + body + Array("\r\nbehind".utf8)
    let again = attempt { try MultipartForm(contentType: contentType, body: framed) }
    require(again?.parts == form.parts, "what stands around the parts changes nothing")
}

/// A coding's byte and a packed body: what is unpacked keeps its limits, its lease is all that is held, and packed again it
/// is unpacked to the same.
func fuzzPacked(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let coding: ContentCoding = first & 1 == 0 ? .gzip : .deflate
    let limits = UnpackingLimits(maxBytes: 1 << 17, maxRatio: 1 + Int(first >> 1))
    let budget = MemoryBudget(limit: 1 << 20)
    func unpacked(_ bytes: [UInt8]) -> [UInt8]? {
        let request = Request(method: .post, path: "/", packed: PackedBody(bytes, coding))
        return attempt { try request.unpacked(limits, from: budget) {}.body }
    }
    let body = unpacked(Array(bytes.dropFirst()))
    require(budget.used == 0, "what is unpacked is given back")
    guard let body else { return }
    require(body.count <= limits.maxBytes, "an unpacked body keeps its limit")
    guard let packed = Deflater.deflate(body, coding == .gzip ? .gzip : .zlib) else { return }
    require(unpacked(packed) == body, "what is packed again is the same body")
}
