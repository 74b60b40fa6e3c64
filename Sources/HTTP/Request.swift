package import HTTPTypes
package import Platform

/// A complete request, as a handler gets it; shared by all who work on it.
package final class Request: Sendable {
    package let method: HTTPRequest.Method
    /// Percent-decoded, without the query; `*` asks about the server as a whole (OPTIONS).
    package let path: String
    /// Path and query as the client wrote them.
    package let target: String
    package let query: Query
    package let fields: HTTPFields
    package let body: [UInt8]
    /// The body where it came packed; `body` is empty then, and `unpacked` gives a request that has it.
    package let packed: PackedBody?
    /// What the client wants to be answered, when it says more than that anything will do.
    package let accept: String?
    /// Whether an answer has to be packed.
    package let refusesIdentity: Bool
    /// The client's `X-Request-Id` if it is 1 to 128 visible ASCII characters, else a new one.
    package let id: String
    /// The client's address in numbers, without its port.
    package let client: String
    /// Set when the client has gone.
    package let cancellation: Cancellation
    /// When its head was complete.
    package let headReceived: ContinuousClock.Instant
    /// When all of it was here, as the event loop's turn sees the time: its deadline counts from then, for a body has a rule
    /// of its own.
    package let received: ContinuousClock.Instant
    /// What the admission rule has found out about it.
    package let note: (any Sendable)?
    /// The body's bytes, leased for as long as somebody holds the request.
    let lease: MemoryLease?

    package init(
        method: HTTPRequest.Method,
        path: String,
        target: String? = nil,
        query: Query = Query(),
        fields: HTTPFields = [:],
        body: [UInt8] = [],
        packed: PackedBody? = nil,
        accept: String? = nil,
        refusesIdentity: Bool = false,
        id: String = "",
        client: String = "",
        cancellation: Cancellation = Cancellation(),
        headReceived: ContinuousClock.Instant? = nil,
        received: ContinuousClock.Instant = .now,
        note: (any Sendable)? = nil,
        lease: MemoryLease? = nil
    ) {
        self.method = method
        self.path = path
        self.target = target ?? path
        self.query = query
        self.fields = fields
        self.body = body
        self.packed = packed
        self.accept = accept
        self.refusesIdentity = refusesIdentity
        self.id = id
        self.client = client
        self.cancellation = cancellation
        self.headReceived = headReceived ?? received
        self.received = received
        self.note = note
        self.lease = lease
    }

    /// Another request with another body.
    convenience init(of request: Request, body: [UInt8], lease: MemoryLease) {
        self.init(
            method: request.method,
            path: request.path,
            target: request.target,
            query: request.query,
            fields: request.fields,
            body: body,
            accept: request.accept,
            refusesIdentity: request.refusesIdentity,
            id: request.id,
            client: request.client,
            cancellation: request.cancellation,
            headReceived: request.headReceived,
            received: request.received,
            note: request.note,
            lease: lease
        )
    }

    /// Whether the client says that it has what a weak entity tag, `W/"…"`, stands for.
    ///
    /// - Source: RFC 9110 §13.1.2: tags are compared weakly, so that what a proxy packs itself is the same.
    package func knows(tag: String) -> Bool {
        fields[values: .ifNoneMatch].joined(separator: ",").split(separator: ",").contains { element in
            let element = element.drop { $0 == " " }.prefix { $0 != " " }
            return element == "*" || element == tag || element == tag.dropFirst(2)
        }
    }

    /// How many bytes of the body came.
    var receivedBytes: Int { packed?.count ?? body.count }
}

extension HTTPField.Name {
    /// Names a request in the client's log and in ours.
    package static let requestID = HTTPField.Name("X-Request-Id") ?? .eTag // a token: never the alternative

    /// `Host`, which HTTPTypes keeps apart for HTTP/2 and so does not name.
    static let hostField = HTTPField.Name("Host") ?? .eTag // a token: never the alternative
}

/// The name of a request that the client has not named.
enum RequestID {
    /// The client's name if it can stand in a log line, else a new one.
    static func accepted(_ offered: String?, else fresh: @autoclosure () -> String) -> String {
        guard let offered, (1...128).contains(offered.utf8.count), offered.utf8.allSatisfy(\.isVisible) else {
            return fresh()
        }
        return offered
    }

    /// 16 hexadecimal digits.
    static func fresh(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
