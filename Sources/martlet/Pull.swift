internal import API
internal import ArgumentParser
internal import FoundationEssentials
internal import Hub
internal import Models
internal import Platform
internal import Support

/// `martlet pull REPOSITORY`: brings a model from Hugging Face, or weights from any https URL, into the folder of models.
struct Pull: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Bring a model from Hugging Face, or weights from a URL, into the folder of models.",
        discussion: """
            What has come is kept in .pull of the folder until all of it is there: after Ctrl-C, or when the network has gone, \
            the same command goes on. Heeds HF_ENDPOINT, HF_TOKEN (or what 'hf auth login' has kept), HTTPS_PROXY, NO_PROXY \
            and SSL_CERT_FILE. Needs libcurl (libcurl4).
            """
    )

    @Argument(help: "OWNER/NAME[@REVISION] of the hub, or the https URL of a safetensors or PyTorch file.")
    var source: String

    @OptionGroup var models: ModelsOption

    @Option(help: "What to call the model. (default: the repository's name, or the architecture's)")
    var name: String?

    @Option(help: "The network, where the source does not say which it is: for URLs.")
    var architecture: String?

    @Flag(help: "Replace a model of this name.")
    var force = false

    @Flag(name: .customLong("dry-run"), help: "Show what would come, and bring nothing.")
    var isDry = false

    @OptionGroup var output: OutputOption

    func run() throws {
        let display = PullDisplay(isShown: !isDry)
        let puller = try Puller(
            HubSettings(environment: ProcessInfo.processInfo.environment),
            userAgent: "martlet/\(Version.current)",
            wait: { display.wait($0) },
            report: { display.show($0) }
        )
        var request = Puller.Request(source: source, folder: try models.path())
        request.name = name
        request.architecture = architecture
        request.replaces = force
        let plan = try puller.plan(request)
        if let warning = plan.licenceWarning { StandardStream.error.writeLine("martlet: \(warning)") }
        if isDry {
            output.print(json: .object(json(plan, files: nil)), text: text(plan))
            return
        }
        let files = try puller.pull(plan, replacing: force)
        display.finish()
        try requireThatItLoads(plan)
        output.print(json: .object(json(plan, files: files)), text: summary(plan, files))
    }

    /// Reads what was pulled as the daemon would: whoever pulled it is here now, and can do something about it.
    private func requireThatItLoads(_ plan: PullPlan) throws {
        do {
            _ = try models.find(plan.model)
        } catch {
            throw CommandError("\(plan.path) is complete, but cannot be served as it is: \(error)")
        }
    }

    private func json(_ plan: PullPlan, files: [PulledFile]?) -> JSONObject {
        var object: JSONObject = [
            "model": .string(plan.model), "path": .string(plan.path), "source": .string(plan.source),
            "architecture": .string(plan.architecture),
        ]
        object.append("revision", plan.revision.map(JSONValue.string))
        object.append("license", plan.licence?.name.map(JSONValue.string))
        object.append("warning", plan.licenceWarning.map(JSONValue.string))
        object.append("dry_run", .bool(files == nil))
        let entries = plan.files.map { file -> JSONValue in
            var entry: JSONObject = ["name": .string(file.name)]
            let pulled = files?.first { $0.name == file.name }
            entry.append("bytes", (pulled?.bytes ?? file.bytes).map(JSONValue.integer))
            entry.append("sha256", pulled.map { .string($0.sha256) })
            entry.append("resumed_at", pulled.map { .integer($0.resumed) })
            return .object(entry)
        }
        object.append("files", .array(entries))
        return object
    }

    private func text(_ plan: PullPlan) -> String {
        let rows = plan.files.map { [$0.name, $0.bytes.map(Self.size) ?? "?"] }
        return "\(headline(plan))\n" + TextTable(columns: ["file", "size"], rows: rows).text
    }

    private func headline(_ plan: PullPlan) -> String {
        let revision = plan.revision.map { " at \($0.prefix(12))" } ?? ""
        let licence = plan.licence.map { ", licence \($0.name ?? "not stated")" } ?? ""
        return "\(plan.model): \(plan.architecture) from \(plan.source)\(revision)\(licence)"
    }

    private func summary(_ plan: PullPlan, _ files: [PulledFile]) -> String {
        let bytes = files.reduce(0) { $0 + $1.bytes }
        let isGuessed = plan.revision == nil || architecture != nil
        let advice =
            isGuessed
            ? "\nlook at \(plan.path)/model.json: its preprocessing is the usual one, and nobody has said that it is right"
            : ""
        return "\(headline(plan))\n\(plan.path): \(Self.size(bytes)), SHA-256 checked\(advice)"
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 1 << 20 ? "\((bytes + 1023) >> 10) KiB" : "\((10 * bytes + 1 << 19) >> 20 / 10) MiB"
    }
}
