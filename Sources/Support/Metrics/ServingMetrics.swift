internal import Synchronization

/// Everything that `/metrics` shows: times in seconds, sizes in bytes, counters ending in `_total`.
///
/// To add a family: a property and its line in `render`. What is only known when asked (queue depths, the server's
/// connections) is written by a collector.
package final class ServingMetrics: Sendable {
    /// Writes families whose values are looked up at the time of the scrape.
    package typealias Collector = @Sendable (inout MetricText) -> Void

    /// Answers by route pattern, method and status.
    package let requests = Counter(
        "martlet_http_requests_total",
        help: "Answers by route, method and status.",
        labels: ["route", "method", "status"]
    )
    /// From a request's head to its answer.
    package let requestDuration = Histogram(
        "martlet_http_request_duration_seconds",
        help: "Time from a request's head to its answer, by route.",
        labels: ["route"]
    )
    /// Decoding one image.
    package let decodeDuration = Histogram(
        "martlet_decode_duration_seconds",
        help: "Time to decode an image.",
        labels: modelLabels
    )
    /// Resizing, cropping and normalising one image, or encoding a sequence.
    package let preprocessDuration = Histogram(
        "martlet_preprocess_duration_seconds",
        help: "Time to make a network's input of an image or a sequence.",
        labels: modelLabels
    )
    package let queueDuration = Histogram(
        "martlet_queue_duration_seconds",
        help: "Time a request's items waited for the engine.",
        labels: modelLabels
    )
    package let inferenceDuration = Histogram(
        "martlet_inference_duration_seconds",
        help: "Time from the start of a request's first batch to the end of its last.",
        labels: modelLabels
    )
    package let items = Counter(
        "martlet_items_total",
        help: "Images, crops and sequences that ran.",
        labels: modelLabels
    )
    package let batchSize = Histogram(
        "martlet_batch_size",
        help: "Items in each batch.",
        labels: modelLabels,
        bounds: [1, 2, 4, 8, 16, 32, 64, 128]
    )
    package let batches = Counter(
        "martlet_batches_total",
        help: "Batches by the reason that they ran when they did: full, idle (engine free), delay (over).",
        labels: modelLabels + ["reason"]
    )
    /// Requests that got no answer, by the error's code.
    package let rejections = Counter(
        "martlet_rejections_total",
        help: "Requests that the engine gave up or refused, by reason.",
        labels: ["reason"]
    )

    /// Texts by why they ended: stop, end, length, or an error's code.
    package let generations = Counter(
        "martlet_generations_total",
        help: "Texts that were generated, by why they ended: stop, end, length, or an error's code.",
        labels: modelLabels + ["reason"]
    )
    /// Tokens of all texts.
    package let generatedTokens = Counter(
        "martlet_generated_tokens_total",
        help: "Tokens that were generated.",
        labels: modelLabels
    )

    private static let modelLabels = ["model", "version"]
    private let version: String
    private let collectors = Mutex<[Collector]>([])

    /// Metrics of a program of a version.
    package init(version: String) {
        self.version = version
    }

    /// Adds a collector, called at each scrape after the families above.
    package func collect(_ collector: @escaping Collector) {
        collectors.withLock { $0.append(collector) }
    }

    /// All families in the text format.
    package func render() -> [UInt8] {
        var text = MetricText()
        text.begin("martlet_build_info", .gauge, help: "The running version; always 1.")
        text.sample(1, [("version", version)])
        for counter in [requests, items, batches, rejections, generations, generatedTokens] {
            counter.render(into: &text)
        }
        for histogram in [
            requestDuration, decodeDuration, preprocessDuration, queueDuration, inferenceDuration, batchSize,
        ] { histogram.render(into: &text) }
        for collector in collectors.withLock(\.self) { collector(&text) }
        ProcessMetrics.render(into: &text)
        return text.bytes
    }
}
