internal import API
internal import ArgumentParser
internal import Engine
internal import FoundationEssentials
internal import Imaging
internal import Logging
internal import Models
internal import Platform
internal import Support

/// Where the models are; taken by every subcommand that reads models.
struct ModelsOption: ParsableArguments {
    @Option(
        name: .customLong("models"),
        help: "The folder of models (else MARTLET_MODELS, else weights).",
        completion: .directory
    )
    var folder: String?

    @Flag(name: .customLong("no-tune"), help: "Choose algorithms by the cost model, not by measuring.")
    var isUntuned = false

    /// How the algorithms of convolutions are chosen: as in the daemon, or by the cost model.
    func tuning() throws -> Tuning {
        if isUntuned { return .off }
        let environment = ProcessInfo.processInfo.environment
        // Only what concerns the command is looked at: the daemon's port may be wrong here.
        let sources = try SettingSources(flags: [:], environment: environment, reading: ())
        guard try sources.text(for: .tune) != "false" else { return .off }
        let cache = try sources.text(for: .cache) ?? CacheFolder.path(environment: environment) ?? ""
        return .measured(folder: cache.isEmpty ? nil : "\(cache)/tuning")
    }

    /// The folder: the flag, the environment, the file of MARTLET_CONFIG, the default.
    func path() throws -> String {
        if let folder { return folder }
        let environment = ProcessInfo.processInfo.environment
        let sources = try SettingSources(flags: [:], environment: environment, reading: ())
        return try sources.text(for: .models) ?? Setting.models.fallback ?? ""
    }

    /// The names of the folder's models; none when there is no such folder.
    func names() throws -> [String] {
        guard try FileManager.default.fileExists(atPath: path()) else { return [] }
        return try Registry.modelNames(in: path())
    }

    private func load(_ label: String, _ isWanted: (String) -> Bool = { _ in true }) throws -> Registry {
        let registry = try registry()
        let progress = Progress("loading \(label)")
        defer { progress.finish() }
        try registry.load(isWanted)
        return registry
    }

    private func registry() throws -> Registry {
        var options = Registry.Options()
        options.tuning = try tuning()
        return Registry(folder: try path(), options, logger: .silent)
    }

    /// The model of that name, loaded.
    ///
    /// - Parameter text: a name, or a name and a version as `digits@2`.
    /// - Returns: the model; nil when the folder has none.
    /// - Throws: what is wrong with the model when it does not load.
    func find(_ text: String) throws -> Model? {
        let (name, version) = Self.parts(text)
        guard try names().contains(name) else { return nil }
        return try load(name) { $0 == name }.model(named: name, version: version)
    }

    /// A name has no `@`, so what follows one is a version.
    private static func parts(_ text: String) -> (name: String, version: String?) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : nil)
    }

    /// The model of that name, loaded.
    func model(_ name: String) throws -> Model {
        if let model = try find(name) { return model }
        let names = try names()
        let hint = nearestName(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
        let known = names.isEmpty ? "no models" : names.joined(separator: ", ")
        throw CommandError("unknown model '\(name)'\(hint) (\(try path()) has \(known))")
    }

    /// The named model, or the only one whose task fits when no name is given.
    func model(_ name: String?, for task: String, where fits: (Model) -> Bool) throws -> Model {
        if let name { return try model(name) }
        let candidates = try load("models").models().compactMap(\.current.model).filter(fits)
        guard candidates.count == 1 else {
            let names = candidates.map(\.name).joined(separator: ", ")
            let found = candidates.isEmpty ? "has none" : "has \(names)"
            let place = try path()
            throw CommandError("name a model with --model: \(place) \(found) for \(task)")
        }
        return candidates[0]
    }
}

extension Logger {
    /// For commands that print one answer: what goes wrong is thrown, not logged.
    static let silent = Logger(label: "martlet") { _ in SwiftLogNoOpLogHandler() }
}

/// `--json` for programs, a table for people.
struct OutputOption: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON instead of a table.")
    var isJSON = false

    @Option(
        name: .customLong("color"),
        help: "Whether words are coloured: auto (on a terminal, unless NO_COLOR is set), always, never."
    )
    var coloring: Terminal.Coloring = .auto

    /// What standard output can show.
    var terminal: Terminal { Terminal(.output, isJSON ? .never : coloring) }

    /// Prints one of the two to standard output.
    func print(json: @autoclosure () throws -> JSONValue, text: @autoclosure () throws -> String) rethrows {
        Swift.print(try isJSON ? json().text : text())
    }
}

/// A table for people: columns as wide as their widest cell, two spaces apart.
struct TextTable {
    let columns: [String]
    let rows: [[String]]

    var text: String { text { cell, _ in cell } }

    /// The table with its cells styled, which changes no width.
    ///
    /// - Parameter styled: is given each cell of the rows, and its column.
    /// - Returns: lines without an end after the last.
    func text(_ styled: (String, Int) -> String) -> String {
        let lines = [columns] + rows
        let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.enumerated().map { number, line in
            let last = line.lastIndex { !$0.isEmpty } ?? -1
            let cells = line.prefix(last + 1).enumerated().map { column, cell in
                let space = column == last ? 0 : widths[column] - cell.count
                return (number == 0 ? cell : styled(cell, column)) + String(repeating: " ", count: space)
            }
            return cells.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

/// `--threads`, by default as many as the machine has CPUs for this process.
struct ThreadsOption: ParsableArguments {
    @Option(name: .customLong("threads"), help: "Threads; default one for each CPU.")
    var requested: Int?

    var count: Int { requested ?? Processors.available }

    func validate() throws {
        if let requested, !(1...1024).contains(requested) {
            throw ValidationError("--threads must be 1 to 1024, found \(requested)")
        }
    }
}

/// `--crops` and `--scales`, the test-time augmentation of an image.
struct CropsOption: ParsableArguments {
    @Option(
        name: .customLong("crops"),
        help: "\(CropMode.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var mode: CropMode = .center

    @Option(
        name: .customLong("scales"),
        help: "Shorter sides to resize to, with commas between, in place of the model's own.",
        transform: { text in
            try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
                guard let side = Int(part), 1...Preprocessing.maxSide ~= side else {
                    throw ValidationError("expected whole numbers of 1 to \(Preprocessing.maxSide)")
                }
                return side
            }
        }
    )
    var scales: [Int] = []
}

extension CropMode: ExpressibleByArgument {}
