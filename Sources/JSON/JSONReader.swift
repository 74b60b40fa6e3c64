internal import Platform

/// A document does not have the form that is asked for; the message begins with where.
package struct FormatError: Error, Equatable, CustomStringConvertible {
    /// Such as `preprocessing.mean: expected 3 numbers for rgb, found 2`.
    package let description: String

    package init(_ path: String, _ message: String) {
        description = path.isEmpty ? message : "\(path): \(message)"
    }
}

/// A JSON value together with where it stands, read strictly: a wrong type, a number out of range and an unknown
/// key are errors that name the place.
package struct JSONReader: Sendable {
    /// Such as `preprocessing.mean[2]`; empty for the whole document.
    package let path: String
    package let value: JSONValue

    package init(_ value: JSONValue, path: String = "") {
        self.value = value
        self.path = path
    }

    /// An error at this place.
    package func fault(_ message: String) -> FormatError { FormatError(path, message) }

    private func mismatch(_ expected: String) -> FormatError {
        fault("expected \(expected), found \(value.summary)")
    }

    /// The members of an object that may have the given keys.
    ///
    /// - Throws: `FormatError` when it is no object or has another key, with the nearest known one.
    package func object(_ known: [String]) throws(FormatError) -> JSONFields {
        let fields = try members()
        for member in fields.object.members where !known.contains(member.key) {
            let hint = nearestName(to: member.key, in: known).map { "did you mean '\($0)'?" }
            let list = "known keys are \(known.joined(separator: ", "))"
            throw fault("unknown key '\(member.key)'; \(hint ?? list)")
        }
        return fields
    }

    /// The members of an object that may have any keys.
    package func members() throws(FormatError) -> JSONFields {
        guard case .object(let object) = value else { throw mismatch("an object") }
        return JSONFields(path: path, object: object)
    }

    package func string() throws(FormatError) -> String {
        guard case .string(let string) = value else { throw mismatch("a string") }
        return string
    }

    package func bool() throws(FormatError) -> Bool {
        guard case .bool(let bool) = value else { throw mismatch("true or false") }
        return bool
    }

    /// A finite number.
    package func number() throws(FormatError) -> Double {
        guard case .number(let number) = value, number.isFinite else { throw mismatch("a number") }
        return number
    }

    /// A whole number in a range.
    package func integer(in range: ClosedRange<Int>) throws(FormatError) -> Int {
        guard case .number(let number) = value, let integer = Int(exactly: number), range.contains(integer)
        else { throw mismatch("an integer from \(range.lowerBound) to \(range.upperBound)") }
        return integer
    }

    /// The elements of an array, each with its place.
    package func array() throws(FormatError) -> [JSONReader] {
        guard case .array(let elements) = value else { throw mismatch("an array") }
        return elements.enumerated().map { JSONReader($1, path: "\(path)[\($0)]") }
    }

    package func numbers() throws(FormatError) -> [Double] {
        let elements = try array()
        var numbers: [Double] = []
        numbers.reserveCapacity(elements.count)
        for element in elements { numbers.append(try element.number()) }
        return numbers
    }

    /// One of the names of an enumeration.
    package func choice<Choice>(
        _ type: Choice.Type = Choice.self
    ) throws(FormatError) -> Choice where Choice: CaseIterable & RawRepresentable<String> {
        let name = try string()
        guard let choice = Choice(rawValue: name) else {
            let names = Choice.allCases.map(\.rawValue)
            let hint = nearestName(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
            throw fault("expected \(names.joined(separator: ", ")); found '\(name)'\(hint)")
        }
        return choice
    }
}

/// The members of a JSON object, with its place.
package struct JSONFields: Sendable {
    package let path: String
    package let object: JSONObject

    package init(path: String, object: JSONObject) {
        self.path = path
        self.object = object
    }

    /// The member under `key`, or nil; `null` is a value here, not an absence.
    package func optional(_ key: String) -> JSONReader? {
        object[key].map { JSONReader($0, path: place(key)) }
    }

    /// The member under `key`.
    ///
    /// - Throws: `FormatError` when it is not there.
    package func required(_ key: String) throws(FormatError) -> JSONReader {
        guard let reader = optional(key) else { throw FormatError(path, "'\(key)' is missing") }
        return reader
    }

    /// The path of the member under `key`.
    package func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

extension JSONValue {
    /// The value itself when it is short, else what kind of value it is.
    fileprivate var summary: String {
        switch self {
        case .null, .bool, .number: text
        case .string(let string) where string.unicodeScalars.count <= 40: "'\(string)'"
        case .array(let elements): "an array of \(elements.count)"
        case .string, .object: kind
        }
    }
}
