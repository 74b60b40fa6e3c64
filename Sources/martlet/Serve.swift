internal import API
internal import ArgumentParser
internal import FoundationEssentials
internal import Logging
internal import Platform
internal import Support

/// `martlet serve`: the daemon.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the models of a folder over HTTP.",
        discussion: """
            Every setting is a flag here, a variable such as MARTLET_MAX_BATCH_SIZE, or a line such as \
            'max_batch_size: 16' in the YAML file of --config; the first of these that gives it wins. --no-tune is \
            short for --tune false.

            \(SettingFlags.help)
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
            configuration = try Configuration.load(flags: settings.given(), environment: environment)
        } catch let error as ConfigurationError {
            throw UsageError(error.description)
        }
        if printsConfiguration {
            return output.print(json: Self.json(configuration), text: Self.text(configuration))
        }
        let format = LineLogHandler.Format(rawValue: configuration[.logFormat]) ?? .logfmt
        let isJournal = StandardStream.error.isJournal(environment: environment)
        LoggingSystem.bootstrap { _ in
            LineLogHandler(format, hasPriorities: isJournal) { StandardStream.error.writeLine($0) }
        }
        var logger = Logger(label: "martlet")
        logger.logLevel = configuration.logLevel
        do {
            try Daemon(configuration, environment: environment, logger: logger).run { line in
                StandardStream.output.writeLine(line)
            }
        } catch let error as ConfigurationError {
            throw UsageError(error.description)
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

/// The flags of the settings, which come from their table: `--max-batch-size 16`, `--max-batch-size=16`.
struct SettingFlags: ParsableArguments {
    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Settings, as they are listed above.", valueName: "--setting value")
    )
    var words: [String] = []

    /// The flags that were given, under the settings' names.
    ///
    /// - Throws: `UsageError` for a word that is no setting, for one without a value, and for one that comes twice.
    func given() throws -> [String: String] {
        var given: [String: String] = [:]
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--no-tune" {
                given[Setting.tune.name] = "false"
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.name(of: String(parts[0]))
            guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
                throw UsageError("\(word) needs a value")
            }
            if let earlier = given.updateValue(value, forKey: name) {
                guard Setting.all.contains(where: { $0.name == name && $0.isList }) else {
                    throw UsageError("\(parts[0]) is given twice")
                }
                given[name] = "\(earlier), \(value)"
            }
        }
        return given
    }

    private static func name(of flag: String) throws -> String {
        let flags = ["config"] + Setting.all.map(\.name)
        let name = flag.dropFirst(2).split(separator: "-", omittingEmptySubsequences: false)
            .joined(separator: "_")
        if flag.hasPrefix("--"), flags.contains(name) { return name }
        let known = flags.map { "--" + $0.split(separator: "_").joined(separator: "-") } + ["--no-tune"]
        let hint = nearestName(to: flag, in: known).map { "; did you mean '\($0)'?" } ?? ""
        throw UsageError("unknown option '\(flag)'\(hint)")
    }

    /// A line for each setting.
    static var help: String {
        Setting.all.map { setting in
            let flag = "--" + setting.name.split(separator: "_").joined(separator: "-")
            let fallback = (setting.fallback ?? "").isEmpty ? "" : " (default: \(setting.fallback ?? ""))"
            return "  \(flag)\n      \(setting.help)\(fallback)"
        }.joined(separator: "\n")
    }
}
