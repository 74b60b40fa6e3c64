internal import Synchronization

/// A series of a family of metrics.
package protocol MetricSeries: AnyObject, Sendable {
    static var kind: MetricText.Kind { get }
    /// Whether nothing was counted yet: then the series is not shown.
    var isUnused: Bool { get }
    /// Writes the samples of the series.
    func render(into text: inout MetricText, _ labels: MetricText.Labels)
}

/// A number that only grows; counting is one atomic addition.
package final class Counter: MetricSeries {
    package static let kind = MetricText.Kind.counter

    private let value = Atomic(0)

    package init() {}

    /// The number so far.
    package var count: Int { value.load(ordering: .relaxed) }

    package var isUnused: Bool { count == 0 }

    /// Adds to the number.
    package func add(_ amount: Int = 1) {
        precondition(amount >= 0, "a counter cannot go down by \(-amount)")
        value.add(amount, ordering: .relaxed)
    }

    package func render(into text: inout MetricText, _ labels: MetricText.Labels) {
        text.sample(Double(count), labels)
    }
}

/// How often values fell into ranges; observing is two atomic additions, without a lock.
///
/// Values are whole numbers of a small unit, nanoseconds for durations, and shown in the unit of the metric.
package final class Histogram: MetricSeries {
    /// The ranges of a histogram, and its unit.
    package struct Scale: Sendable {
        /// From 100 µs to 30 s, shown in seconds.
        package static let durations = Scale(
            [100, 250, 500].map { $0 * 1_000 }
                + [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000].map {
                    Int($0 * 1_000_000)
                },
            unit: 1_000_000_000
        )
        /// From 1 to 128.
        package static let counts = Scale([1, 2, 4, 8, 16, 32, 64, 128])

        let bounds: [Int]
        let unit: Int

        /// - Parameters:
        ///   - bounds: upper bounds in increasing order; a last range without one is added.
        ///   - unit: how many make one of what is shown.
        package init(_ bounds: [Int], unit: Int = 1) {
            precondition(
                zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 },
                "bounds \(bounds) do not increase"
            )
            self.bounds = bounds
            self.unit = unit
        }
    }

    package static let kind = MetricText.Kind.histogram

    private let scale: Scale
    private let ranges: [Counter]
    private let sum = Atomic(0)

    package init(_ scale: Scale = .durations) {
        self.scale = scale
        ranges = (0...scale.bounds.count).map { _ in Counter() }
    }

    package var isUnused: Bool { ranges.allSatisfy(\.isUnused) }

    /// Counts a value.
    package func observe(_ value: Int) {
        let bounds = scale.bounds
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        ranges[index].add()
        sum.add(value, ordering: .relaxed)
    }

    /// Counts a duration.
    package func observe(_ duration: Duration) { observe(duration.nanoseconds) }

    /// How many values there were, and their sum.
    var tally: Tally {
        Tally(count: ranges.reduce(0) { $0 + $1.count }, nanoseconds: sum.load(ordering: .relaxed))
    }

    package func render(into text: inout MetricText, _ labels: MetricText.Labels) {
        let unit = Double(scale.unit)
        var total = 0
        for (range, bound) in zip(ranges, scale.bounds.map { Double($0) / unit } + [.infinity]) {
            total += range.count
            text.sample(Double(total), labels + [("le", MetricText.number(bound))], suffix: "_bucket")
        }
        text.sample(Double(sum.load(ordering: .relaxed)) / unit, labels, suffix: "_sum")
        text.sample(Double(total), labels, suffix: "_count")
    }
}

/// A family of any kind of series.
protocol MetricFamily: Sendable {
    func drop(where isGone: ([String]) -> Bool)
    func render(into text: inout MetricText)
}

/// The series of a family by the values of its labels; those that have counted nothing are not shown.
///
/// A look-up takes a lock and hashes the values: what counts often looks its series up once and keeps it.
package final class Family<Series: MetricSeries>: MetricFamily {
    private let name: String
    private let help: String
    private let labels: [String]
    private let make: @Sendable () -> Series
    private let members = Mutex<[[String]: Series]>([:])

    package init(
        _ name: String,
        help: String,
        labels: [String] = [],
        _ make: @autoclosure @escaping @Sendable () -> Series
    ) {
        self.name = name
        self.help = help
        self.labels = labels
        self.make = make
    }

    /// The series under label values, given in the order of the labels.
    package func series(_ values: String...) -> Series {
        precondition(values.count == labels.count, "\(name) has the labels \(labels), found \(values)")
        return members.withLock { members in
            if let member = members[values] { return member }
            let made = make()
            members[values] = made
            return made
        }
    }

    /// Drops series by their label values; who still holds one counts for nobody.
    package func drop(where isGone: ([String]) -> Bool) {
        members.withLock { members in
            for values in members.keys where isGone(values) { members[values] = nil }
        }
    }

    /// Writes the family.
    package func render(into text: inout MetricText) {
        text.begin(name, Series.kind, help: help)
        let shown = members.withLock { $0 }.filter { !$0.value.isUnused }
        for (values, member) in shown.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            member.render(into: &text, zip(labels, values).map { (name: $0, value: $1) })
        }
    }
}

extension Duration {
    /// Whole nanoseconds.
    package var nanoseconds: Int {
        let attoseconds = attoseconds
        // The division of what takes less than 18 seconds is a short one.
        if let short = UInt64(exactly: attoseconds) { return Int(short / 1_000_000_000) }
        return Int(clamping: attoseconds / 1_000_000_000)
    }
}
