internal import HTTP
internal import HTTPTypes

/// What a route says of itself, beside its registration: `GET /openapi.json` is made of nothing else.
///
/// The method, the path and its holes, and how refusals look, are the route's own.
struct RouteDescription: Sendable {
    /// A parameter of the query.
    struct Parameter: Sendable {
        let name: String
        let summary: String
        let schema: Schema

        init(_ name: String, _ schema: Schema, _ summary: String) {
            (self.name, self.schema, self.summary) = (name, schema, summary)
        }
    }

    /// A body of one media type.
    struct Content: Sendable {
        let type: String
        let schema: Schema

        static func json(_ schema: Schema) -> Content { Content(type: "application/json", schema: schema) }
        static let text = Content(type: "text/plain", schema: .string())
        /// An encoded image; the first type stands for any other.
        static let image = ["application/octet-stream", "image/jpeg", "image/png"].map {
            Content(type: $0, schema: .bytes)
        }
        /// Server-Sent Events.
        static let events = Content(type: ServerSentEvent.contentType, schema: .any)
        /// A form with files.
        static func form(_ schema: Schema) -> Content {
            Content(type: "multipart/form-data", schema: schema)
        }
    }

    /// An answer that is no refusal.
    struct Answer: Sendable {
        var status = 200
        var summary = "Done"
        var content: [Content] = []

        static func json(_ schema: Schema, _ summary: String = "Done", status: Int = 200) -> Answer {
            Answer(status: status, summary: summary, content: [.json(schema)])
        }
        static func text(_ type: String, _ summary: String) -> Answer {
            Answer(summary: summary, content: [Content(type: type, schema: .string())])
        }
        static func empty(_ status: Int = 200, _ summary: String = "Done") -> Answer {
            Answer(status: status, summary: summary)
        }
    }

    let summary: String
    let query: [Parameter]
    /// What the body may be; none where it is not looked at.
    let takes: [Content]
    let isBodyOptional: Bool
    let answers: [Answer]

    init(
        _ summary: String,
        query: [Parameter] = [],
        takes: [Content] = [],
        isBodyOptional: Bool = false,
        answers: Answer...
    ) {
        self.summary = summary
        self.query = query
        self.takes = takes
        self.isBodyOptional = isBodyOptional
        self.answers = answers
    }
}

/// The routes of the daemon, and what each says of itself.
struct RouteTable: Sendable {
    /// One route.
    struct Entry: Sendable {
        let section: String
        let method: HTTPRequest.Method
        let pattern: String
        let endpoint: Endpoint
        /// Nil is a mistake that a test finds.
        let description: RouteDescription?
    }

    private(set) var router = Router<Endpoint>()
    private(set) var entries: [Entry] = []
    /// What the routes that are added next have in common, such as a protocol's name.
    var section = "Martlet"

    /// Adds a route, such as `on(.get, "/v1/models/{model}", …, RouteDescription("One model", …))`.
    mutating func on(
        _ method: HTTPRequest.Method,
        _ pattern: String,
        _ endpoint: Endpoint,
        _ description: RouteDescription? = nil
    ) {
        router.on(method, pattern, endpoint)
        entries.append(
            Entry(
                section: section,
                method: method,
                pattern: pattern,
                endpoint: endpoint,
                description: description
            )
        )
    }
}
