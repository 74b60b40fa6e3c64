internal import Platform

/// Writes metrics in Prometheus' text format, version 0.0.4: `# HELP`, `# TYPE`, then the samples of a family.
///
/// - Source: prometheus.io/docs/instrumenting/exposition_formats, "Text-based format".
package struct MetricText: Sendable {
    /// The kinds of a family.
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// The type of the text for `Content-Type`.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Labels in the order in which they are written.
    package typealias Labels = [(name: String, value: String)]

    private var output = ""
    private var family = ""

    package init() {}

    /// The text so far.
    package var bytes: [UInt8] { Array(output.utf8) }

    /// Begins a family; its samples follow.
    package mutating func begin(_ name: String, _ kind: Kind, help: String) {
        precondition(Self.isName(name), "'\(name)' is not a metric name")
        family = name
        output += "# HELP \(name) \(Self.escape(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// Writes a sample of the family, with `suffix` for the parts of a histogram.
    package mutating func sample(_ value: Double, _ labels: Labels = [], suffix: String = "") {
        output += family
        output += suffix
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escape($0.value, quotes: true))\"" }
            output += "{\(pairs.joined(separator: ","))}"
        }
        output += " \(Self.number(value))\n"
    }

    /// A family of one sample without labels.
    package mutating func single(_ name: String, _ kind: Kind, help: String, _ value: Double) {
        begin(name, kind, help: help)
        sample(value)
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        guard let whole = Int(exactly: value), whole.magnitude < 1 << 53 else { return value.description }
        return String(whole)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !first.isDigit else { return false }
        return name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "_:".utf8.contains($0) }
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
