package import HTTP
package import Support
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
    private let queueDuration = Histogram(
        "martlet_queue_duration_seconds",
        help: "Time a request's items waited for the engine.",
        labels: modelLabels
    )
    private let inferenceDuration = Histogram(
        "martlet_inference_duration_seconds",
        help: "Time from the start of a request's first batch to the end of its last.",
        labels: modelLabels
    )
    private let items = Counter(
        "martlet_items_total",
        help: "Images, crops and sequences that ran.",
        labels: modelLabels
    )
    private let batchSize = Histogram(
        "martlet_batch_size",
        help: "Items in each batch.",
        labels: modelLabels,
        bounds: [1, 2, 4, 8, 16, 32, 64, 128]
    )
    private let batches = Counter(
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

extension ServingMetrics {
    /// Shows the registry's models by state and the scheduler's queues at each scrape.
    package func collect(registry: Registry, scheduler: Scheduler) {
        collect { text in
            let counts = registry.counts()
            text.begin("martlet_models", .gauge, help: "Versions of models by state.")
            for state in ModelEntry.State.allCases {
                text.sample(Double(counts[state] ?? 0), [("state", state.rawValue)])
            }
            let depths = Dictionary(
                scheduler.queueDepths().map { ([$0.model.name, $0.model.version], $0.items) },
                uniquingKeysWith: +
            )
            text.begin("martlet_queue_items", .gauge, help: "Items that wait for the engine; 0 is left out.")
            for (model, items) in depths.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                text.sample(Double(items), [("model", model[0]), ("version", model[1])])
            }
        }
    }

    /// Shows the sequences that go on between requests at each scrape.
    package func collect(sequences store: SequenceStore) {
        collect { text in
            let (kept, counts) = store.statistics
            text.begin("martlet_sequences", .gauge, help: "Sequences whose state is kept.")
            text.sample(Double(kept))
            text.begin(
                "martlet_sequence_events_total",
                .counter,
                help: "Sequences that started, ended, expired, were evicted, or had a conflict."
            )
            for (event, count) in [
                ("started", counts.started), ("ended", counts.ended), ("expired", counts.expired),
                ("evicted", counts.evicted), ("conflict", counts.conflicts),
            ] { text.sample(Double(count), [("event", event)]) }
        }
    }

    /// Shows how many texts are generated at each scrape.
    package func collect(generations limit: GenerationLimit) {
        collect { text in
            text.begin("martlet_active_generations", .gauge, help: "Texts that are generated now.")
            text.sample(Double(limit.count))
        }
    }

    /// Shows what the HTTP server does and has refused at each scrape.
    package func collect(server: HTTPServer) {
        collect { text in
            let now = server.statistics
            for (name, value, help) in [
                ("connections", now.openConnections, "Open connections."),
                ("queued_requests", now.queuedRequests, "Requests that wait for a worker."),
                ("active_requests", now.activeRequests, "Requests that a worker answers."),
                ("buffered_bytes", now.bufferedBytes, "Bytes of request bodies in memory."),
            ] {
                text.begin("martlet_http_\(name)", .gauge, help: help)
                text.sample(Double(value))
            }
            text.begin("martlet_http_accepted_total", .counter, help: "Connections accepted.")
            text.sample(Double(now.acceptedConnections))
            text.begin("martlet_http_abandoned_total", .counter, help: "Requests whose client left first.")
            text.sample(Double(now.abandonedRequests))
            text.begin(
                "martlet_http_refusals_total",
                .counter,
                help: "Requests the server refused, by reason."
            )
            for (code, count) in now.refusals.sorted(by: { $0.key < $1.key }) {
                text.sample(Double(count), [("reason", code)])
            }
        }
    }

    func observe(_ inference: Inference, of model: Model) {
        queueDuration.observe(inference.queue, model.name, model.version)
        inferenceDuration.observe(inference.compute, model.name, model.version)
    }

    func observeBatch(of model: Model, items count: Int, reason: BatchPolicy.Reason) {
        items.add(Double(count), model.name, model.version)
        batchSize.observe(Double(count), model.name, model.version)
        batches.add(1, model.name, model.version, reason.rawValue)
    }

    func countRejection(_ error: ServingError) {
        rejections.add(1, error.code)
    }
}
