internal import Platform

/// Where a setting's value came from.
package enum SettingSource: Sendable, Equatable, CustomStringConvertible {
    case flag(String)
    case environment(String)
    case file(String)
    case builtIn

    package var description: String {
        switch self {
        case .flag(let name): "flag \(name)"
        case .environment(let name): "environment \(name)"
        case .file(let path): path
        case .builtIn: "default"
        }
    }
}

/// A setting has no value that can be used; the message says where it was given.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// The texts that flags, environment and file give to settings, the strongest first.
///
/// A setting is called `max_batch_size` in the file, `MARTLET_MAX_BATCH_SIZE` in the environment and
/// `--max-batch-size` as a flag.
package struct SettingSources: Sendable {
    private let flags: [String: String]
    private let environment: [String: String]
    private let file: (path: String, values: [String: String])?

    /// Settings without a file.
    package init(flags: [String: String] = [:], environment: [String: String] = [:]) {
        self.flags = flags
        self.environment = environment
        file = nil
    }

    /// Settings with a YAML file.
    ///
    /// - Throws: `ConfigurationError` when the text is not a YAML mapping of names to plain values, one a line.
    package init(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file path: String,
        text: String
    ) throws(ConfigurationError) {
        self.flags = flags
        self.environment = environment
        file = (path, try SettingsFile(text, path: path).values)
    }

    /// Settings with the file that the flag `config` or `MARTLET_CONFIG` names, if one does.
    ///
    /// - Throws: `ConfigurationError` also when that file cannot be read.
    package init(
        flags: [String: String],
        environment: [String: String],
        reading: Void
    ) throws(ConfigurationError) {
        var flags = flags
        guard let path = flags.removeValue(forKey: "config") ?? environment["MARTLET_CONFIG"] else {
            self.init(flags: flags, environment: environment)
            return
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
        try self.init(flags: flags, environment: environment, file: path, text: text)
    }

    /// The value of one setting alone, whatever is wrong with others; nil when no source gives it.
    ///
    /// - Throws: `ConfigurationError` when its own text is no value.
    package func text(for setting: Setting) throws(ConfigurationError) -> String? {
        guard let (text, source) = value(setting.name) else { return nil }
        if let value = setting.value(of: text) { return value }
        throw ConfigurationError(
            "\(source): \(setting.name): expected \(setting.expectation), found '\(text)'"
        )
    }

    /// The text for a setting and where it comes from; nil when nobody gives one.
    func value(_ name: String) -> (text: String, source: SettingSource)? {
        if let text = flags[name] { return (text, .flag(Self.flagName(name))) }
        let variable = Self.environmentName(name)
        if let text = environment[variable] { return (text, .environment(variable)) }
        guard let file, let text = file.values[name] else { return nil }
        return (text, .file(file.path))
    }

    /// Refuses names in the file and among the flags that are no settings.
    ///
    /// The environment may hold names of others that begin alike (Kubernetes sets `MARTLET_SERVICE_HOST`), so only
    /// the known ones of it are read.
    func check(known: [String]) throws(ConfigurationError) {
        let given =
            (file?.values.keys.sorted() ?? []).map { ($0, file?.path ?? "") }
            + flags.keys.sorted().map { ($0, "flags") }
        for (name, place) in given where !known.contains(name) {
            let hint = nearestName(to: name, in: known).map { "did you mean '\($0)'?" }
            let list = "known settings are \(known.joined(separator: ", "))"
            throw ConfigurationError("\(place): unknown setting '\(name)'; \(hint ?? list)")
        }
    }

    private static func flagName(_ name: String) -> String {
        "--" + name.split(separator: "_").joined(separator: "-")
    }

    private static func environmentName(_ name: String) -> String { "MARTLET_" + name.uppercased() }
}
