internal import HTTP
internal import Platform
internal import Support

/// The named parameters of a request — its query and, for forms, the fields beside the files — read one by one.
///
/// Every name must be read or it is an error: a mistyped `topk` must not be ignored silently.
struct RequestParameters {
    private var values: [String: String] = [:]

    /// - Throws: a 400 when a name is not one of `known` or appears twice.
    init(_ pairs: [Query.Pair], known: [String]) throws(ServingError) {
        for pair in pairs {
            let name = pair.name
            guard known.contains(name) else {
                throw .badRequest(
                    "unknown parameter '\(name.clipped(to: 200))'\(didYouMean(name, known))",
                    code: "unknown_parameter"
                )
            }
            guard values.updateValue(pair.value, forKey: name) == nil else {
                throw .badRequest("parameter '\(name)' is given twice", code: "invalid_parameter")
            }
        }
    }

    /// The text of `name`, whatever it is.
    func text(_ name: String) -> String? { values[name] }

    /// Whether `name` is `true`, nil when it is not given.
    func boolean(_ name: String) throws(ServingError) -> Bool? {
        guard let text = values[name] else { return nil }
        guard let value = Bool(text) else {
            throw .badRequest(
                "\(name): expected true or false, found '\(text.clipped(to: 200))'",
                code: "invalid_parameter"
            )
        }
        return value
    }

    /// The whole number `name`, at least 0.
    func wholeNumber(_ name: String) throws(ServingError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let value = Int(text), value >= 0 else {
            throw .badRequest(
                "\(name): expected a whole number of at least 0, found '\(text.clipped(to: 200))'",
                code: "invalid_parameter"
            )
        }
        return value
    }

    /// The whole number `name`, at least 1.
    func positiveInteger(_ name: String) throws(ServingError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let value = Int(text), value >= 1 else {
            throw .badRequest(
                "\(name): expected a whole number of at least 1, found '\(text.clipped(to: 200))'",
                code: "invalid_parameter"
            )
        }
        return value
    }

    /// The whole number `name`, from 1 to `limit`.
    func positiveInteger(_ name: String, upTo limit: Int) throws(ServingError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let value = Int(text), 1...limit ~= value else {
            throw .badRequest(
                "\(name): expected a whole number from 1 to \(limit), found '\(text.clipped(to: 200))'",
                code: "invalid_parameter"
            )
        }
        return value
    }

    /// The number `name`, from 0 to 1.
    func share(_ name: String) throws(ServingError) -> Double? {
        guard let text = values[name] else { return nil }
        guard let value = Double(text), 0...1 ~= value else {
            throw .badRequest(
                "\(name): expected a number from 0 to 1, found '\(text.clipped(to: 200))'",
                code: "invalid_parameter"
            )
        }
        return value
    }

    /// The number `name`, one for which `isValid`; `expected` says which these are.
    func number(
        _ name: String,
        _ expected: String,
        where isValid: (Double) -> Bool
    ) throws(ServingError) -> Double? {
        guard let text = values[name] else { return nil }
        guard let value = Double(text), isValid(value) else {
            throw .invalidParameter(name, expected: expected, found: text.clipped(to: 200))
        }
        return value
    }

    /// The whole numbers `name`, 1 … `limit`, with commas between them and no more than `most`.
    func positiveIntegers(_ name: String, upTo limit: Int, most: Int) throws(ServingError) -> [Int]? {
        guard let text = values[name] else { return nil }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in Int(part).flatMap { 1...limit ~= $0 ? $0 : nil } }
        guard numbers.count == parts.count, numbers.count <= most else {
            throw .badRequest(
                "\(name): expected 1 to \(most) whole numbers of 1 to \(limit), separated by commas, found '\(text.clipped(to: 200))'",
                code: "invalid_parameter"
            )
        }
        return numbers
    }

    /// The case of an enumeration that `name` spells.
    func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String,
        of type: Choice.Type
    ) throws(ServingError) -> Choice? {
        guard let text = values[name] else { return nil }
        guard let value = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue)
            throw .badRequest(
                "\(name): expected one of \(known.joined(separator: ", ")), found '\(text.clipped(to: 200))'\(didYouMean(text, known))",
                code: "invalid_parameter"
            )
        }
        return value
    }

    /// Whether `name` is given, and is `value`.
    func flag(_ name: String, spelled value: String) throws(ServingError) -> Bool {
        guard let text = values[name] else { return false }
        guard text == value else {
            throw .badRequest(
                "\(name): expected \(value), found '\(text.clipped(to: 200))'",
                code: "invalid_parameter"
            )
        }
        return true
    }
}

/// `; did you mean 'X'?` when a known name is near, else nothing.
func didYouMean(_ name: String, _ known: some Sequence<String>) -> String {
    nearestName(to: name, in: known).map { "; did you mean '\($0)'?" } ?? ""
}
