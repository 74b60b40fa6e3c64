internal import Platform

/// A field value with parameters, such as `form-data; name="file"; filename="cat.jpg"` (RFC 9110 §5.6.6).
struct ParameterizedField: Equatable, Sendable {
    /// What stands before the first semicolon, in lower case.
    let value: String
    /// In order; names in lower case.
    let parameters: [Query.Pair]

    /// Parses a value, or gives nil when it is malformed or names a parameter twice.
    init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
        let value = rest[..<end].trimmingBlanks()
        guard !value.isEmpty, value.allSatisfy({ $0.isToken || $0 == UInt8(ascii: "/") }) else { return nil }
        self.value = Self.text(value).asciiLowercased
        rest = rest[end...]
        var parameters: [Query.Pair] = []
        while let next = rest.first {
            guard next == UInt8(ascii: ";") else { return nil }
            rest = rest.dropFirst().drop(while: \.isBlank)
            if rest.isEmpty || rest.first == UInt8(ascii: ";") { continue }
            guard let parameter = Self.parameter(&rest) else { return nil }
            guard !parameters.contains(where: { $0.name.hasSameBytes(as: parameter.name) }) else {
                return nil
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

    private static func parameter(_ rest: inout ArraySlice<UInt8>) -> Query.Pair? {
        let name = rest.prefix(while: \.isToken)
        rest = rest.dropFirst(name.count)
        guard !name.isEmpty, rest.first == UInt8(ascii: "=") else { return nil }
        rest = rest.dropFirst()
        let value: String
        if rest.first == UInt8(ascii: "\"") {
            guard let quoted = quotedString(&rest) else { return nil }
            value = quoted
        } else {
            let token = rest.prefix(while: \.isToken)
            guard !token.isEmpty else { return nil }
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
