internal import Platform

/// What an option of an architecture may be.
indirect enum OptionRule: Sendable {
    case number(ClosedRange<Double>)
    case integer(ClosedRange<Int>)
    case bool
    case string
    case choice([String])
    case object([String: OptionRule])
    /// The options of another architecture, which checks them itself.
    case options

    /// Checks that every option is known and of the right kind.
    ///
    /// - Throws: `OptionError` for the first, in the order of names, that is not.
    static func validate(
        _ options: [String: OptionValue],
        against rules: [String: OptionRule],
        path: String = ""
    ) throws(OptionError) {
        let known = rules.keys.sorted()
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            guard let rule = rules[name] else {
                throw .unknown(
                    path + name,
                    nearest: nearestName(to: name, in: known).map { path + $0 },
                    known: known
                )
            }
            try rule.validate(value, path: path + name)
        }
    }

    private func validate(_ value: OptionValue, path: String) throws(OptionError) {
        switch (self, value) {
        case (.number(let range), .number(let number)) where range.contains(number): return
        case (.integer(let range), .number(let number)):
            if let integer = Int(exactly: number), range.contains(integer) { return }
        case (.bool, .bool), (.string, .string), (.options, .object): return
        case (.choice(let choices), .string(let choice)) where choices.contains(choice): return
        case (.object(let rules), .object(let options)):
            return try Self.validate(options, against: rules, path: path + ".")
        default: break
        }
        throw .wrong(path, expected: description, found: value)
    }

    private var description: String {
        switch self {
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .bool: "true or false"
        case .string: "a string"
        case .choice(let choices): choices.map { "\"\($0)\"" }.joined(separator: " or ")
        case .object(let rules): "an object with " + rules.keys.sorted().joined(separator: ", ")
        case .options: "an object"
        }
    }
}

/// What is wrong with an option; the path of a nested one has dots.
package enum OptionError: Error, Equatable {
    case unknown(_ path: String, nearest: String?, known: [String])
    case wrong(_ path: String, expected: String, found: OptionValue)
}
