internal import HTTP
internal import HTTPTypes
internal import Support

/// The daemon's interface as programs read it, made of the table of routes.
///
/// - Source: OpenAPI Specification 3.1.1.
struct OpenAPIDocument {
    private let routes: RouteTable
    private var schemas = JSONObject()

    init(_ routes: RouteTable) { self.routes = routes }

    /// The whole document.
    func json() -> JSONObject {
        var document = self
        let paths = document.paths()
        let schemas = document.schemas.members.sorted { $0.key < $1.key }
        var components = JSONObject()
        for schema in schemas { components.append(schema.key, schema.value) }
        return [
            "openapi": .string("3.1.0"),
            "info": .object([
                "title": .string("Martlet"), "version": .string(Version.current),
                "description": .string("Image classifiers and recurrent networks over HTTP"),
            ]),
            "servers": .array([.object(["url": .string("/")])]),
            "paths": .object(paths),
            "components": .object(["schemas": .object(components)]),
        ]
    }

    /// The operations by path, in the order of registration.
    private mutating func paths() -> JSONObject {
        var paths: [(pattern: String, item: JSONObject)] = []
        for entry in routes.entries {
            let operation = JSONValue.object(operation(entry))
            let method = entry.method.rawValue.lowercased()
            if let index = paths.firstIndex(where: { $0.pattern == entry.pattern }) {
                paths[index].item.append(method, operation)
            } else {
                paths.append((entry.pattern, [method: operation]))
            }
        }
        var json = JSONObject()
        for path in paths { json.append(path.pattern, .object(path.item)) }
        return json
    }

    private mutating func operation(_ entry: RouteTable.Entry) -> JSONObject {
        let description = entry.description ?? RouteDescription("\(entry.method) \(entry.pattern)")
        var json: JSONObject = [
            "operationId": .string(Self.identifier(entry)), "tags": .strings([entry.section]),
            "summary": .string(description.summary),
        ]
        var parameters: [JSONValue] = []
        for hole in Self.holes(of: entry.pattern) { parameters.append(holeParameter(hole)) }
        for query in description.query {
            parameters.append(parameter(query.name, "query", query.schema, query.summary, isRequired: false))
        }
        if !parameters.isEmpty { json.append("parameters", .array(parameters)) }
        if !description.takes.isEmpty {
            json.append(
                "requestBody",
                .object([
                    "required": .bool(!description.isBodyOptional), "content": content(description.takes),
                ])
            )
        }
        var responses = JSONObject()
        for answer in description.answers {
            responses.append("\(answer.status)", response(answer.summary, answer.content))
        }
        responses.append("default", response("Refused", [.json(entry.endpoint.errors.schema)]))
        json.append("responses", .object(responses))
        return json
    }

    private mutating func response(_ summary: String, _ bodies: [RouteDescription.Content]) -> JSONValue {
        var json: JSONObject = ["description": .string(summary)]
        if !bodies.isEmpty { json.append("content", content(bodies)) }
        return .object(json)
    }

    private mutating func content(_ bodies: [RouteDescription.Content]) -> JSONValue {
        var json = JSONObject()
        for body in bodies { json.append(body.type, .object(["schema": body.schema.json(&schemas)])) }
        return .object(json)
    }

    private mutating func holeParameter(_ name: String) -> JSONValue {
        let (schema, summary): (Schema, String) =
            switch name {
            case "model": (.string(pattern: "^[A-Za-z0-9._-]{1,64}$"), "The model's name")
            case "version": (.string(pattern: "^[1-9][0-9]{0,17}$"), "Its version")
            case "label": (.string(pattern: "^[A-Za-z0-9._-]{1,64}$"), "A name of one of its versions")
            default: (.string(pattern: "^[^/:\\u0000-\\u001f\\u007f-\\u009f]{1,128}$"), "Its name")
            }
        return parameter(name, "path", schema, summary, isRequired: true)
    }

    private mutating func parameter(
        _ name: String,
        _ place: String,
        _ schema: Schema,
        _ summary: String,
        isRequired: Bool
    ) -> JSONValue {
        .object([
            "name": .string(name), "in": .string(place), "required": .bool(isRequired),
            "description": .string(summary), "schema": schema.json(&schemas),
        ])
    }

    /// The names of a pattern's holes, in order.
    private static func holes(of pattern: String) -> [String] {
        pattern.split(separator: "{").dropFirst().compactMap { part in
            part.split(separator: "}", omittingEmptySubsequences: false).first.map(String.init)
        }
    }

    /// A name that stays as long as the route does: its method and the words of its path.
    private static func identifier(_ entry: RouteTable.Entry) -> String {
        let words = "\(entry.method.rawValue.lowercased())\(entry.pattern)".split { character in
            !character.isLetter && !character.isNumber
        }
        return words.joined(separator: "_")
    }
}

extension Service {
    private static let openAPI = Response(json: OpenAPIDocument(table).json())

    /// `GET /openapi.json`: every route with what it takes and answers, in OpenAPI 3.1.
    func describeInterface() -> Response { Self.openAPI }
}
