package import HTTP
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

    /// Shows the registry's models by state and the scheduler's queues at each scrape.
    package func collect(registry: Registry, scheduler: Scheduler) {
        collect { text in
            let counts = registry.counts()
            text.begin("martlet_models", .gauge, help: "Versions of models by state.")
            for state in ModelEntry.State.allCases {
                text.sample(Double(counts[state] ?? 0), [("state", state.rawValue)])
            }
            let depths = Dictionary(
                scheduler.queueDepths().map { ([$0.network.model, $0.network.version], $0.items) },
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
                ("active_requests", now.activeRequests, "Requests that are worked on."),
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
}
