/// The series of one version of a model, looked up once for each request and each batch.
package final class ModelMetrics: Sendable {
    let decode: Histogram
    let preprocess: Histogram
    let queue: Histogram
    let inference: Histogram
    let total: Histogram
    package let items: Counter
    package let batchSize: Histogram
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
    ///   - duration: how long all of it took; nil for one that was refused, which would look like a fast one.
    package func observe(_ values: RequestRecord.Values, total duration: Duration?) {
        if values.decode > .zero { decode.observe(values.decode) }
        if values.preprocess > .zero { preprocess.observe(values.preprocess) }
        if values.batchSize > 0 {
            queue.observe(values.queue)
            inference.observe(values.inference)
        }
        if let duration { total.observe(duration) }
    }
}
