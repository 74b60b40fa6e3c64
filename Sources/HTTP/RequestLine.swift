internal import HTTPTypes
internal import Platform

/// The first line of a request (RFC 9112 §3).
struct RequestLine: Sendable {
    let method: HTTPRequest.Method
    /// As the client wrote it.
    let target: String
    let path: String
    let query: Query
    let version: RequestHead.Version

    /// Parses a line without its line end.
    ///
    /// Exactly one space stands between method, target and version: the lenient reading that §3 allows has
    /// been used to smuggle requests.
    init(_ line: Span<UInt8>) throws(Refusal) {
        let space = UInt8(ascii: " ")
        guard let methodEnd = line.firstIndex(of: space),
            let targetEnd = line.firstIndex(of: space, from: methodEnd + 1)
        else { throw .malformed("the request line is not a method, a target and a version") }
        version = try Self.version(line.extracting((targetEnd + 1)...))
        method = try Self.method(line.extracting(..<methodEnd))
        let target = line.extracting((methodEnd + 1)..<targetEnd)
        try Self.checkTarget(target)
        self.target = String(decoding: target)
        (path, query) = try Self.split(target, method: method)
    }

    /// RFC 9112 §2.3: case matters.
    private static func version(_ text: Span<UInt8>) throws(Refusal) -> RequestHead.Version {
        if text.equals("HTTP/1.1") { return .http11 }
        if text.equals("HTTP/1.0") { return .http10 }
        guard text.count == 8, text.extracting(..<5).equals("HTTP/"), text[5].isDigit,
            text[6] == UInt8(ascii: "."),
            text[7].isDigit
        else { throw .malformed("the request line does not end in a space and an HTTP version") }
        throw Refusal(
            .httpVersionNotSupported,
            "version_not_supported",
            "this server speaks HTTP/1.1 and HTTP/1.0, not \(String(decoding: text))"
        )
    }

    /// RFC 9110 §9.1.
    private static func method(_ text: Span<UInt8>) throws(Refusal) -> HTTPRequest.Method {
        if text.equals("GET") { return .get }
        if text.equals("POST") { return .post }
        guard let method = HTTPRequest.Method(String(decoding: text)) else {
            throw .malformed("the method is not a token")
        }
        if method == .connect {
            throw Refusal(.notImplemented, "not_a_proxy", "this server makes no tunnels")
        }
        return method
    }

    /// RFC 3986 §2 in the lenient part that browsers need: any visible ASCII but the fragment's mark.
    private static func checkTarget(_ target: Span<UInt8>) throws(Refusal) {
        guard !target.isEmpty else { throw .malformed("the request target is empty") }
        for i in target.indices where !target[i].isVisible || target[i] == UInt8(ascii: "#") {
            throw .malformed("the request target holds a byte that a URI cannot hold")
        }
    }

    /// RFC 9112 §3.2: origin-form, absolute-form, and asterisk-form for OPTIONS.
    private static func split(
        _ target: Span<UInt8>,
        method: HTTPRequest.Method
    ) throws(Refusal) -> (path: String, query: Query) {
        if target[0] == UInt8(ascii: "/") { return try splitOrigin(target) }
        if target.equals("*") {
            guard method == .options else { throw .malformed("the target * is for OPTIONS only") }
            return ("*", Query())
        }
        guard let authority = Self.authority(in: target) else {
            throw .malformed("the request target is neither a path nor an http URI")
        }
        guard !authority.isEmpty, Authority.isValid(target.extracting(authority)) else {
            throw .malformed("the request target's host is not valid")
        }
        let rest = target.extracting(authority.upperBound...)
        guard !rest.isEmpty else { return (method == .options ? "*" : "/", Query()) }
        if rest[0] == UInt8(ascii: "?") { return ("/", try Query(decoding: rest.extracting(1...))) }
        return try splitOrigin(rest)
    }

    private static func splitOrigin(_ target: Span<UInt8>) throws(Refusal) -> (path: String, query: Query) {
        guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else {
            return (try PercentEncoding.decode(target), Query())
        }
        let query = try Query(decoding: target.extracting((mark + 1)...))
        return (try PercentEncoding.decode(target.extracting(..<mark)), query)
    }

    /// Where the host and port of an absolute target stand, nil when it is not absolute.
    private static func authority(in target: Span<UInt8>) -> Range<Int>? {
        let scheme = String(decoding: target.extracting(first: 8)).lowercased()
        guard let start = scheme == "https://" ? 8 : scheme.hasPrefix("http://") ? 7 : nil else { return nil }
        var end = start
        while end < target.count, target[end] != UInt8(ascii: "/"), target[end] != UInt8(ascii: "?") {
            end += 1
        }
        return start..<end
    }
}

/// A host with an optional port (RFC 9112 §3.2, RFC 3986 §3.2).
enum Authority {
    static func isValid(_ text: Span<UInt8>) -> Bool {
        isValid(String(decoding: text).utf8)
    }

    /// Whether the characters and the port are right; an empty host is valid.
    static func isValid(_ text: String.UTF8View) -> Bool {
        var host = text[...]
        var isBracketed = false
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return false }
            host = text[text.index(after: end)...]
            isBracketed = true
            let address = text[text.index(after: text.startIndex)..<end]
            guard !address.isEmpty, address.allSatisfy({ $0.isHex || $0 == 0x3A || $0 == 0x2E }) else {
                return false
            }
        }
        let colon = host.firstIndex(of: UInt8(ascii: ":"))
        if let colon {
            let port = host[host.index(after: colon)...]
            guard port.count <= 5, port.allSatisfy(\.isDigit) else { return false }
        }
        let name = host[..<(colon ?? host.endIndex)]
        return isBracketed ? name.isEmpty : name.allSatisfy(\.isHostName)
    }
}
