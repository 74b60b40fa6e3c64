internal import Platform
internal import Synchronization

/// The series of one version of a model, looked up once for each request and each batch.
package final class ModelMetrics: Sendable {
    private let counts = Mutex(Counts())

    /// What is known more exactly than the families have it.
    private struct Counts {
        var success = Tally()
        var failure = Tally()
        var rendering = Tally()
        /// How often each size of batch ran, and how long; the place is the size.
        var batches: [Tally] = []
        /// When the last request succeeded.
        var last: ContinuousClock.Instant?
    }

    let decode: Histogram
    let preprocess: Histogram
    let queue: Histogram
    let inference: Histogram
    let total: Histogram
    package let items: Counter
    let batchSize: Histogram
    package let fullBatches: Counter
    package let idleBatches: Counter
    package let delayedBatches: Counter
    package let generatedTokens: Counter

    init(_ model: String, _ version: String, of metrics: ServingMetrics) {
        decode = metrics.decodeDuration.series(model, version)
        preprocess = metrics.preprocessDuration.series(model, version)
        queue = metrics.queueDuration.series(model, version)
        inference = metrics.inferenceDuration.series(model, version)
        total = metrics.requestDuration.series(model, version)
        items = metrics.items.series(model, version)
        batchSize = metrics.batchSize.series(model, version)
        fullBatches = metrics.batches.series(model, version, "full")
        idleBatches = metrics.batches.series(model, version, "idle")
        delayedBatches = metrics.batches.series(model, version, "delay")
        generatedTokens = metrics.generatedTokens.series(model, version)
    }

    /// Counts the times of a request that is over, each once: together they make up most of the whole.
    ///
    /// - Parameters:
    ///   - values: what was measured of it; what it did not come to is not counted.
    ///   - status: of its answer. One that was refused would look like a fast one: its whole is not counted with the others.
    ///   - duration: how long all of it took.
    package func observe(_ values: RequestRecord.Values, status: Int, total duration: Duration) {
        if values.decode > .zero { decode.observe(values.decode) }
        if values.preprocess > .zero { preprocess.observe(values.preprocess) }
        if values.batchSize > 0 {
            queue.observe(values.queue)
            inference.observe(values.inference)
        }
        if status < 400 || status == 504 { total.observe(duration) }
        guard status >= 400 || values.batchSize > 0 else { return }
        counts.withLock { counts in
            if status >= 400 { return counts.failure.add(duration) }
            counts.success.add(duration)
            if values.render > .zero { counts.rendering.add(values.render) }
            counts.last = .now
        }
    }

    /// Counts a batch that ran.
    package func observeBatch(of size: Int, took duration: Duration) {
        batchSize.observe(size)
        counts.withLock { counts in
            while counts.batches.count <= size { counts.batches.append(Tally()) }
            counts.batches[size].add(duration)
        }
    }
}

/// How often something happened, and how long it took together.
package struct Tally: Sendable, Equatable {
    package private(set) var count: Int
    package private(set) var nanoseconds: Int

    package init(count: Int = 0, nanoseconds: Int = 0) {
        self.count = count
        self.nanoseconds = nanoseconds
    }

    mutating func add(_ duration: Duration) {
        count += 1
        nanoseconds += duration.nanoseconds
    }

    static func + (one: Tally, other: Tally) -> Tally {
        Tally(count: max(one.count, other.count), nanoseconds: one.nanoseconds + other.nanoseconds)
    }
}

extension ModelMetrics {
    /// What a version of a model has done since it is counted.
    package struct Usage: Sendable {
        /// Requests that were answered, and those that were refused or failed.
        package let success: Tally
        package let failure: Tally
        package let queue: Tally
        /// Decoding images and making tensors of what was sent.
        package let preparing: Tally
        package let inference: Tally
        /// Writing tensors.
        package let rendering: Tally
        /// Batches by their size.
        package let batches: [Tally]
        /// Items that ran.
        package let items: Int
        /// When the last request was answered, in milliseconds since 1970; 0 when none was.
        package let lastInference: Int
    }

    package var usage: Usage {
        let counts = counts.withLock(\.self)
        let age = counts.last.map { ContinuousClock.now - $0 }
        return Usage(
            success: counts.success,
            failure: counts.failure,
            queue: queue.tally,
            preparing: decode.tally + preprocess.tally,
            inference: inference.tally,
            rendering: counts.rendering,
            batches: counts.batches,
            items: items.count,
            lastInference: age.map { WallClock.milliseconds - Int($0 / .milliseconds(1)) } ?? 0
        )
    }
}
