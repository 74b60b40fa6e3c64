internal import Engine
internal import HTTP
internal import Imaging
internal import Inference
package import Logging
internal import Models
internal import Platform
internal import Support
internal import Tasks

/// The daemon, put together: models, engine, API, server; from the first log line to the last.
///
/// In order: block signals, list the models, listen, load them, say READY, wait for signals, say STOPPING, drain, end.
package struct Daemon {
    private let configuration: Configuration
    private let environment: [String: String]
    private let logger: Logger

    package init(_ configuration: Configuration, environment: [String: String], logger: Logger) {
        self.configuration = configuration
        self.environment = environment
        self.logger = logger
    }

    /// Serves until SIGTERM or SIGINT; the second ends the process at once, and SIGHUP loads what is new.
    ///
    /// - Parameter announce: called with `listening on http://HOST:PORT` when connections are welcome, and with
    ///   `serving N models` once those of the folder are loaded.
    /// - Throws: `SystemError` when the models' folder cannot be read or the address not be listened on.
    package func run(announce: @escaping @Sendable (String) -> Void) throws {
        MemoryAdvice.boundAllocator()
        let termination = try Termination()
        let manager = ServiceManager(environment: environment)
        let parts = try makeParts()
        let access = try Access.load(configuration.access, metrics: parts.metrics, logger: logger)
        try parts.registry.list()
        let listening = try Listening(configuration, environment: environment)
        var limits = configuration.limits
        limits.hasAdminListener = listening.hasAdmin
        let service = try Service(parts, limits: limits, access: access, logger: logger)
        try access.begin(listeningOn: listening.hosts)
        let servers = try listening.start(service, configuration, parts.budget, logger)
        parts.metrics.collect(servers: servers.all)
        parts.metrics.collect(service: service, threads: configuration.integer(.threads))
        termination.deferToWait()
        for place in servers.places { announce("listening on \(place)") }
        let address = servers.places[0]
        manager.notify("STATUS=loading the models of \(configuration.models)")
        let supervision = try Supervision(
            manager,
            of: Supervision.Subject(servers.main, parts.scheduler, parts.registry, at: address)
        )
        let reloads = Monitor(0)
        let watch = Monitor<ModelWatch?>(nil)
        // Models come while requests are answered already: one for a model that is not there gets 503.
        _ = try Thread(name: "loader") { [registry = parts.registry] in
            load(registry, watch)
            let count = registry.models().count { $0.current.model != nil || $0.current.isOnDemand }
            manager.notify("READY=1", "STATUS=listening on \(address)")
            announce("serving \(count) models")
            reload(registry, at: reloads, manager, keys: { service.reloadKeys() })
        }
        let signal = waitForEnd(termination, reloads)
        logger.info("draining", metadata: ["signal": "\(signal)"])
        let stopTime = configuration.duration(.drainDelay) + configuration.duration(.drainTimeout)
        manager.notify(
            "STOPPING=1",
            "STATUS=draining",
            "EXTEND_TIMEOUT_USEC=\(Int((stopTime + Self.endTime) / .microseconds(1)))"
        )
        service.beginDraining()
        watch.withLock { $0 }?.close()
        servers.main.drain(
            deadline: configuration.duration(.drainTimeout),
            grace: configuration.duration(.drainDelay)
        )
        // Until now operators could see how the drain goes.
        servers.admin?.drain(deadline: .seconds(1))
        supervision.close()
        parts.registry.close()
        service.close()
        parts.shapes.close()
        parts.scheduler.stop()
        parts.lane.close()
        logger.info("stopped")
    }

    /// Loads what is new each time that somebody wants it, for ever.
    private func reload(
        _ registry: Registry,
        at reloads: Monitor<Int>,
        _ manager: ServiceManager,
        keys: () -> Void
    ) {
        while reloads.wait(for: { $0 > 0 ? $0 : nil }) != nil {
            reloads.withLock { $0 = 0 }
            manager.notifyReloading()
            keys()
            reload(registry)
            manager.notify("READY=1")
        }
    }

    /// Passes on wishes to load again, until the signal that ends the daemon.
    private func waitForEnd(_ termination: Termination, _ reloads: Monitor<Int>) -> Int32 {
        while true {
            switch termination.wait() {
            case .end(let signal): return signal
            case .reload: reloads.signal { $0 += 1 }
            }
        }
    }

    /// How long the end takes after the drain, at most.
    private static let endTime = Duration.seconds(15)

    /// Loads the models of the folder, and from then on what is written to it where that is asked for.
    private func load(_ registry: Registry, _ watch: Monitor<ModelWatch?>) {
        let started = watched(registry)
        do {
            try registry.load()
        } catch {
            return logger.error("models not loaded", metadata: ["reason": "\(error)"])
        }
        guard let started else { return }
        do throws(SystemError) {
            try started.begin()
            watch.withLock { $0 = started }
        } catch {
            logger.error("models are not watched", metadata: ["reason": "\(error)"])
        }
    }

    /// Sees what is written to the folder from now on; nil where nobody asks for that, or it cannot be.
    private func watched(_ registry: Registry) -> ModelWatch? {
        guard configuration[.watchModels] == "true" else { return nil }
        do throws(SystemError) {
            return try ModelWatch(registry, logger: logger)
        } catch {
            logger.error("models are not watched", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Looks through the folder for what has changed; returns when all of it is loaded.
    private func reload(_ registry: Registry) {
        let done = Monitor<[ModelChange]?>(nil)
        do {
            try registry.reload { changes in done.signal { $0 = changes } }
            let changes = done.wait { $0 } ?? []
            let loaded = changes.count { $0.outcome == .loaded }
            let failed = changes.count { $0.failure != nil }
            logger.info("reloaded", metadata: ["loaded": "\(loaded)", "failed": "\(failed)"])
        } catch {
            logger.error("reload failed", metadata: ["reason": "\(error)"])
        }
    }

    private func makeParts() throws -> Service.Parts {
        let metrics = ServingMetrics(version: Version.current, isa: InstructionSet.current)
        let memory = configuration.integer(.maxMemory)
        let budget = MemoryBudget(limit: memory, limitOfBodies: memory - memory / 4)
        let threads = configuration.integer(.threads)
        let lane = try Lane(threads: threads)
        let scheduler = try Scheduler(
            configuration.scheduler,
            threads: threads,
            metrics: metrics,
            budget: budget
        )
        let registry = Registry(
            folder: configuration.models,
            configuration.registry,
            logger: logger,
            warmUp: { model, golden throws(ServingError) in
                try lane.wait { () async throws(ServingError) in try await scheduler.warmUp(model, golden) }
            },
            retire: scheduler.retire
        )
        let classifier = ImageClassifier(
            scheduler: scheduler,
            limits: configuration.images,
            budget: budget
        )
        let parts = Service.Parts(
            registry: registry,
            metrics: metrics,
            scheduler: scheduler,
            classifier: classifier,
            predictor: SequencePredictor(scheduler: scheduler, classifier: classifier, metrics: metrics),
            generator: TextGenerator(scheduler: scheduler, metrics: metrics),
            generations: GenerationLimit(configuration.integer(.maxGenerations)),
            sequences: SequenceStore(configuration.sequences, budget: budget),
            seal: configuration.seal,
            lane: lane,
            budget: budget
        )
        metrics.collect(parts)
        return parts
    }
}

/// The program's version, shown by `martlet --version` and in the metrics.
package enum Version {
    package static let current = "0.1.0"
}
