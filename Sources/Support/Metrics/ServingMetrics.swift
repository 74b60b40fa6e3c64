internal import Synchronization

/// Everything that `/metrics` shows: times in seconds, sizes in bytes, counters ending in `_total`.
///
/// To add a family: a property and its name in `modelFamilies` or `render`. What is only known when asked (queue depths, the server's
/// connections) is written by a collector.
package final class ServingMetrics: Sendable {
    /// Writes families whose values are looked up at the time of the scrape.
    package typealias Collector = @Sendable (inout MetricText) -> Void

    private let requests = Family(
        "martlet_http_requests_total",
        help: "Answers by route, method and status.",
        labels: ["route", "method", "status"],
        Counter()
    )
    private let httpDuration = Family(
        "martlet_http_request_duration_seconds",
        help: "Time from a request's last byte to its answer, by route.",
        labels: ["route"],
        Histogram()
    )
    let decodeDuration = Family(
        "martlet_decode_duration_seconds",
        help: "Time that decoding a request's images took.",
        labels: modelLabels,
        Histogram()
    )
    let preprocessDuration = Family(
        "martlet_preprocess_duration_seconds",
        help: "Time that making a network's input of a request's images and sequences took.",
        labels: modelLabels,
        Histogram()
    )
    let queueDuration = Family(
        "martlet_queue_duration_seconds",
        help: "Time that a request's items waited for the engine.",
        labels: modelLabels,
        Histogram()
    )
    let inferenceDuration = Family(
        "martlet_inference_duration_seconds",
        help: "Time from the start of a request's first batch to the end of its last.",
        labels: modelLabels,
        Histogram()
    )
    let requestDuration = Family(
        "martlet_request_duration_seconds",
        help:
            "Time from a request's last byte to its answer; of those that were answered, and those out of time.",
        labels: modelLabels,
        Histogram()
    )
    let items = Family(
        "martlet_items_total",
        help: "Images, crops and sequences that ran.",
        labels: modelLabels,
        Counter()
    )
    let batchSize = Family(
        "martlet_batch_size",
        help: "Items in each batch.",
        labels: modelLabels,
        Histogram(.counts)
    )
    let batches = Family(
        "martlet_batches_total",
        help: "Batches by the reason that they ran when they did: full, idle (engine free), delay (over).",
        labels: modelLabels + ["reason"],
        Counter()
    )
    /// Requests that got no answer, by the error's code.
    package let rejections = Family(
        "martlet_rejections_total",
        help: "Requests that the engine gave up or refused, by reason.",
        labels: ["reason"],
        Counter()
    )
    /// Requests that were refused before they were read, by the refusal's code.
    package let accessRefusals = Family(
        "martlet_access_refusals_total",
        help:
            "Requests without the key, the name of the daemon, the origin or the room that they need, by reason.",
        labels: ["reason"],
        Counter()
    )
    /// Texts by why they ended: stop, end, length, or an error's code.
    package let generations = Family(
        "martlet_generations_total",
        help: "Texts that were generated, by why they ended: stop, end, length, or an error's code.",
        labels: modelLabels + ["reason"],
        Counter()
    )
    let generatedTokens = Family(
        "martlet_generated_tokens_total",
        help: "Tokens that were generated.",
        labels: modelLabels,
        Counter()
    )

    private static let modelLabels = ["model", "version"]
    /// Those whose first labels are `modelLabels`.
    private var modelFamilies: [any MetricFamily] {
        [
            items, batches, generations, generatedTokens, decodeDuration, preprocessDuration, queueDuration,
            inferenceDuration, requestDuration, batchSize,
        ]
    }
    /// Of the program.
    package let version: String
    private let isa: String
    private let collectors = Mutex<[Collector]>([])
    private let models = Mutex<[ModelVersion: ModelMetrics]>([:])
    private let answers = Mutex<[Answer: (count: Counter, duration: Histogram)]>([:])

    private struct ModelVersion: Hashable {
        let model: String
        let version: String
    }

    private struct Answer: Hashable {
        let route: String
        let method: String
        let status: Int
    }

    /// Metrics of a program of a version.
    ///
    /// - Parameters:
    ///   - version: the program's.
    ///   - isa: the instruction set that its kernels use; no label where it is empty.
    package init(version: String, isa: String = "") {
        self.version = version
        self.isa = isa
    }

    /// Adds a collector, called at each scrape after the families above.
    package func collect(_ collector: @escaping Collector) {
        collectors.withLock { $0.append(collector) }
    }

    /// Counts an answer by route pattern, method and status.
    package func countAnswer(route: String, method: String, status: Int, took: Duration) {
        let (count, duration) = answers.withLock { answers in
            let answer = Answer(route: route, method: method, status: status)
            if let known = answers[answer] { return known }
            let new = (requests.series(route, method, String(status)), httpDuration.series(route))
            answers[answer] = new
            return new
        }
        count.add()
        duration.observe(took)
    }

    /// The series of a version of a model; there from the first time that somebody asks for them.
    package func model(_ model: String, version: String) -> ModelMetrics {
        models.withLock { models in
            let key = ModelVersion(model: model, version: version)
            if let known = models[key] { return known }
            let new = ModelMetrics(model, version, of: self)
            models[key] = new
            return new
        }
    }

    /// Drops all series of the versions of models that are not kept.
    package func keepModels(where isKept: (_ model: String, _ version: String) -> Bool) {
        models.withLock { models in
            let gone = models.keys.filter { !isKept($0.model, $0.version) }
            guard !gone.isEmpty else { return }
            for key in gone { models[key] = nil }
            let isGone = { (values: [String]) in
                gone.contains { values.starts(with: [$0.model, $0.version]) }
            }
            for family in modelFamilies { family.drop(where: isGone) }
        }
    }

    /// All families in the text format.
    package func render() -> [UInt8] {
        // Collectors come first, as one of them drops the series of models that are gone.
        var collected = MetricText()
        for collector in collectors.withLock(\.self) { collector(&collected) }
        var text = MetricText()
        text.begin(
            "martlet_build_info",
            .gauge,
            help: "The running version and its kernels' instruction set; always 1."
        )
        text.sample(1, [("version", version)] + (isa.isEmpty ? [] : [("isa", isa)]))
        for family in [requests, httpDuration, rejections, accessRefusals] + modelFamilies {
            family.render(into: &text)
        }
        ProcessMetrics.render(into: &text)
        return text.bytes + collected.bytes
    }
}
