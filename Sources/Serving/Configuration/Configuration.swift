package import Engine
package import HTTP
package import Logging
internal import Platform

/// All settings of the daemon, each from the strongest of its sources: flag, environment, file, default.
///
/// To add one: a property, its line in `init`, which gives it its name, range and default.
package struct Configuration: Sendable {
    /// One setting as `--print-config` shows it.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let value: String
        package let source: SettingSource
    }

    /// The weights folder.
    package let models: String
    package let host: String
    package let port: Int
    package let maxBodyBytes: Int
    package let maxBufferedBytes: Int
    package let maxConnections: Int
    package let maxRequestsPerConnection: Int
    /// Requests that wait for a worker.
    package let httpQueueCapacity: Int
    /// Threads that decode, prepare and answer.
    package let workers: Int
    package let headTimeout: Duration
    package let idleTimeout: Duration
    package let writeTimeout: Duration
    /// The slowest a body may arrive, in bytes per second.
    package let bodyMinimumRate: Int
    /// The most pixels an image may have.
    package let maxPixels: Int
    /// Threads of the engine.
    package let threads: Int
    /// Whether the algorithms of convolutions are chosen by measuring them.
    package let tunes: Bool
    /// The folder for what can be made again; empty when there is none.
    package let cache: String
    package let maxBatchSize: Int
    package let maxBatchDelay: Duration
    package let maxQueueItems: Int
    /// Texts that are generated at a time; each holds a worker.
    package let maxGenerations: Int
    /// Sequences whose state is kept between requests.
    package let maxSequences: Int
    /// How long an unused one is kept.
    package let sequenceTimeToLive: Duration
    /// The secret that seals the states that clients keep; empty for a random one.
    package let stateKey: String
    /// How long a request may take that does not say so itself.
    package let requestTimeout: Duration
    /// How long requests in flight may take once the daemon is told to end.
    package let drainTimeout: Duration
    package let logLevel: Logger.Level
    /// Every setting with its source, in the order of this type.
    package let entries: [Entry]

    /// Resolves the settings.
    ///
    /// - Parameters:
    ///   - sources: what was given.
    ///   - processors: how many threads the engine has by default.
    ///   - cache: the folder for what can be made again, unless a source names another; empty for none.
    /// - Throws: `ConfigurationError` for a name that is no setting and a value out of range.
    package init(
        _ sources: SettingSources,
        processors: Int,
        cache: String = ""
    ) throws(ConfigurationError) {
        var resolver = SettingResolver(sources)
        let defaults = HTTPServerConfiguration()
        let bytes = 1...Int(1) << 40
        models = try resolver.text("models", default: "weights")
        host = try resolver.text("host", default: defaults.host)
        port = try resolver.integer("port", 0...65_535, default: defaults.port)
        maxBodyBytes = try resolver.integer("max_body_bytes", bytes, default: defaults.maxBodyBytes)
        maxBufferedBytes = try resolver.integer(
            "max_buffered_bytes",
            bytes,
            default: defaults.maxBufferedBytes
        )
        maxConnections = try resolver.integer(
            "max_connections",
            1...1_000_000,
            default: defaults.maxConnections
        )
        maxRequestsPerConnection = try resolver.integer(
            "max_requests_per_connection",
            1...Int.max,
            default: defaults.maxRequestsPerConnection
        )
        httpQueueCapacity = try resolver.integer(
            "http_queue_capacity",
            1...1_000_000,
            default: defaults.queueCapacity
        )
        workers = try resolver.integer("workers", 1...4096, default: defaults.workers)
        headTimeout = try resolver.duration("head_timeout_ms", default: defaults.headTimeout)
        idleTimeout = try resolver.duration("idle_timeout_ms", default: defaults.idleTimeout)
        writeTimeout = try resolver.duration("write_timeout_ms", default: defaults.writeTimeout)
        bodyMinimumRate = try resolver.integer(
            "body_minimum_rate",
            0...Int(1) << 40,
            default: defaults.bodyMinimumRate
        )
        maxPixels = try resolver.integer("max_pixels", 1...1_000_000_000, default: 50_000_000)
        threads = try resolver.integer("threads", 1...1024, default: processors)
        tunes = try resolver.boolean("tune", default: true)
        self.cache = try resolver.text("cache", default: cache)
        maxBatchSize = try resolver.integer("max_batch_size", 1...4096, default: 32)
        maxBatchDelay = try resolver.duration("max_batch_delay_ms", from: 0, default: .zero)
        maxQueueItems = try resolver.integer("max_queue_items", 1...1_000_000, default: 1024)
        maxGenerations = try resolver.integer("max_generations", 1...4096, default: max(1, workers / 2))
        let kept = SequenceStore.Limits()
        maxSequences = try resolver.integer("max_sequences", 1...10_000_000, default: kept.most)
        sequenceTimeToLive = try resolver.duration("sequence_ttl_ms", default: kept.timeToLive)
        stateKey = try resolver.secret("state_key")
        requestTimeout = try resolver.duration("request_timeout_ms", default: .seconds(30))
        drainTimeout = try resolver.duration("drain_timeout_ms", from: 0, default: .seconds(30))
        logLevel = try resolver.choice("log_level", default: .info)
        entries = try resolver.finish()
    }

    /// Reads the file that the flag `config` or `MARTLET_CONFIG` names, if one does, and resolves the settings.
    ///
    /// - Throws: `ConfigurationError` also when that file cannot be read.
    package static func load(
        flags: [String: String],
        environment: [String: String],
        processors: Int = Processors.available
    ) throws(ConfigurationError) -> Configuration {
        var flags = flags
        let cache = CacheFolder.path(environment: environment) ?? ""
        guard let path = flags.removeValue(forKey: "config") ?? environment["MARTLET_CONFIG"] else {
            return try Configuration(
                SettingSources(flags: flags, environment: environment),
                processors: processors,
                cache: cache
            )
        }
        let bytes: [UInt8]
        do {
            bytes = try FileContents.read(path, maxBytes: 1 << 20)
        } catch {
            throw ConfigurationError(error.description)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError("\(path): expected UTF-8 text, found other bytes")
        }
        let sources = try SettingSources(flags: flags, environment: environment, file: path, text: text)
        return try Configuration(sources, processors: processors, cache: cache)
    }
}

extension Configuration {
    /// The settings of the HTTP server.
    package var http: HTTPServerConfiguration {
        var server = HTTPServerConfiguration()
        server.host = host
        server.port = port
        server.maxBodyBytes = maxBodyBytes
        server.maxBufferedBytes = maxBufferedBytes
        server.maxConnections = maxConnections
        server.maxRequestsPerConnection = maxRequestsPerConnection
        server.queueCapacity = httpQueueCapacity
        server.workers = workers
        server.headTimeout = headTimeout
        server.idleTimeout = idleTimeout
        server.writeTimeout = writeTimeout
        server.bodyMinimumRate = bodyMinimumRate
        return server
    }

    /// How the algorithms of convolutions are chosen.
    package var tuning: Tuning {
        tunes ? .measured(folder: cache.isEmpty ? nil : "\(cache)/tuning") : .off
    }

    /// The limits of the sequences that go on between requests.
    package var sequences: SequenceStore.Limits {
        var limits = SequenceStore.Limits()
        limits.most = maxSequences
        limits.timeToLive = sequenceTimeToLive
        return limits
    }

    /// What seals the states that clients keep.
    package var seal: StateSeal { stateKey.isEmpty ? StateSeal() : StateSeal(key: Array(stateKey.utf8)) }

    /// The settings of the scheduler.
    package var scheduler: Scheduler.Configuration {
        Scheduler.Configuration(
            policy: BatchPolicy(maxBatchSize: maxBatchSize, maxDelay: maxBatchDelay),
            maxQueueItems: maxQueueItems
        )
    }
}
