package import HTTP
internal import HTTPTypes
package import Inference
package import Models
package import Platform
package import Support
package import Tasks

extension ServingMetrics {
    /// Shows all that is looked up at the time of a scrape, but what the server knows.
    func collect(_ parts: Service.Parts) {
        collect(registry: parts.registry, scheduler: parts.scheduler)
        collect(generations: parts.generations)
        collect(sequences: parts.sequences)
        collect(budget: parts.budget, lane: parts.lane)
        collect { [shapes = parts.shapes] text in
            text.single(
                "martlet_waiting_shape_networks",
                .gauge,
                help: "Networks for shapes that requests chose which are being made, or wait for it.",
                Double(shapes.waiting)
            )
        }
    }

    /// Shows what requests hold, and how many wait to begin.
    package func collect(budget: MemoryBudget, lane: Lane) {
        collect { text in
            text.begin("martlet_memory_bytes", .gauge, help: "Bytes that requests hold, by what for.")
            for use in MemoryBudget.Use.allCases {
                text.sample(Double(budget.used(for: use)), [("use", "\(use)")])
            }
            text.single(
                "martlet_memory_limit_bytes",
                .gauge,
                help: "Bytes that requests may hold together.",
                Double(budget.limit)
            )
            text.single(
                "martlet_memory_refusals_total",
                .counter,
                help: "Leases of memory that were refused.",
                Double(budget.refusals)
            )
            text.single(
                "martlet_waiting_requests",
                .gauge,
                help: "Requests that wait to be decoded.",
                Double(lane.waiting)
            )
        }
    }

    /// Shows the registry's models and the scheduler's queues at each scrape, and forgets the versions that are gone.
    package func collect(registry: Registry, scheduler: Scheduler) {
        collect { [weak self] text in
            let versions = registry.models().flatMap { entry in entry.versions.map { (entry.name, $0) } }
            Self.write(versions, into: &text)
            Self.write(scheduler.queues(), into: &text)
            guard registry.isListed else { return }
            let kept = versions.filter { $1.model != nil || $1.state == .loading }
            self?.keepModels { model, version in kept.contains { $0 == model && $1.version == version } }
        }
    }

    private static func write(
        _ versions: [(model: String, version: ModelEntry.Version)],
        into text: inout MetricText
    ) {
        text.begin("martlet_models", .gauge, help: "Versions of models by state.")
        for state in ModelEntry.State.allCases {
            text.sample(Double(versions.count { $1.state == state }), [("state", state.rawValue)])
        }
        text.begin("martlet_model_state", .gauge, help: "The state of each version of a model; always 1.")
        for (name, version) in versions {
            text.sample(
                1,
                [("model", name), ("version", version.version), ("state", version.state.rawValue)]
            )
        }
        let open = versions.compactMap { name, version in
            version.model?.shapes.map { (model: name, version: version.version, counts: $0.counts) }
        }
        text.begin(
            "martlet_shape_networks",
            .gauge,
            help: "Networks that are kept for shapes which requests chose."
        )
        for (model, version, counts) in open {
            text.sample(Double(counts.kept), [("model", model), ("version", version)])
        }
        text.begin(
            "martlet_shape_networks_made_total",
            .counter,
            help: "Networks that were made for shapes which requests chose."
        )
        for (model, version, counts) in open {
            text.sample(Double(counts.made), [("model", model), ("version", version)])
        }
        text.begin(
            "martlet_model_reload_failed",
            .gauge,
            help: "1 where a version answers, but what lies in its folder now could not be loaded."
        )
        for (name, version) in versions where version.model != nil {
            text.sample(version.reason == nil ? 0 : 1, [("model", name), ("version", version.version)])
        }
    }

    private static func write(_ queues: [QueueState], into text: inout MetricText) {
        // The networks of one model (the extractor of its frames, its decoder) count as one.
        let models = Dictionary(grouping: queues) { [$0.network.model, $0.network.version] }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
        func gauge(_ name: String, _ help: String, _ value: ([QueueState]) -> Double) {
            text.begin(name, .gauge, help: help)
            for (model, queues) in models {
                text.sample(value(queues), [("model", model[0]), ("version", model[1])])
            }
        }
        gauge("martlet_queue_items", "Items that wait for the engine.") {
            Double($0.reduce(0) { $0 + $1.items })
        }
        gauge(
            "martlet_queue_fullness_ratio",
            "How much of the places of the model's queue is taken; at 1 requests are refused."
        ) { $0.map(\.fullness).max() ?? 0 }
        gauge(
            "martlet_predicted_wait_seconds",
            "How long an item that came now would wait for the engine, as predicted."
        ) { $0.map(\.predictedWait).max() ?? 0 }
    }

    /// Shows whether the daemon is ready, and what its requests are measured against.
    func collect(service: Service, threads: Int) {
        collect { [weak service] text in
            guard let service else { return }
            text.single(
                "martlet_ready",
                .gauge,
                help: "Whether /readyz says that the daemon is ready.",
                service.ready().status == .ok ? 1 : 0
            )
            text.single(
                "martlet_request_timeout_seconds",
                .gauge,
                help: "The most time that a request may take.",
                service.limits.requestTimeout / .seconds(1)
            )
            text.single(
                "martlet_worker_threads",
                .gauge,
                help: "Threads that the engine runs batches on, and as many that requests are prepared on.",
                Double(threads)
            )
        }
    }

    /// Shows the sequences that go on between requests at each scrape.
    package func collect(sequences store: SequenceStore) {
        collect { text in
            let (kept, counts) = store.statistics
            text.single("martlet_sequences", .gauge, help: "Sequences whose state is kept.", Double(kept))
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
            text.single(
                "martlet_active_generations",
                .gauge,
                help: "Texts that are generated now.",
                Double(limit.count)
            )
        }
    }

    /// Shows what the HTTP servers, one or more, do and have refused at each scrape.
    package func collect(servers: [HTTPServer]) {
        collect { text in
            let now = servers.dropFirst().reduce(servers[0].statistics) { $0 + $1.statistics }
            for (name, value, help) in [
                ("connections", now.openConnections, "Open connections."),
                ("active_requests", now.activeRequests, "Requests that are worked on."),
                ("buffered_bytes", now.bufferedBytes, "Bytes of request bodies in memory."),
            ] {
                text.single("martlet_http_\(name)", .gauge, help: help, Double(value))
            }
            text.single(
                "martlet_http_accepted_total",
                .counter,
                help: "Connections accepted.",
                Double(now.acceptedConnections)
            )
            text.single(
                "martlet_http_abandoned_total",
                .counter,
                help: "Requests whose client left first.",
                Double(now.abandonedRequests)
            )
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
}
