/// What `Progress` shows at one moment.
struct ProgressLine: Sendable {
    var label: String
    var unit: Progress.Unit
    var done: Int
    /// Nil when nobody knows.
    var total: Int?
    /// How much a second; nil while there is nothing to say.
    var rate: Double?

    private static let barWidth = 24

    init(label: String, unit: Progress.Unit, done: Int, total: Int?, rate: Double? = nil) {
        self.label = label
        self.unit = unit
        self.done = done
        self.total = total
        self.rate = rate
    }

    /// The line of a terminal, one column shorter than it, so that it never wraps.
    func text(columns: Int) -> String {
        let parts = [label] + facts
        let plain = parts.joined(separator: "  ")
        let bar = bar.map { parts[0] + "  " + $0 + "  " + facts.joined(separator: "  ") }
        if let bar, bar.count < columns { return bar }
        return String(plain.prefix(max(0, columns - 1)))
    }

    /// The line of a log.
    var sentence: String { facts.isEmpty ? label : "\(label): \(facts.joined(separator: ", "))" }

    private var facts: [String] {
        [amount, rate.map { "\(Self.amount($0, unit))/s" }, timeLeft].compactMap(\.self)
    }

    private var amount: String? {
        let name = if case .items(let name) = unit, !name.isEmpty { " \(name)" } else { "" }
        guard let total else { return done > 0 ? Self.amount(Double(done), unit) + name : nil }
        return "\(Self.amount(Double(done), unit)) of \(Self.amount(Double(total), unit))\(name)"
    }

    private var timeLeft: String? {
        guard let total, let rate, rate > 0, total > done else { return nil }
        return Self.time(seconds: Double(total - done) / rate) + " left"
    }

    private var bar: String? {
        guard let total, total > 0 else { return nil }
        let filled = min(Self.barWidth, Self.barWidth * min(done, total) / total)
        let rest = String(repeating: "-", count: Self.barWidth - filled)
        return "[" + String(repeating: "#", count: filled) + rest + "]"
    }

    /// A number of items, or bytes in the unit that suits them.
    static func amount(_ value: Double, _ unit: Progress.Unit) -> String {
        guard unit == .bytes else { return value >= 10 ? "\(Int(value.rounded()))" : tenths(value) }
        var (value, names) = (value, ["B", "KiB", "MiB", "GiB", "TiB"][...])
        while value >= 1024, names.count > 1 { (value, names) = (value / 1024, names.dropFirst()) }
        let number = names.first == "B" || value >= 100 ? "\(Int(value.rounded()))" : tenths(value)
        return "\(number) \(names.first ?? "")"
    }

    /// `8 s`, `3 min 12 s`, `2 h 5 min`.
    static func time(seconds: Double) -> String {
        let seconds = Int(min(seconds, 1e9).rounded(.up))
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }

    /// With one digit behind the point, but for a whole number.
    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
