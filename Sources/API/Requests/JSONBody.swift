internal import HTTP
internal import HTTPTypes
internal import Platform
internal import Support

/// What all bodies have in common: how they are encoded, what they say they are, and JSON among them.
enum RequestBody {
    /// The most values that the tree of a body may have; numbers, words and images are read without one.
    static let maxTreeValues = 65_536

    /// The lower-cased type of a request's Content-Type, without its parameters; empty when it has none.
    static func mediaType(_ request: Request) -> String {
        let type = (request.fields[.contentType] ?? "").utf8.prefix { $0 != UInt8(ascii: ";") }
        return String(decoding: type.filter { $0 > 0x20 }, as: UTF8.self).lowercased()
    }

    /// Reads a JSON object; `member` reads the value of each member whose name is known.
    ///
    /// - Throws: `ServingError` for what is not JSON and for an unknown name, and what `member` throws.
    static func read(
        _ request: Request,
        _ context: RequestContext,
        known: [String],
        member: (inout JSONPullReader, String) throws -> Void
    ) throws {
        do {
            var reader = JSONPullReader(request.body, maxTreeValues: maxTreeValues) { try context.check() }
            let kind = try reader.kind()
            guard kind == .object else {
                throw ServingError.badRequest(
                    "the body: expected a JSON object, found \(kind.name)",
                    code: "invalid_json"
                )
            }
            var unknown: String?
            try reader.object { reader, name in
                if known.contains(name) { return try member(&reader, name) }
                unknown = unknown ?? name
                try reader.skip()
            }
            try reader.end()
            if let unknown {
                let quoted = "unknown key '\(unknown.clipped(to: 200))'"
                throw ServingError.badRequest(quoted + didYouMean(unknown, known), code: "unknown_key")
            }
        } catch let error as JSONError {
            throw ServingError.badRequest("the body is \(error.description)", code: "invalid_json")
        }
    }

    /// Reads a JSON object with members of known names as a tree.
    static func object(
        _ request: Request,
        _ context: RequestContext,
        known: [String]
    ) throws -> JSONObject {
        var object = JSONObject()
        try read(request, context, known: known) { reader, name in object.append(name, try reader.value()) }
        return object
    }
}
