internal import ArgumentParser
internal import FoundationEssentials
internal import Logging
internal import Platform
internal import Serving
internal import Support

/// `martlet serve`: the daemon.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the models of a folder over HTTP.",
        discussion: """
            Every setting is a flag here, a variable such as MARTLET_MAX_BATCH_SIZE, or a line such as \
            'max_batch_size: 16' in the YAML file of --config; the first of these that gives it wins.
            """
    )

    @OptionGroup var settings: SettingFlags

    @Flag(name: .customLong("print-config"), help: "Print every setting and where it comes from, and end.")
    var printsConfiguration = false

    @OptionGroup var output: OutputOption

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration: Configuration
        do {
            configuration = try Configuration.load(flags: settings.given, environment: environment)
        } catch {
            throw UsageError(error.description)
        }
        if printsConfiguration {
            return output.print(json: Self.json(configuration), text: Self.text(configuration))
        }
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        var logger = Logger(label: "martlet")
        logger.logLevel = configuration.logLevel
        try Daemon(configuration, environment: environment, logger: logger).run { line in
            StandardStream.output.writeLine(line)
        }
    }

    private static func json(_ configuration: Configuration) -> JSONValue {
        let settings = configuration.entries.map { entry -> JSONValue in
            .object([
                "setting": .string(entry.name), "value": .string(entry.value),
                "from": .string(entry.source.description),
            ])
        }
        return .object(["settings": .array(settings)])
    }

    private static func text(_ configuration: Configuration) -> String {
        TextTable(
            columns: ["setting", "value", "from"],
            rows: configuration.entries.map { [$0.name, $0.value, $0.source.description] }
        ).text
    }
}

/// One flag for each setting; the texts are checked by `Configuration`, wherever a setting comes from.
struct SettingFlags: ParsableArguments {
    @Option(help: "A YAML file of settings.")
    var config: String?
    @Option(help: "The folder of models. (default: weights)")
    var models: String?
    @Option(help: "The address to listen on. (default: 127.0.0.1)")
    var host: String?
    @Option(help: "The port to listen on; 0 lets the system choose. (default: 8080)")
    var port: String?
    @Option(help: "The largest request body, in bytes.")
    var maxBodyBytes: String?
    @Option(help: "Request bodies in memory over all connections, in bytes.")
    var maxBufferedBytes: String?
    @Option(help: "Open connections; more get 503.")
    var maxConnections: String?
    @Option(help: "Requests before a connection is closed.")
    var maxRequestsPerConnection: String?
    @Option(help: "Requests that wait for a worker; more get 503.")
    var httpQueueCapacity: String?
    @Option(help: "Requests that are worked on at a time.")
    var workers: String?
    @Option(help: "How long a request's head may take.")
    var headTimeoutMs: String?
    @Option(help: "How long a connection may be idle.")
    var idleTimeoutMs: String?
    @Option(help: "How long a client may take nothing of its answer.")
    var writeTimeoutMs: String?
    @Option(help: "The slowest a body may arrive, in bytes per second.")
    var bodyMinimumRate: String?
    @Option(help: "The most pixels of an image.")
    var maxPixels: String?
    @Option(help: "Threads of the engine; default one for each CPU.")
    var threads: String?
    @Flag(name: .customLong("no-tune"), help: "Choose algorithms by the cost model, not by measuring.")
    var isUntuned = false
    @Option(help: "The folder for what can be made again: measurements. (default: the user's)")
    var cache: String?
    @Option(help: "The most items in a batch.")
    var maxBatchSize: String?
    @Option(help: "How long a batch may wait for more items; 0 never waits.")
    var maxBatchDelayMs: String?
    @Option(help: "Items of a model that may wait; more get 503.")
    var maxQueueItems: String?
    @Option(help: "Texts that are generated at a time; each holds a worker. (default: half the workers)")
    var maxGenerations: String?
    @Option(help: "Sequences whose state is kept between requests.")
    var maxSequences: String?
    @Option(help: "How long the state of an unused sequence is kept.")
    var sequenceTtlMs: String?
    @Option(
        help:
            "The secret that seals exported states, 16 bytes or more; better in the environment. (default: random)"
    )
    var stateKey: String?
    @Option(help: "How long a request may take that does not say so itself.")
    var requestTimeoutMs: String?
    @Option(help: "How long requests in flight may take once the daemon ends.")
    var drainTimeoutMs: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    /// The flags that were given, under the settings' names.
    var given: [String: String] {
        let flags = [
            "config": config, "models": models, "host": host, "port": port, "max_body_bytes": maxBodyBytes,
            "max_buffered_bytes": maxBufferedBytes, "max_connections": maxConnections,
            "max_requests_per_connection": maxRequestsPerConnection, "http_queue_capacity": httpQueueCapacity,
            "workers": workers, "head_timeout_ms": headTimeoutMs, "idle_timeout_ms": idleTimeoutMs,
            "write_timeout_ms": writeTimeoutMs, "body_minimum_rate": bodyMinimumRate, "max_pixels": maxPixels,
            "threads": threads, "tune": isUntuned ? "false" : nil, "cache": cache,
            "max_batch_size": maxBatchSize, "max_batch_delay_ms": maxBatchDelayMs,
            "max_queue_items": maxQueueItems, "max_generations": maxGenerations,
            "max_sequences": maxSequences, "sequence_ttl_ms": sequenceTtlMs, "state_key": stateKey,
            "request_timeout_ms": requestTimeoutMs,
            "drain_timeout_ms": drainTimeoutMs, "log_level": logLevel,
        ]
        return flags.compactMapValues(\.self)
    }
}
