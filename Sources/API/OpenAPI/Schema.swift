internal import Support

/// What a value of JSON, a parameter or a body looks like, as OpenAPI 3.1 writes it.
///
/// - Source: JSON Schema, draft 2020-12.
indirect enum Schema: Sendable {
    /// A member of an object.
    struct Member: Sendable {
        let name: String
        let schema: Schema
        let isRequired: Bool
    }

    case any
    case null
    case boolean
    case integer(atLeast: Int? = nil, atMost: Int? = nil)
    case number(atLeast: Double? = nil, atMost: Double? = nil)
    case string(format: String? = nil, pattern: String? = nil)
    case choice([String])
    /// Bytes as they are; only a whole body or a part of a form.
    case bytes
    case array(of: Schema, atLeast: Int? = nil, atMost: Int? = nil)
    /// An array with a schema for each of its elements.
    case tuple([Schema])
    /// An object of known members; a closed one has no others.
    case members([Member], isClosed: Bool)
    /// An object that has a value of one kind under every name.
    case map(of: Schema)
    case anyOf([Schema])
    /// One that the document spells out once, under its name.
    case named(String, Schema)

    /// An object; a name that ends in `?` may be left out.
    static func object(_ members: KeyValuePairs<String, Schema>) -> Schema {
        .members(Self.members(members), isClosed: false)
    }

    /// An object with no other members than these, as requests are.
    static func closed(_ members: KeyValuePairs<String, Schema>) -> Schema {
        .members(Self.members(members), isClosed: true)
    }

    /// The same, or null, which stands for nothing.
    var orNull: Schema { .anyOf([self, .null]) }

    private static func members(_ members: KeyValuePairs<String, Schema>) -> [Member] {
        members.map { name, schema in
            let isOptional = name.utf8.last == UInt8(ascii: "?")
            return Member(
                name: isOptional ? String(name.dropLast()) : name,
                schema: schema,
                isRequired: !isOptional
            )
        }
    }

    /// The schema as JSON, with references to those that have names.
    ///
    /// - Parameter named: takes the schemas that are referred to.
    /// - Returns: an object.
    func json(_ named: inout JSONObject) -> JSONValue {
        switch self {
        case .any: return .object([:])
        case .null: return .object(["type": .string("null")])
        case .boolean: return .object(["type": .string("boolean")])
        case .integer(let least, let most):
            return Self.bounded("integer", least.map(JSONValue.integer), most.map(JSONValue.integer))
        case .number(let least, let most):
            return Self.bounded("number", least.map(JSONValue.number), most.map(JSONValue.number))
        case .string(let format, let pattern):
            var json: JSONObject = ["type": .string("string")]
            json.append("format", format.map(JSONValue.string))
            json.append("pattern", pattern.map(JSONValue.string))
            return .object(json)
        case .choice(let values): return .object(["type": .string("string"), "enum": .strings(values)])
        // `format` is OpenAPI 3.0's way to say it, which generators of clients still look for.
        case .bytes: return .object(["type": .string("string"), "format": .string("binary")])
        case .array(let element, let least, let most):
            var json: JSONObject = ["type": .string("array"), "items": element.json(&named)]
            json.append("minItems", least.map(JSONValue.integer))
            json.append("maxItems", most.map(JSONValue.integer))
            return .object(json)
        case .tuple(let elements):
            return .object([
                "type": .string("array"), "prefixItems": .array(elements.map { $0.json(&named) }),
                "minItems": .integer(elements.count), "maxItems": .integer(elements.count),
            ])
        case .members(let members, let isClosed): return Self.object(members, isClosed, &named)
        case .map(let value):
            return .object(["type": .string("object"), "additionalProperties": value.json(&named)])
        case .anyOf(let schemas): return .object(["anyOf": .array(schemas.map { $0.json(&named) })])
        case .named(let name, let schema):
            if named[name] == nil {
                let json = schema.json(&named)
                named.append(name, json)
            }
            return .object(["$ref": .string("#/components/schemas/\(name)")])
        }
    }

    private static func bounded(_ type: String, _ least: JSONValue?, _ most: JSONValue?) -> JSONValue {
        var json: JSONObject = ["type": .string(type)]
        json.append("minimum", least)
        json.append("maximum", most)
        return .object(json)
    }

    private static func object(_ members: [Member], _ isClosed: Bool, _ named: inout JSONObject) -> JSONValue
    {
        var properties = JSONObject()
        for member in members { properties.append(member.name, member.schema.json(&named)) }
        let required = members.filter(\.isRequired).map(\.name)
        var json: JSONObject = ["type": .string("object"), "properties": .object(properties)]
        if !required.isEmpty { json.append("required", .strings(required)) }
        if isClosed { json.append("additionalProperties", .bool(false)) }
        return .object(json)
    }
}
