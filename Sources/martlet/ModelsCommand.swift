internal import ArgumentParser
internal import Models
internal import Support

/// `martlet models`: what is in the folder and whether it loads.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models of the folder and load each."
    )

    @OptionGroup var models: ModelsOption
    @OptionGroup var output: OutputOption

    func run() throws {
        let registry = try Registry(folder: models.path(), logger: .silent)
        try registry.load()
        let entries = registry.models()
        output.print(
            json: .object(["models": .array(entries.map { $0.json() })]),
            text: TextTable(
                columns: ["model", "version", "state", "task", "architecture", "parameters", "classes"],
                rows: entries.map(row)
            ).text + failures(entries)
        )
    }

    private func row(_ entry: ModelEntry) -> [String] {
        let version = entry.current
        return [
            entry.name, version.version, version.state.rawValue,
            version.manifest?.task.rawValue ?? "", version.manifest?.architecture ?? "",
            version.model.map { "\($0.parameterCount)" } ?? "", version.model.map { "\($0.classes)" } ?? "",
        ]
    }

    private func failures(_ entries: [ModelEntry]) -> String {
        entries.compactMap { entry in entry.failures.map { "\n\(entry.name): \($0)" } }.joined()
    }
}
