internal import HTTP
internal import HTTPTypes
internal import Imaging
package import Logging
internal import Platform

/// The daemon, put together: models, engine, API, server; from the first log line to the last.
///
/// In order: block signals, load the models, listen, say READY, wait for a signal, say STOPPING, drain, end.
package struct Daemon {
    private let configuration: Configuration
    private let environment: [String: String]
    private let logger: Logger

    package init(_ configuration: Configuration, environment: [String: String], logger: Logger) {
        self.configuration = configuration
        self.environment = environment
        self.logger = logger
    }

    /// Serves until SIGTERM or SIGINT; before it listens the first ends the process at once, later the second.
    ///
    /// - Parameter announce: called with one line, `listening on http://HOST:PORT`, when requests are welcome.
    /// - Throws: `SystemError` when the models' folder cannot be read or the address not be listened on.
    package func run(announce: (String) -> Void) throws {
        let termination = try Termination()
        let service = ServiceManager(environment: environment)
        let metrics = ServingMetrics(version: Version.current)
        let scheduler = try Scheduler(
            configuration.scheduler,
            threads: configuration.threads,
            metrics: metrics
        )
        let registry = Registry(
            folder: configuration.models,
            tuning: configuration.tuning,
            logger: logger,
            warmUp: scheduler.warmUp
        )
        service.notify("STATUS=loading the models of \(configuration.models)")
        try registry.load()
        metrics.collect(registry: registry, scheduler: scheduler)

        let api = makeAPI(registry, scheduler, metrics)
        let server = HTTPServer(
            configuration: configuration.http,
            renderError: { Response(status: $0, code: $1, message: $2) },
            handler: api.respond
        )
        termination.deferToWait()
        try server.start()
        metrics.collect(server: server)
        let address = "http://\(bracketed(configuration.host)):\(server.port)"
        service.notify("READY=1", "STATUS=listening on \(address)")
        announce("listening on \(address)")

        let signal = termination.wait()
        logger.info("draining", metadata: ["signal": "\(signal)"])
        service.notify("STOPPING=1", "STATUS=draining")
        api.beginDraining()
        server.drain(deadline: configuration.drainTimeout)
        scheduler.stop()
        logger.info("stopped")
    }

    private func makeAPI(_ registry: Registry, _ scheduler: Scheduler, _ metrics: ServingMetrics) -> API {
        let generations = GenerationLimit(configuration.maxGenerations)
        metrics.collect(generations: generations)
        let sequences = SequenceStore(configuration.sequences)
        metrics.collect(sequences: sequences)
        var limits = ImageLimits()
        limits.maxPixels = configuration.maxPixels
        let classifier = ImageClassifier(
            scheduler: scheduler,
            limits: limits,
            decoders: configuration.threads,
            metrics: metrics
        )
        return API(
            registry: registry,
            metrics: metrics,
            classifier: classifier,
            predictor: SequencePredictor(scheduler: scheduler, classifier: classifier, metrics: metrics),
            generator: TextGenerator(scheduler: scheduler, metrics: metrics),
            generations: generations,
            sequences: sequences,
            seal: configuration.seal,
            requestTimeout: configuration.requestTimeout
        )
    }

    /// An IPv6 address as a URL has it (RFC 3986 §3.2.2).
    private func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}
