/// Where the server listens and how much it takes on.
package struct HTTPServerConfiguration: Sendable {
    /// An IPv4 or IPv6 address or a name.
    package var host = "127.0.0.1"
    /// 0 lets the system choose; see `HTTPServer.port`.
    package var port = 8080
    /// Event loops, which share the connections; the first accepts.
    package var loops = 1
    /// How much of a head the parser takes; its body limit is `maxBodyBytes`.
    package var parserLimits = ParserLimits()
    /// Connections beyond this, or beyond the descriptors that the process may have, get 503 and are closed; idle ones
    /// give way first.
    package var maxConnections = 4096
    /// Connections of one address; nil: half of all, and at least 64.
    package var maxConnectionsPerAddress: Int?
    /// Requests of one connection that are answered at a time; reading pauses beyond it.
    package var maxPipelinedRequests = 8
    /// After this many requests a connection is closed, so that load balancers can spread clients anew.
    package var maxRequestsPerConnection = 1_000_000
    /// The whole head has to arrive in this time, else 408.
    package var headTimeout: Duration = .seconds(10)
    /// A body has to arrive this fast, in bytes per second, else 408.
    package var bodyMinimumRate = 8 * 1024
    /// How long a body may stand still or, at its beginning, fall behind `bodyMinimumRate`; later twice as long.
    package var bodyGrace: Duration = .seconds(10)
    /// A connection without a request is closed after this time.
    package var idleTimeout: Duration = .seconds(75)
    /// A client that takes none of its answer for this long is dropped.
    package var writeTimeout: Duration = .seconds(30)
    /// How long a closed connection is listened to, so that the client can read its last answer.
    package var lingerTimeout: Duration = .seconds(5)
    /// How much of what a closed connection still sends is read and dropped.
    package var maxLingerBytes = 64 * 1024 * 1024
    /// How long after a client's half-close its pending answer goes without a check that it is still there.
    package var probeDelay: Duration = .milliseconds(500)

    /// The largest body of a request; a larger one gets 413, before it is read where its length is announced.
    package var maxBodyBytes: Int {
        get { parserLimits.maxBodyBytes }
        set { parserLimits.maxBodyBytes = newValue }
    }

    package init() {}
}

/// How much a request may take before it is refused.
package struct ParserLimits: Sendable, Equatable {
    /// Method, target and version together; more is 414.
    package var maxRequestLineBytes = 8 * 1024
    /// All header and trailer lines with their line ends; more is 431.
    package var maxFieldBytes = 32 * 1024
    /// Header and trailer lines; more is 431.
    package var maxFields = 100
    /// The decoded body; more is 413.
    package var maxBodyBytes = 32 * 1024 * 1024
    /// Pieces of a chunked body; more is 400.
    package var maxChunks = 64 * 1024
    /// One chunk's size with its extensions; more is 400.
    package var maxChunkLineBytes = 256
    /// The extensions of all chunks together; more is 400.
    package var maxChunkExtensionBytes = 16 * 1024

    package init() {}
}
