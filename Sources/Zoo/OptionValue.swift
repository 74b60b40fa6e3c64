/// A value of a model's `options`: what JSON can say.
package indirect enum OptionValue: Sendable, Equatable {
    case number(Double)
    case string(String)
    case bool(Bool)
    case object([String: OptionValue])
    case array([OptionValue])
}

extension OptionValue: CustomStringConvertible {
    package var description: String {
        switch self {
        case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
        case .string(let value): "\"\(value)\""
        case .bool(let value): "\(value)"
        case .object: "an object"
        case .array: "an array"
        }
    }
}

// After validation against the rules: nil means that the model does not say.
extension [String: OptionValue] {
    func number(_ name: String) -> Double? {
        guard case .number(let value)? = self[name] else { return nil }
        return value
    }

    func integer(_ name: String) -> Int? { number(name).flatMap(Int.init(exactly:)) }

    func string(_ name: String) -> String? {
        guard case .string(let value)? = self[name] else { return nil }
        return value
    }

    func bool(_ name: String) -> Bool? {
        guard case .bool(let value)? = self[name] else { return nil }
        return value
    }

    func object(_ name: String) -> [String: OptionValue] {
        guard case .object(let value)? = self[name] else { return [:] }
        return value
    }
}
