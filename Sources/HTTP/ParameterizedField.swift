internal import Platform

/// A field value with parameters, such as `form-data; name="file"; filename="cat.jpg"` (RFC 9110 §5.6.6).
struct ParameterizedField: Equatable, Sendable {
    /// Why a text is no such value, as a part of a sentence.
    struct Fault: Error, Equatable {
        let reason: String
    }

    /// What stands before the first semicolon, in lower case.
    let value: String
    /// In order; names in lower case.
    let parameters: [Query.Pair]

    /// Parses a value.
    ///
    /// - Throws: `Fault` when it is malformed or names a parameter twice.
    init(_ text: String) throws(Fault) {
        var rest = Array(text.utf8)[...]
        let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
        let value = rest[..<end].trimmingBlanks()
        guard !value.isEmpty, value.allSatisfy({ $0.isToken || $0 == UInt8(ascii: "/") }) else {
            throw Fault(reason: "it does not begin with a type")
        }
        self.value = Self.text(value).asciiLowercased
        rest = rest[end...]
        var parameters: [Query.Pair] = []
        while let next = rest.first {
            guard next == UInt8(ascii: ";") else {
                let name = parameters.last?.name ?? ""
                let found = Self.text(rest.prefix(40))
                throw Fault(
                    reason: "the value of '\(name)' is followed by '\(found)': a value with more than letters"
                        + #" and digits has to stand in double quotes, and a quote within them as \""#
                )
            }
            rest = rest.dropFirst().drop(while: \.isBlank)
            if rest.isEmpty || rest.first == UInt8(ascii: ";") { continue }
            let parameter = try Self.parameter(&rest)
            guard !parameters.contains(where: { $0.name.hasSameBytes(as: parameter.name) }) else {
                throw Fault(reason: "'\(parameter.name)' is given twice")
            }
            parameters.append(parameter)
            rest = rest.drop(while: \.isBlank)
        }
        self.parameters = parameters
    }

    /// The value of the parameter with this name.
    subscript(name: String) -> String? {
        parameters.first { $0.name.hasSameBytes(as: name) }?.value
    }

    private static func parameter(_ rest: inout ArraySlice<UInt8>) throws(Fault) -> Query.Pair {
        let name = rest.prefix(while: \.isToken)
        guard !name.isEmpty, rest.dropFirst(name.count).first == UInt8(ascii: "=") else {
            throw Fault(reason: "expected a name and '=' at '\(text(rest.prefix(40)))'")
        }
        rest = rest.dropFirst(name.count + 1)
        let value: String
        if rest.first == UInt8(ascii: "\"") {
            guard let quoted = quotedString(&rest) else {
                throw Fault(reason: "the value of '\(text(name))' has no closing quote")
            }
            value = quoted
        } else {
            let token = rest.prefix(while: \.isToken)
            guard !token.isEmpty else { throw Fault(reason: "'\(text(name))' has no value") }
            rest = rest.dropFirst(token.count)
            value = text(token)
        }
        return Query.Pair(name: text(name).asciiLowercased, value: value)
    }

    /// A backslash escapes a quote or itself only: browsers write Windows paths without escaping them.
    private static func quotedString(_ rest: inout ArraySlice<UInt8>) -> String? {
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        var bytes: [UInt8] = []
        rest = rest.dropFirst()
        while let byte = rest.popFirst() {
            if byte == quote { return text(bytes[...]) }
            if byte == backslash, let next = rest.first, next == quote || next == backslash {
                bytes.append(next)
                rest = rest.dropFirst()
            } else {
                bytes.append(byte)
            }
        }
        return nil
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
