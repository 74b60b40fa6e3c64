/// A strict reader of Prometheus' text format, version 0.0.4.
struct MetricParser {
    struct Fault: Error, CustomStringConvertible { let description: String }

    struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family {
        let name: String
        let kind: String
        var samples: [Sample] = []
    }

    private(set) var families: [Family] = []

    init(_ bytes: [UInt8]) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(description: "not UTF-8")
        }
        guard text.hasSuffix("\n") else { throw Fault(description: "the last line does not end") }
        var help: String?
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("# HELP ") {
                help = String(line.dropFirst(7).prefix { $0 != " " })
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.dropFirst(7).split(separator: " ").map(String.init)
                guard parts.count == 2, parts[0] == help else {
                    throw Fault(description: "TYPE without HELP: \(line)")
                }
                guard ["counter", "gauge", "histogram"].contains(parts[1]) else {
                    throw Fault(description: "\(line)")
                }
                guard !families.contains(where: { $0.name == parts[0] }) else {
                    throw Fault(description: "twice: \(line)")
                }
                families.append(Family(name: parts[0], kind: parts[1]))
            } else {
                guard !families.isEmpty else { throw Fault(description: "no family: \(line)") }
                families[families.count - 1].samples.append(try Self.sample(String(line)))
            }
        }
        for family in families { try Self.check(family) }
    }

    /// The value of the sample with a name and labels.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        families.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }

    private static func sample(_ line: String) throws -> Sample {
        var rest = line[...]
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            repeat {
                rest = rest.dropFirst()
                let key = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
                rest = rest.dropFirst(key.count)
                guard !key.isEmpty, rest.hasPrefix("=\"") else { throw Fault(description: "label: \(line)") }
                rest = rest.dropFirst(2)
                let value = try quoted(&rest, line)
                guard labels.updateValue(value, forKey: String(key)) == nil else {
                    throw Fault(description: "\(line)")
                }
            } while rest.first == ","
            guard rest.first == "}" else { throw Fault(description: "labels do not end: \(line)") }
            rest = rest.dropFirst()
        }
        guard !name.isEmpty, rest.first == " ", let value = number(String(rest.dropFirst())) else {
            throw Fault(description: "sample: \(line)")
        }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private static func quoted(_ rest: inout Substring, _ line: String) throws -> String {
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                switch rest.popFirst() {
                case "n": value += "\n"
                case "\\": value += "\\"
                case "\"": value += "\""
                default: throw Fault(description: "escape: \(line)")
                }
            default: value.append(character)
            }
        }
        throw Fault(description: "label value does not end: \(line)")
    }

    private static func number(_ text: String) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.allSatisfy { $0.isNumber || "+-.eE".contains($0) } ? Double(text) : nil
        }
    }

    private static func check(_ family: Family) throws {
        let suffixes = family.kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        for sample in family.samples where !suffixes.contains(where: { family.name + $0 == sample.name }) {
            throw Fault(description: "\(sample.name) in the family \(family.name)")
        }
        guard family.kind == "histogram" else { return }
        var last: (labels: [String: String], bound: Double, count: Double)?
        for sample in family.samples {
            var labels = sample.labels
            guard let bound = labels.removeValue(forKey: "le").flatMap(number) else {
                if sample.name.hasSuffix("_bucket") { throw Fault(description: "no le in \(family.name)") }
                if sample.name.hasSuffix("_count"), last?.bound != .infinity || last?.count != sample.value {
                    throw Fault(description: "\(family.name): count differs from the last bucket")
                }
                continue
            }
            if let last, last.labels == labels, bound <= last.bound || sample.value < last.count {
                throw Fault(description: "\(family.name): buckets do not increase")
            }
            last = (labels, bound, sample.value)
        }
    }
}
