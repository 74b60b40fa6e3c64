internal import HTTP
internal import Imaging
internal import Logging
internal import Platform
internal import Support
internal import Tasks

/// One setting of the daemon: everything that flags, environment, file, help and `--print-config` have to know of it.
///
/// To add one: its line here and in `all`; whoever uses it asks the `Configuration` for it by this value.
package struct Setting: Sendable {
    /// What a value may be.
    package enum Kind: Sendable {
        case text
        /// A text that may be empty.
        case path
        /// A text that is never printed, empty or of at least 16 bytes.
        case secret
        case integer(ClosedRange<Int>)
        /// Whole milliseconds, from the number up to a day.
        case milliseconds(from: Int)
        case boolean
        case choice([String])
        /// Words with commas between; none where it is empty.
        case list
        /// Where to listen: addresses between commas, none of them too. As a flag it may come several times.
        case addresses
        /// The permissions of a file, in octal digits.
        case mode
    }

    /// As the file has it; `MARTLET_` and capitals in the environment, `--` and dashes as a flag.
    package let name: String
    package let kind: Kind
    /// As it would be written; nil where the machine decides.
    package let fallback: String?
    package let help: String

    private init(_ name: String, _ kind: Kind, _ fallback: String?, _ help: String) {
        self.name = name
        self.kind = kind
        self.fallback = fallback
        self.help = help
    }

    /// What a value has to be, for messages.
    package var expectation: String {
        switch kind {
        case .text: "a text that is not empty"
        case .path: "a text"
        case .secret: "a text of at least \(Self.minSecretBytes) bytes"
        case .integer(let range):
            "an integer from \(range.lowerBound)"
                + (range.upperBound == .max ? "" : " to \(range.upperBound)")
        case .milliseconds(let lowest): "an integer from \(lowest) to \(Self.dayInMilliseconds)"
        case .boolean: "true or false"
        case .choice(let names): "one of \(names.joined(separator: ", "))"
        case .list: "words with commas between"
        case .addresses: "addresses such as 127.0.0.1:8080, [::1]:8080 or unix:/run/martlet/http.sock"
        case .mode: "permissions in octal digits, such as 660"
        }
    }

    /// The value in its usual spelling; nil when the text is none.
    func value(of text: String) -> String? {
        switch kind {
        case .text: return text.isEmpty ? nil : text
        case .path: return text
        case .secret: return text.utf8.count >= Self.minSecretBytes ? text : nil
        case .integer(let range): return Int(text).flatMap { range.contains($0) ? String($0) : nil }
        case .milliseconds(let lowest):
            return Int(text).flatMap { lowest...Self.dayInMilliseconds ~= $0 ? String($0) : nil }
        case .boolean: return Bool(text.lowercased()).map(String.init)
        case .list: return Self.words(of: text)?.joined(separator: ",")
        case .choice(let names): return names.contains(text.lowercased()) ? text.lowercased() : nil
        case .addresses:
            guard !text.isEmpty else { return text }
            return ListenAddress.list(text).map { $0.map(\.description).joined(separator: ", ") }
        case .mode:
            return UInt32(text, radix: 8).flatMap { $0 <= 0o777 ? String($0, radix: 8) : nil }
        }
    }

    /// The words of a list; nil where one is empty.
    static func words(of text: String) -> [String]? {
        guard text.utf8.contains(where: { !$0.isBlank }) else { return [] }
        let words = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
            String(decoding: $0.filter { !$0.isBlank }, as: UTF8.self)
        }
        return words.contains("") ? nil : words
    }

    /// Whether the values of several flags are one list.
    package var isList: Bool { if case .addresses = kind { true } else { false } }

    private static let minSecretBytes = 16
    private static let dayInMilliseconds = 86_400_000
}

// swift-format-ignore
extension Setting {
    private static let bytes = Kind.integer(1...Int(1) << 40)
    private static let count = Kind.integer(1...1_000_000)
    private static let levels = Kind.choice(Logger.Level.allCases.map(\.rawValue))

    package static let models = Setting("models", .text, "weights", "The folder of models.")
    package static let host = Setting("host", .text, "127.0.0.1", "The address to listen on.")
    package static let port = Setting("port", .integer(0...65_535), "8080", "The port to listen on; 0 lets the system choose.")
    package static let listen = Setting("listen", .addresses, "", "Where to listen instead, any number of times: HOST:PORT, or unix:PATH for a UNIX socket.")
    package static let socketMode = Setting("socket_mode", .mode, "660", "The permissions of UNIX sockets, in octal digits.")
    package static let adminListen = Setting("admin_listen", .addresses, "", "Where alone models are loaded and unloaded and metrics are told; probes are answered on every listener.")
    package static let threads = Setting("threads", .integer(1...1024), nil, "Threads of the engine; one for each CPU.")
    package static let eventLoops = Setting("event_loops", .integer(1...64), nil, "Threads that read requests and write answers; one for each CPU, at most 8.")
    package static let tune = Setting("tune", .boolean, "true", "Choose algorithms by measuring them, not by the cost model.")
    package static let cache = Setting("cache", .path, nil, "The folder for what can be made again: measurements.")
    package static let ready = Setting("ready", .choice(["all", "any"]), "all", "Whether /readyz waits for all models of the folder or for one.")

    package static let versions = Setting("versions", .integer(0...1000), "0", "The highest so many versions of a model are loaded, unless its model.json says otherwise; 0 is all.")
    package static let load = Setting("load", .choice(["eager", "lazy"]), "eager", "Whether models are loaded at the start, or when a request first asks for them.")
    package static let loadOrder = Setting("load_order", .choice(["smallest", "listed"]), "smallest", "Which models are loaded first: small ones, or those whose names come first.")
    package static let loadThreads = Setting("load_threads", .integer(1...64), "2", "Models that are loaded at a time.")
    package static let maxLoadMemory = Setting("max_load_memory", .integer(0...Int(1) << 50), "0", "What models that are loaded at a time may take, as estimated, in bytes; 0 is half of the memory there is.")
    package static let maxModelMemory = Setting("max_model_memory", .integer(0...Int(1) << 50), "0", "What the numbers of all loaded models may take, in bytes: the one not asked for for longest makes room, and is loaded again when asked for; 0 is no limit.")
    package static let watchModels = Setting("watch_models", .boolean, "false", "Load a model when its model.json, the file to write last, was written.")
    package static let settle = Setting("settle_ms", .milliseconds(from: 0), "500", "How long a model's folder must be left alone before it is read.")
    package static let repository = Setting("repository_api", .choice(Service.RepositoryAccess.allCases.map(\.rawValue)), "local", "Who may load and unload models over HTTP: clients of this machine, any, or none (off).")

    package static let keys = Setting("keys", .path, "", "The file of keys, one of which each request needs then; 'martlet key' makes one and its line.")
    package static let open = Setting("open", .boolean, "false", "Serve anybody who can reach the daemon, without a key, on other addresses than this machine's own too.")
    package static let openProbes = Setting("open_probes", .boolean, "true", "Answer probes (/livez, /readyz) without a key.")
    package static let corsOrigins = Setting("cors_origins", .list, "", "Origins whose pages may ask and read answers, such as https://app.example, with commas between; * is any.")
    package static let allowedHosts = Setting("allowed_hosts", .list, "", "Names that clients may call the daemon by, such as martlet.example, *.example; * is any. When it is empty any is, but on the loopback without keys: there those without a dot alone, so that no page's own name leads here. Addresses always may.")
    package static let maxRequestsPerAddress = Setting("max_requests_per_address", .integer(0...1_000_000), "0", "Requests of one address that are worked on at a time; more get 429; 0 is no limit.")

    package static let maxMemory = Setting("max_memory_bytes", bytes, nil, "What requests may make the daemon hold: bodies, images, tensors, answers; a quarter of the memory it may have, at most 1 GiB.")
    package static let maxBody = Setting("max_body_bytes", bytes, "\(32 << 20)", "The largest request body but for tensors, in bytes.")
    package static let maxTensorBody = Setting("max_tensor_body_bytes", bytes, "\(256 << 20)", "The largest body of tensors (/v2/models/{m}/infer), in bytes.")
    package static let maxRatio = Setting("max_compression_ratio", .integer(1...1032), "256", "How many times its size a compressed body may become, beyond its first mebibyte.")
    package static let minPacked = Setting("min_compressed_bytes", .integer(0...Int(1) << 40), "4096", "JSON and text of so many bytes is sent compressed to who accepts it; 0 never is.")
    package static let maxAnswer = Setting("max_answer_bytes", bytes, "\(64 << 20)", "The largest answer, in bytes, as it is estimated before it is computed.")
    package static let maxPixels = Setting("max_pixels", .integer(1...1_000_000_000), "\(ImageLimits().maxPixels)", "The most pixels of an image.")
    package static let maxSide = Setting("max_side", .integer(1...1_000_000), "\(ImageLimits().maxSide)", "The most pixels of an image on a side.")
    package static let maxScanPixels = Setting("max_scan_pixels", .integer(1...1_000_000_000_000), "\(ImageLimits().maxScanPixels)", "The most pixels times scans of a progressive JPEG.")
    package static let maxForecast = Setting("max_forecast_steps", count, "65536", "The most steps that the forecasts of a request have together.")
    package static let maxGenerations = Setting("max_generations", .integer(1...4096), "32", "Texts that are generated at a time.")
    package static let maxSequences = Setting("max_sequences", .integer(1...10_000_000), "10000", "Sequences whose state is kept between requests.")
    package static let maxSequencesPerClient = Setting("max_sequences_per_client", .integer(0...10_000_000), "0", "Sequences that one address may keep; more get 429; 0 is half of all.")
    package static let sequenceTTL = Setting("sequence_ttl_ms", .milliseconds(from: 1), "600000", "How long the state of an unused sequence is kept.")
    package static let stateKey = Setting("state_key", .secret, "", "The secret that seals exported states, 16 bytes or more; better in the environment. (default: random)")

    package static let maxBatchSize = Setting("max_batch_size", .integer(1...4096), "32", "The most items in a batch.")
    package static let maxBatchTime = Setting("max_batch_time_ms", .milliseconds(from: 1), "300", "What a batch of several items may take, as predicted.")
    package static let maxBatchDelay = Setting("max_batch_delay_ms", .milliseconds(from: 0), "0", "How long a batch may wait for more items; 0 never waits.")
    package static let maxQueueItems = Setting("max_queue_items", count, "1024", "Items of a model that may wait; more get 503.")
    package static let maxQueueDelay = Setting("max_queue_delay_ms", .milliseconds(from: 1), "1500", "The longest predicted wait with which a request is let in; more get 503.")
    package static let requestTimeout = Setting("request_timeout_ms", .milliseconds(from: 1), "30000", "How long a request may take that does not say so itself, from its last byte.")

    package static let maxConnections = Setting("max_connections", count, "\(HTTPServerConfiguration().maxConnections)", "Open connections; more get 503.")
    package static let maxPerAddress = Setting("max_connections_per_address", .integer(0...1_000_000), "0", "Open connections of one address; 0 is half of all.")
    package static let maxPerConnection = Setting("max_requests_per_connection", .integer(1...Int.max), "1000000", "Requests before a connection is closed.")
    package static let headTimeout = Setting("head_timeout_ms", .milliseconds(from: 1), "10000", "How long a request's head may take.")
    package static let idleTimeout = Setting("idle_timeout_ms", .milliseconds(from: 1), "75000", "How long a connection may be idle.")
    package static let writeTimeout = Setting("write_timeout_ms", .milliseconds(from: 1), "30000", "How long a client may take nothing of its answer.")
    package static let bodyMinimumRate = Setting("body_minimum_rate", .integer(0...Int(1) << 40), "8192", "The slowest a body may arrive, in bytes per second.")
    package static let drainDelay = Setting("drain_delay_ms", .milliseconds(from: 0), "0", "How long a daemon that ends says so in /readyz before it stops to take requests, so that load balancers learn it.")
    package static let drainTimeout = Setting("drain_timeout_ms", .milliseconds(from: 0), "30000", "How long requests in flight may take once the daemon ends.")

    package static let logLevel = Setting("log_level", levels, "info", "trace, debug, info, notice, warning, error or critical.")
    package static let logFormat = Setting("log_format", .choice(["logfmt", "json"]), "logfmt", "How a log line is written: logfmt, or json for programs.")
    package static let accessLog = Setting("access_log_rate", .integer(0...1_000_000), "1000", "Requests a second that get a line in the log; of more a sample does, and errors of the server always.")

    /// All settings, in the order in which they are listed.
    package static let all: [Setting] = [
        models, host, port, listen, socketMode, adminListen, threads, eventLoops, tune, cache, ready,
        versions, load, loadOrder, loadThreads, maxLoadMemory, maxModelMemory, watchModels, settle, repository,
        keys, open, openProbes, corsOrigins, allowedHosts, maxRequestsPerAddress,
        maxMemory, maxBody, maxTensorBody, maxRatio, minPacked, maxAnswer, maxPixels, maxSide, maxScanPixels, maxForecast, maxGenerations, maxSequences, maxSequencesPerClient, sequenceTTL, stateKey,
        maxBatchSize, maxBatchTime, maxBatchDelay, maxQueueItems, maxQueueDelay, requestTimeout,
        maxConnections, maxPerAddress, maxPerConnection, headTimeout, idleTimeout, writeTimeout, bodyMinimumRate, drainDelay, drainTimeout,
        logLevel, logFormat, accessLog,
    ]
}
