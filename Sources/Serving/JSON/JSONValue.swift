internal import FoundationEssentials

/// A JSON document as a value: what requests, manifests and answers are read from and written to.
///
/// Members of an object keep the order in which they were written here; a parsed object's are sorted by key.
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

    /// The value under `key`.
    package subscript(key: String) -> JSONValue? { members.first { $0.key == key }?.value }
}

/// A text is not JSON.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    package let description: String
}

extension JSONValue: Decodable {
    /// Parses a JSON text.
    ///
    /// - Throws: `JSONError` when it is not JSON; objects and arrays may be nested 512 deep.
    package init(parsing bytes: some Collection<UInt8>) throws(JSONError) {
        guard !bytes.isEmpty else { throw JSONError(description: "expected JSON, found nothing") }
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
        } catch DecodingError.dataCorrupted(let context) {
            throw JSONError(description: "not JSON: \(Self.reason(context))")
        } catch {
            throw JSONError(description: "not JSON")
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Numbers first: large requests are arrays of numbers, and each failed attempt costs an error.
        if container.decodeNil() {
            self = .null
        } else if let number = try? container.decode(Double.self) { // not a number: something else below
            self = .number(number)
        } else if let string = try? container.decode(String.self) {
            self = .string(string)
        } else if let array = try Self.array(in: container) {
            self = .array(array)
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else {
            var object = JSONObject()
            let members = try container.decode([String: JSONValue].self)
            for (key, value) in members.sorted(by: { $0.key < $1.key }) { object.append(key, value) }
            self = .object(object)
        }
    }

    /// The elements, or nil when the value is not an array; an error inside one of them is passed on.
    private static func array(in container: any SingleValueDecodingContainer) throws -> [JSONValue]? {
        do {
            return try container.decode([JSONValue].self)
        } catch DecodingError.typeMismatch(_, let context)
            where context.codingPath.count == container.codingPath.count
        {
            return nil
        }
    }

    private static func reason(_ context: DecodingError.Context) -> String {
        guard let error = context.underlyingError else { return context.debugDescription }
        guard let cocoa = error as? CocoaError,
            let text = unsafe cocoa.userInfo["NSDebugDescription"] as? String
        else {
            return context.debugDescription
        }
        return text
    }
}
