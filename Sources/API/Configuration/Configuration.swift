package import Engine
package import HTTP
internal import Imaging
package import Inference
package import Logging
internal import Models
internal import Platform
package import Tasks

/// All settings of the daemon, each from the strongest of its sources: flag, environment, file, default.
package struct Configuration: Sendable {
    /// One setting as `--print-config` shows it.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let value: String
        package let source: SettingSource
    }

    /// Every setting with its source, in the order of `Setting.all`; a secret is not printed.
    package let entries: [Entry]
    private let values: [String: String]

    /// Resolves the settings.
    ///
    /// - Parameters:
    ///   - sources: what was given.
    ///   - processors: how many threads the engine has by default.
    ///   - memory: how many bytes requests may hold by default.
    ///   - cache: the folder for what can be made again, unless a source names another; empty for none.
    /// - Throws: `ConfigurationError` for a name that is no setting and a value out of range.
    package init(
        _ sources: SettingSources,
        processors: Int,
        memory: Int = 1 << 30,
        cache: String = ""
    ) throws(ConfigurationError) {
        let machine = [
            Setting.threads.name: String(processors), Setting.eventLoops.name: String(min(processors, 8)),
            Setting.maxMemory.name: String(memory), Setting.cache.name: cache,
        ]
        var (entries, values) = ([Entry](), [String: String]())
        for setting in Setting.all {
            let (value, source) = try Self.resolve(setting, sources, machine[setting.name])
            values[setting.name] = value
            var isSecret = false
            if case .secret = setting.kind { isSecret = !value.isEmpty }
            entries.append(Entry(name: setting.name, value: isSecret ? "(secret)" : value, source: source))
        }
        try sources.check(known: Setting.all.map(\.name))
        self.entries = entries
        self.values = values
    }

    private static func resolve(
        _ setting: Setting,
        _ sources: SettingSources,
        _ machine: String?
    ) throws(ConfigurationError) -> (String, SettingSource) {
        guard let (text, source) = sources.value(setting.name) else {
            return (setting.fallback ?? machine ?? "", .builtIn)
        }
        if let value = setting.value(of: text) { return (value, source) }
        var found = "'\(text)'"
        if case .secret = setting.kind { found = String(text.utf8.count) }
        throw ConfigurationError(
            "\(source): \(setting.name): expected \(setting.expectation), found \(found)"
        )
    }

    /// Reads the file that the flag `config` or `MARTLET_CONFIG` names, if one does, and resolves the settings.
    ///
    /// - Throws: `ConfigurationError` also when that file cannot be read.
    package static func load(
        flags: [String: String],
        environment: [String: String],
        processors: Int = Processors.available
    ) throws(ConfigurationError) -> Configuration {
        try Configuration(
            SettingSources(flags: flags, environment: environment, reading: ()),
            processors: processors,
            memory: defaultMemory,
            cache: CacheFolder.path(environment: environment) ?? ""
        )
    }

    /// A quarter of what the process may have, at most a gibibyte, and enough for a few bodies in any case.
    private static var defaultMemory: Int {
        let available = MachineMemory.available() ?? 4 << 30
        return min(1 << 30, max(64 << 20, available / 4))
    }
}

extension Configuration {
    /// A setting's text.
    package subscript(_ setting: Setting) -> String { values[setting.name] ?? "" }

    /// A whole number.
    package func integer(_ setting: Setting) -> Int { Int(self[setting]) ?? 0 }

    /// The words of a list.
    package func words(_ setting: Setting) -> [String] { Setting.words(of: self[setting]) ?? [] }

    /// A time.
    package func duration(_ setting: Setting) -> Duration { .milliseconds(integer(setting)) }
}

/// What the parts of the daemon are told.
extension Configuration {
    /// The weights folder.
    package var models: String { self[.models] }
    package var logLevel: Logger.Level { Logger.Level(rawValue: self[.logLevel]) ?? .info }

    /// Listens where the settings say.
    ///
    /// - Parameter setting: `listen` or `admin_listen`.
    /// - Returns: none where `admin_listen` names no address.
    /// - Throws: `SystemError` when one of the addresses cannot be listened at; then none is.
    func listeners(_ setting: Setting) throws(SystemError) -> [Listener] {
        var addresses = ListenAddress.list(self[setting]) ?? []
        if addresses.isEmpty, setting.name == Setting.listen.name {
            addresses = [.tcp(host: self[.host], port: integer(.port))]
        }
        var listeners: [Listener] = []
        for address in addresses {
            listeners.append(try Listener(address, mode: UInt32(self[.socketMode], radix: 8) ?? 0o600))
        }
        return listeners
    }

    /// The settings of the HTTP server.
    package var http: HTTPServerConfiguration {
        var server = HTTPServerConfiguration()
        server.host = self[.host]
        server.port = integer(.port)
        server.loops = integer(.eventLoops)
        server.maxBodyBytes = max(integer(.maxBody), integer(.maxTensorBody))
        server.maxConnections = integer(.maxConnections)
        server.maxConnectionsPerAddress = integer(.maxPerAddress) == 0 ? nil : integer(.maxPerAddress)
        server.maxRequestsPerConnection = integer(.maxPerConnection)
        server.headTimeout = duration(.headTimeout)
        server.idleTimeout = duration(.idleTimeout)
        server.writeTimeout = duration(.writeTimeout)
        server.bodyMinimumRate = integer(.bodyMinimumRate)
        return server
    }

    /// How the algorithms of convolutions are chosen.
    package var tuning: Tuning {
        let folder = self[.cache]
        return self[.tune] == "true" ? .measured(folder: folder.isEmpty ? nil : "\(folder)/tuning") : .off
    }

    /// When models are loaded, and what that may take.
    var registry: Registry.Options {
        var options = Registry.Options()
        options.tuning = tuning
        options.versions = integer(.versions) == 0 ? .all : .latest(integer(.versions))
        options.isLazy = self[.load] == "lazy"
        options.isSmallestFirst = self[.loadOrder] == "smallest"
        options.threads = integer(.loadThreads)
        options.maxLoadBytes =
            integer(.maxLoadMemory) == 0
            ? MachineMemory.available().map { $0 / 2 } ?? .max : integer(.maxLoadMemory)
        options.maxModelBytes = integer(.maxModelMemory) == 0 ? .max : integer(.maxModelMemory)
        options.settle = duration(.settle)
        return options
    }

    /// What images may cost.
    var images: ImageLimits {
        var limits = ImageLimits()
        limits.maxPixels = integer(.maxPixels)
        limits.maxSide = integer(.maxSide)
        limits.maxScanPixels = integer(.maxScanPixels)
        limits.maxDecoderBytes = integer(.maxMemory)
        return limits
    }

    /// The limits of the sequences that go on between requests.
    package var sequences: SequenceStore.Limits {
        var limits = SequenceStore.Limits()
        limits.most = integer(.maxSequences)
        let perClient = integer(.maxSequencesPerClient)
        limits.mostPerClient = perClient == 0 ? max(1, limits.most / 2) : perClient
        limits.timeToLive = duration(.sequenceTTL)
        return limits
    }

    /// What is asked of clients.
    package var access: Access.Rules {
        var rules = Access.Rules()
        rules.keyFile = self[.keys].isEmpty ? nil : self[.keys]
        rules.probesAreOpen = self[.openProbes] == "true"
        rules.isOpen = self[.open] == "true"
        rules.origins = words(.corsOrigins)
        rules.hosts = words(.allowedHosts)
        rules.maxRequestsPerAddress =
            integer(.maxRequestsPerAddress) == 0 ? nil : integer(.maxRequestsPerAddress)
        return rules
    }

    /// What seals the states that clients keep.
    package var seal: StateSeal {
        self[.stateKey].isEmpty ? StateSeal() : StateSeal(key: Array(self[.stateKey].utf8))
    }

    /// The settings of the scheduler.
    package var scheduler: Scheduler.Configuration {
        Scheduler.Configuration(
            policy: BatchPolicy(
                maxBatchSize: integer(.maxBatchSize),
                maxDelay: duration(.maxBatchDelay),
                maxBatchTime: duration(.maxBatchTime)
            ),
            maxQueueItems: integer(.maxQueueItems),
            maxQueueDelay: duration(.maxQueueDelay),
            maxInlineTime: .microseconds(300),
            maxBesideTime: .microseconds(100)
        )
    }

    /// What one request may cost.
    package var limits: Service.Limits {
        var limits = Service.Limits()
        limits.requestTimeout = duration(.requestTimeout)
        limits.maxBodyBytes = integer(.maxBody)
        limits.maxTensorBytes = integer(.maxTensorBody)
        limits.maxAnswerBytes = integer(.maxAnswer)
        limits.maxForecastSteps = integer(.maxForecast)
        limits.maxUnpackingRatio = integer(.maxRatio)
        limits.minPackedBytes = integer(.minPacked) == 0 ? nil : integer(.minPacked)
        limits.repository = Service.RepositoryAccess(rawValue: self[.repository]) ?? .local
        limits.readiness = Service.Readiness(rawValue: self[.ready]) ?? .all
        return limits
    }
}

/// Where a program keeps what it can make again.
package enum CacheFolder {
    /// The folder of this program, which need not exist; nil when the environment names none.
    ///
    /// - Source: systemd.exec(5), `CacheDirectory=`, which may list several; the XDG Base Directory Specification,
    ///   which says to ignore paths that are not absolute.
    package static func path(environment: [String: String]) -> String? {
        if let folder = environment["CACHE_DIRECTORY"]?.split(separator: ":").first { return String(folder) }
        if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") { return "\(caches)/martlet" }
        guard let home = environment["HOME"], home.hasPrefix("/"), home != "/" else { return nil }
        return "\(home)/.cache/martlet"
    }
}
