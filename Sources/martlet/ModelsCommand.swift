internal import ArgumentParser
internal import Models
internal import Platform
internal import Support

/// `martlet models`: what is in the folder, whether it loads, and whether it answers what its `golden.safetensors` says.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models of the folder, load each, and check its golden answers."
    )

    @OptionGroup var models: ModelsOption
    @OptionGroup var threads: ThreadsOption
    @OptionGroup var output: OutputOption

    @Flag(help: "List every tensor that is missing, too much or misshapen, one a line.")
    var verbose = false

    func run() throws {
        let engine = try CommandEngine(threads: threads.count)
        defer { engine.stop() }
        let registry = Registry(folder: try models.path(), logger: .silent) {
            model,
            golden throws(ServingError) in
            try engine.wait { () async throws(ServingError) in
                try await engine.scheduler.warmUp(model, golden)
            }
        }
        let progress = Progress("loading and checking models")
        try registry.load()
        progress.finish()
        let entries = registry.models()
        output.print(
            json: .object(["models": .array(entries.map { $0.json(status: $0.versions) })]),
            text: TextTable(
                columns: ["model", "version", "state", "task", "architecture", "parameters", "classes"],
                rows: entries.flatMap(rows)
            ).text { cell, column in column == 2 ? styled(cell) : cell } + remarks(entries)
        )
    }

    private func styled(_ state: String) -> String {
        output.terminal.styled(state, state == "ready" ? .green : state == "failed" ? .red : .yellow)
    }

    private func rows(_ entry: ModelEntry) -> [[String]] {
        entry.versions.map { version in
            [
                entry.name, version.version, version.state.rawValue,
                version.manifest?.task.rawValue ?? "", version.manifest?.architecture ?? "",
                version.model.map { "\($0.parameterCount)" } ?? "",
                version.model.flatMap { $0.classes > 0 ? "\($0.classes)" : nil } ?? "",
            ]
        }
    }

    private func remarks(_ entries: [ModelEntry]) -> String {
        entries.map { entry in
            let warnings = entry.versions.flatMap { $0.model?.warnings ?? [] }.map { "warning: \($0)" }
            let all = verbose ? entry.details?.replacing("; ", with: "\n  ") : nil
            return ([all ?? entry.failures].compactMap(\.self) + warnings).map { "\n\(entry.name): \($0)" }
                .joined()
        }.joined()
    }
}
