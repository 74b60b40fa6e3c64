internal import FoundationEssentials
package import HTTP
package import Logging
internal import Support
internal import Synchronization

/// A line in the log for each request: who asked for what, what came of it, and what that took.
///
/// Above a rate only a sample of the lines is written, and how many were left out is said; what ended in an error of the
/// server is always written.
package final class AccessLog: Sendable {
    private struct State {
        var second = ContinuousClock.now
        var written = 0
        var omitted = 0
    }

    private let logger: Logger
    private let rate: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - logger: where the lines go.
    ///   - rate: how many a second are written at most; 0 writes errors only.
    package init(_ logger: Logger, rate: Int) {
        self.logger = logger
        self.rate = rate
    }

    /// Takes note of a request that has been answered or given up.
    package func write(_ served: Served) {
        let isFailure = served.status >= 500 && served.status != 503 && served.status != 504
        let (isWritten, omitted) = admit(isFailure: isFailure)
        if omitted > 0 {
            logger.info("access lines left out", metadata: ["count": "\(omitted)"])
        }
        guard isWritten else { return }
        let level: Logger.Level = isFailure ? .error : served.status >= 500 ? .warning : .info
        logger.log(level: level, "request", metadata: metadata(served))
    }

    private func admit(isFailure: Bool) -> (isWritten: Bool, omitted: Int) {
        state.withLock { state in
            var omitted = 0
            let now = ContinuousClock.now
            if now - state.second >= .seconds(1) {
                omitted = state.omitted
                state = State(second: now)
            }
            guard isFailure || state.written < rate else {
                state.omitted += 1
                return (false, omitted)
            }
            state.written += 1
            return (true, omitted)
        }
    }

    private func metadata(_ served: Served) -> Logger.Metadata {
        let received = served.received
        var metadata: Logger.Metadata = [
            "id": "\(served.id)", "client": "\(served.client)", "method": "\(served.method)",
            "path": "\(served.target.clipped(to: 500))", "status": "\(served.status)",
            "bytes_in": "\(served.bytesIn)", "bytes_out": "\(served.bytesOut)",
            "total_ms": Self.text((served.answered ?? served.written) - received),
        ]
        if served.isAbandoned { metadata["abandoned"] = "true" }
        if let refusal = served.refusal { metadata["error"] = "\(refusal)" }
        guard let values = served.annotation as? RequestRecord.Values else { return metadata }
        if let trace = values.trace { metadata.merge(trace.fields) { $1 } }
        if let caller = values.caller { metadata["key"] = "\(caller)" }
        if let model = values.model { metadata["model"] = "\(model)" }
        if let version = values.version { metadata["version"] = "\(version)" }
        for (name, time) in [
            ("decode_ms", values.decode), ("preprocess_ms", values.preprocess), ("queue_ms", values.queue),
            ("inference_ms", values.inference),
        ] where time > .zero { metadata[name] = Self.text(time) }
        if values.batchSize > 0 { metadata["batch_size"] = "\(values.batchSize)" }
        if let error = values.error { metadata["error"] = "\(error)" }
        if let cause = values.cause { metadata["cause"] = "\(cause)" }
        return metadata
    }

    private static func text(_ duration: Duration) -> Logger.MetadataValue {
        "\(milliseconds(duration))"
    }
}

extension TraceContext {
    /// The names that OpenTelemetry has for them in logs of other formats.
    fileprivate var fields: Logger.Metadata {
        [
            "trace_id": "\(traceID)", "span_id": "\(spanID)", "parent_span_id": "\(parentID)",
            "trace_flags": "\(flags)",
        ]
    }
}

/// Writes log lines for people and for programs: the time, the level, the message and what belongs to it.
///
/// `logfmt` is `key=value` with quotes where a value needs them; `json` is one object a line.
package struct LineLogHandler: LogHandler {
    /// How a line is written.
    package enum Format: String, Sendable, CaseIterable {
        case logfmt, json
    }

    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level = .info
    private let format: Format
    private let hasPriorities: Bool
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - format: how a line is written.
    ///   - hasPriorities: whether the journal reads the lines, which begin with their priority then.
    ///   - write: takes a line without its end.
    package init(
        _ format: Format,
        hasPriorities: Bool = false,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.format = format
        self.hasPriorities = hasPriorities
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let own = metadata.merging(event.metadata ?? [:]) { $1 }
        let fields = own.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        let head = [
            ("time", Date.now.ISO8601Format()), ("level", event.level.rawValue),
            ("message", "\(event.message)"),
        ]
        let prefix = hasPriorities ? Self.priority(event.level) : ""
        switch format {
        case .logfmt:
            write(prefix + (head + fields).map { "\($0)=\(Self.quoted($1))" }.joined(separator: " "))
        case .json:
            var object = JSONObject()
            for (name, value) in head + fields { object.append(name, .string(value)) }
            write(prefix + JSONValue.object(object).text)
        }
    }

    /// - Source: sd-daemon(3), the numbers of syslog(3).
    private static func priority(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "<7>"
        case .info: "<6>"
        case .notice: "<5>"
        case .warning: "<4>"
        case .error: "<3>"
        case .critical: "<2>"
        }
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            $0 > 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") && $0 != 0x7F
        }
        return isPlain && !value.isEmpty ? value : JSONValue.string(value).text
    }
}
