package import HTTPTypes
internal import Platform

/// Everything of a request but its body, checked.
package struct RequestHead: Sendable {
    /// The versions spoken: HTTP/1.0 and HTTP/1.1.
    package enum Version: Sendable { case http10, http11 }

    /// How the body is delimited (RFC 9112 §6.3).
    package enum Framing: Sendable, Equatable {
        case none
        case length(Int)
        case chunked
    }

    package let method: HTTPRequest.Method
    /// What was asked for, as the client wrote it: visible ASCII.
    package let target: String
    /// Percent-decoded, without the query; `*` for the asterisk form.
    package let path: String
    package let query: Query
    package let version: Version
    package let fields: HTTPFields
    /// What the client calls the server, with a port where it names one; nil where it says nothing (HTTP/1.0).
    package let host: String?
    package let framing: Framing
    /// Whether the client wants further requests on this connection (RFC 9112 §9.3).
    package let keepsAlive: Bool
    /// Whether the client waits for a 100 before it sends the body (RFC 9110 §10.1.1).
    package let expectsContinue: Bool
    /// How the body is packed; nil when it is not.
    package let coding: ContentCoding?
    /// What the client wants to be answered, when it says more than that anything will do.
    package let accept: String?
    /// Whether an answer has to be packed.
    package let refusesIdentity: Bool

    /// Checks the fields against the request line and each other.
    ///
    /// - Throws: `Refusal` when they leave open where the request ends or whom it is for.
    init(
        _ line: RequestLine,
        fields: HTTPFields,
        noted: NotedFields = [],
        limits: ParserLimits
    ) throws(Refusal) {
        method = line.method
        target = line.target
        path = line.path
        query = line.query
        version = line.version
        self.fields = fields
        host = try Self.host(fields, version: line.version)
        framing = try Self.framing(fields, version: line.version, limits: limits)
        keepsAlive = Self.keepsAlive(fields, version: line.version)
        expectsContinue = try Self.expectsContinue(fields, version: line.version)
        coding =
            noted.contains(.contentEncoding) ? try .coding(fields[values: .contentEncoding]) : nil
        accept = noted.contains(.accept) ? fields[.accept] : nil
        refusesIdentity = noted.contains(.weighedEncodings) ? try Self.refusesIdentity(fields) : false
    }

    private static func refusesIdentity(_ fields: HTTPFields) throws(Refusal) -> Bool {
        let accepted = AcceptEncoding(fields[values: .acceptEncoding])
        guard accepted.refusesIdentity, accepted.preferred == nil else { return accepted.refusesIdentity }
        let known = "answers are sent as \(ContentCoding.accepted), of which Accept-Encoding takes none"
        throw Refusal(.notAcceptable, "not_acceptable", known)
    }

    /// RFC 9112 §3.2: HTTP/1.1 needs exactly one Host, and any version at most one valid one.
    private static func host(_ fields: HTTPFields, version: Version) throws(Refusal) -> String? {
        let hosts = fields[values: .hostField]
        guard let host = hosts.first else {
            if version == .http11 { throw .malformed("the Host field is missing") }
            return nil
        }
        guard hosts.count == 1 else { throw .malformed("there are \(hosts.count) Host fields") }
        guard Authority.isValid(host.utf8) else { throw .malformed("the Host field is not a host and port") }
        return host
    }

    /// RFC 9112 §6.1, §6.3 and RFC 9110 §8.6, always in the strict reading: a request whose end two parsers
    /// could see in two places is refused.
    private static func framing(
        _ fields: HTTPFields,
        version: Version,
        limits: ParserLimits
    ) throws(Refusal) -> Framing {
        let codings = fields[values: .transferEncoding]
        let lengths = fields[values: .contentLength]
        if !codings.isEmpty {
            guard version == .http11 else { throw .malformed("HTTP/1.0 has no Transfer-Encoding") }
            guard lengths.isEmpty else {
                throw .malformed("Content-Length and Transfer-Encoding exclude each other")
            }
            try checkChunked(codings)
            return .chunked
        }
        guard let length = lengths.first else { return .none }
        guard lengths.count == 1 else { throw .malformed("there are \(lengths.count) Content-Length fields") }
        guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .malformed("Content-Length is not a number")
        }
        // More digits than an Int holds are still only a body that is too large.
        guard let count = Int(length), count <= limits.maxBodyBytes else {
            throw .bodyTooLarge(limit: limits.maxBodyBytes)
        }
        return count == 0 ? .none : .length(count)
    }

    private static func checkChunked(_ values: [String]) throws(Refusal) {
        let codings = FieldList.elements(values)
        guard codings.allSatisfy({ $0 == "chunked" }) else {
            // RFC 9112 §6.3: without chunked at the end nobody knows where the body ends.
            if codings.contains("chunked"), codings.last != "chunked" {
                throw .malformed("chunked is not the last transfer coding")
            }
            throw Refusal(
                .notImplemented,
                "unsupported_coding",
                "the only transfer coding understood is chunked"
            )
        }
        guard codings.count == 1 else { throw .malformed("Transfer-Encoding names \(codings.count) codings") }
    }

    /// RFC 9112 §9.3.
    private static func keepsAlive(_ fields: HTTPFields, version: Version) -> Bool {
        let options = fields.contains(.connection) ? FieldList.elements(fields[values: .connection]) : []
        if options.contains("close") { return false }
        return version == .http11 || options.contains("keep-alive")
    }

    /// RFC 9110 §10.1.1: HTTP/1.0 clients cannot expect anything.
    private static func expectsContinue(_ fields: HTTPFields, version: Version) throws(Refusal) -> Bool {
        guard version == .http11, fields.contains(.expect) else { return false }
        let expectations = FieldList.elements(fields[values: .expect])
        if expectations.isEmpty { return false } // RFC 9110 §5.6.1: a list of none
        guard expectations == ["100-continue"] else {
            throw Refusal(
                .expectationFailed,
                "expectation_failed",
                "the only expectation understood is 100-continue"
            )
        }
        return true
    }
}

/// Which rare fields a head has, seen by their names as they pass: nobody then has to look for them in vain.
struct NotedFields: OptionSet {
    let rawValue: UInt8
    static let contentEncoding = NotedFields(rawValue: 1)
    /// `Accept` with more than `*/*`, which most clients send.
    static let accept = NotedFields(rawValue: 2)
    /// `Accept-Encoding` with weights.
    static let weighedEncodings = NotedFields(rawValue: 4)

    /// Looks at a field's line.
    mutating func note(_ line: Span<UInt8>) {
        switch line[0] | 0x20 {
        case UInt8(ascii: "c"):
            if Self.isField(line, "content-encoding") { insert(.contentEncoding) }
        case UInt8(ascii: "a"):
            if Self.isField(line, "accept") {
                let value = line.extracting(7...)
                if !value.equals(" */*"), !value.equals("*/*") { insert(.accept) }
            } else if Self.isField(line, "accept-encoding") {
                if line.firstIndex(of: UInt8(ascii: ";")) != nil { insert(.weighedEncodings) }
            }
        default: break
        }
    }

    private static func isField(_ line: Span<UInt8>, _ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        return line.count > count && line[count] == UInt8(ascii: ":")
            && line.extracting(..<count).equalsIgnoringCase(name)
    }
}

/// A field whose value is a list of tokens (RFC 9110 §5.6.1), which do not depend on case.
enum FieldList {
    /// The elements of all lines, in lower case, without empty ones.
    static func elements(_ values: [String]) -> [String] {
        values.flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).compactMap { element in
                let element = Substring(element.trimmingBlanks())
                return element.isEmpty ? nil : element.asciiLowercased
            }
        }
    }
}
