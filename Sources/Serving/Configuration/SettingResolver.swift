internal import Logging
internal import Platform

/// Reads settings one by one, checks them, and remembers each with its source.
struct SettingResolver {
    private let sources: SettingSources
    private var entries: [Configuration.Entry] = []

    init(_ sources: SettingSources) {
        self.sources = sources
    }

    /// The settings read so far.
    ///
    /// - Throws: `ConfigurationError` when a source has a name that was not read.
    func finish() throws(ConfigurationError) -> [Configuration.Entry] {
        try sources.check(known: entries.map(\.name))
        return entries
    }

    mutating func text(_ name: String, default fallback: String) throws(ConfigurationError) -> String {
        try resolve(name, default: fallback, expected: "a text that is not empty", print: \.self) {
            $0.isEmpty ? nil : $0
        }
    }

    /// A text that is never printed; empty when nobody gives one.
    mutating func secret(_ name: String) throws(ConfigurationError) -> String {
        if let (text, source) = sources.value(name), text.utf8.count < Self.minSecretBytes {
            let expected = "a text of at least \(Self.minSecretBytes) bytes"
            throw ConfigurationError("\(source): \(name): expected \(expected), found \(text.utf8.count)")
        }
        return try resolve(
            name,
            default: "",
            expected: "a text",
            print: { $0.isEmpty ? "" : "(secret)" },
            parse: { $0 }
        )
    }

    private static let minSecretBytes = 16

    mutating func integer(
        _ name: String,
        _ range: ClosedRange<Int>,
        default fallback: Int
    ) throws(ConfigurationError) -> Int {
        let end = range.upperBound == Int.max ? "" : " to \(range.upperBound)"
        let expected = "an integer from \(range.lowerBound)\(end)"
        return try resolve(name, default: fallback, expected: expected, print: String.init) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A time in whole milliseconds, up to a day.
    mutating func duration(
        _ name: String,
        from lowest: Int = 1,
        default fallback: Duration
    ) throws(ConfigurationError) -> Duration {
        let milliseconds = Int(fallback / .milliseconds(1))
        return .milliseconds(try integer(name, lowest...86_400_000, default: milliseconds))
    }

    mutating func boolean(_ name: String, default fallback: Bool) throws(ConfigurationError) -> Bool {
        try resolve(name, default: fallback, expected: "true or false", print: String.init) { text in
            Bool(text.lowercased())
        }
    }

    mutating func choice<Choice>(
        _ name: String,
        default fallback: Choice
    ) throws(ConfigurationError) -> Choice where Choice: CaseIterable & RawRepresentable<String> {
        let names = Choice.allCases.map(\.rawValue)
        let expected = "one of \(names.joined(separator: ", "))"
        return try resolve(name, default: fallback, expected: expected, print: \.rawValue) {
            Choice(rawValue: $0.lowercased())
        }
    }

    private mutating func resolve<Value>(
        _ name: String,
        default fallback: Value,
        expected: String,
        print: (Value) -> String,
        parse: (String) -> Value?
    ) throws(ConfigurationError) -> Value {
        guard let (text, source) = sources.value(name) else {
            entries.append(.init(name: name, value: print(fallback), source: .builtIn))
            return fallback
        }
        guard let value = parse(text) else {
            throw ConfigurationError("\(source): \(name): expected \(expected), found '\(text)'")
        }
        entries.append(.init(name: name, value: print(value), source: source))
        return value
    }
}
