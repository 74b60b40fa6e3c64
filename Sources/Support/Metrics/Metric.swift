internal import Synchronization

/// A number that only grows, for each combination of label values.
package final class Counter: Sendable {
    private let series: LabelledSeries<Double>

    package init(_ name: String, help: String, labels: [String] = []) {
        series = LabelledSeries(name, help: help, labels: labels)
    }

    /// Adds to the number under the label values, given in the order of the labels.
    package func add(_ amount: Double = 1, _ labels: String...) {
        precondition(amount >= 0, "a counter cannot go down by \(-amount)")
        series.update(labels, initial: 0) { $0 += amount }
    }

    /// Writes the family.
    package func render(into text: inout MetricText) {
        series.render(into: &text, .counter) { text, labels, value in text.sample(value, labels) }
    }
}

/// How often values fell into ranges, for each combination of label values.
package final class Histogram: Sendable {
    private struct Buckets {
        var counts: [Int]
        var sum = 0.0
    }

    /// Upper bounds for durations in seconds, from 100 µs to 30 s.
    package static let seconds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]

    private let bounds: [Double]
    private let series: LabelledSeries<Buckets>

    /// A histogram with upper bounds in increasing order; a last one without bound is added.
    package init(_ name: String, help: String, labels: [String] = [], bounds: [Double] = Histogram.seconds) {
        precondition(
            zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 },
            "bounds \(bounds) do not increase"
        )
        self.bounds = bounds
        series = LabelledSeries(name, help: help, labels: labels)
    }

    /// Counts a value.
    package func observe(_ value: Double, _ labels: String...) { observe(value, labels) }

    /// Counts a duration in seconds.
    package func observe(_ duration: Duration, _ labels: String...) {
        observe(duration / .seconds(1), labels)
    }

    private func observe(_ value: Double, _ labels: [String]) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        series.update(labels, initial: Buckets(counts: Array(repeating: 0, count: bounds.count + 1))) {
            buckets in
            buckets.counts[index] += 1
            buckets.sum += value
        }
    }

    /// Writes the family.
    package func render(into text: inout MetricText) {
        series.render(into: &text, .histogram) { text, labels, buckets in
            var total = 0
            for (count, bound) in zip(buckets.counts, bounds + [.infinity]) {
                total += count
                text.sample(Double(total), labels + [("le", MetricText.number(bound))], suffix: "_bucket")
            }
            text.sample(buckets.sum, labels, suffix: "_sum")
            text.sample(Double(total), labels, suffix: "_count")
        }
    }
}

/// Values by their label values; the lock is held for one look-up.
private final class LabelledSeries<Value: Sendable>: Sendable {
    private let name: String
    private let help: String
    private let labels: [String]
    private let values: Mutex<[[String]: Value]>

    init(_ name: String, help: String, labels: [String]) {
        self.name = name
        self.help = help
        self.labels = labels
        values = Mutex([:])
    }

    func update(_ key: [String], initial: @autoclosure () -> Value, _ change: (inout Value) -> Void) {
        precondition(key.count == labels.count, "\(name) has the labels \(labels), found \(key)")
        values.withLock { change(&$0[key, default: initial()]) }
    }

    func render(
        into text: inout MetricText,
        _ kind: MetricText.Kind,
        _ sample: (inout MetricText, MetricText.Labels, Value) -> Void
    ) {
        text.begin(name, kind, help: help)
        let snapshot = values.withLock { $0 }
        for (key, value) in snapshot.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            sample(&text, zip(labels, key).map { (name: $0, value: $1) }, value)
        }
    }
}
