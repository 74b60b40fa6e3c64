/// A JSON document as a value: what requests, manifests and answers are read from and written to.
///
/// Members of an object keep their order.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// A whole number.
    package static func integer(_ value: Int) -> JSONValue { .number(Double(value)) }

    /// A number with the fewest digits that give back the same `Float`.
    package static func float(_ value: Float) -> JSONValue {
        .number(Double(value.description) ?? Double(value))
    }

    /// An array of strings.
    package static func strings(_ values: some Sequence<String>) -> JSONValue {
        .array(values.map(JSONValue.string))
    }

    /// What kind of value it is, with its article, for messages: `a string`.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The member of an object under `key`; nil when there is none or the value is not an object.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }
}

/// The members of a JSON object in order.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One name with its value.
    package struct Member: Sendable, Equatable {
        package let key: String
        package let value: JSONValue
    }

    package private(set) var members: [Member] = []

    package init() {}

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
    }

    /// Appends a member; a nil value is left out.
    package mutating func append(_ key: String, _ value: JSONValue?) {
        guard let value else { return }
        members.append(Member(key: key, value: value))
    }

    /// Appends the members of another object.
    package mutating func append(contentsOf other: JSONObject) { members += other.members }

    /// The value under `key`.
    package subscript(key: String) -> JSONValue? { members.first { $0.key == key }?.value }
}
