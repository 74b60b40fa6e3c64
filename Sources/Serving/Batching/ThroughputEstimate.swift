/// How fast a model has been lately, to tell a refused client when to come back.
package struct ThroughputEstimate: Sendable {
    /// Seconds for each item, a moving average; nil before the first batch.
    private var secondsPerItem: Double?

    package init() {}

    /// Takes note of a batch.
    package mutating func record(items: Int, in duration: Duration) {
        let seconds = duration / .seconds(1) / Double(items)
        secondsPerItem = secondsPerItem.map { 0.8 * $0 + 0.2 * seconds } ?? seconds
    }

    /// Whole seconds until `items` will have run: at least 1, at most 60.
    package func seconds(for items: Int) -> Int {
        let estimate = (secondsPerItem ?? 0) * Double(items)
        return Int(min(max(estimate.rounded(.up), 1), 60))
    }
}
