internal import API
internal import Engine
internal import FoundationEssentials
internal import Models
internal import Platform
internal import Support
internal import Zoo

/// What `doctor` says of the settings, the folders, the models and the port.
struct ServiceExamination {
    let models: ModelsOption
    let threads: Int

    private let environment = ProcessInfo.processInfo.environment

    init(models: ModelsOption, threads: Int) {
        self.models = models
        self.threads = threads
    }

    var findings: [Finding] {
        let configuration: Configuration
        do {
            configuration = try Configuration.load(flags: [:], environment: environment)
        } catch {
            let advice = "martlet serve --print-config shows where each setting comes from"
            return [Finding(.wrong, "settings", error.description, advice: advice)]
        }
        var findings = [Finding("settings", "valid")]
        let folder = models.folder ?? configuration.models
        findings += listening(configuration)
        findings += cache(configuration[.cache])
        findings += keys(configuration[.keys])
        return findings + self.folder(folder)
    }

    // MARK: The port

    private func listening(_ configuration: Configuration) -> [Finding] {
        var addresses = ListenAddress.list(configuration[.listen]) ?? []
        if addresses.isEmpty {
            addresses = [.tcp(host: configuration[.host], port: configuration.integer(.port))]
        }
        return addresses.map(listening)
    }

    private func listening(_ address: ListenAddress) -> Finding {
        let subject = "\(address)"
        switch address {
        case .unix(let path):
            if (try? Socket.connect(address)) != nil { return answering(address, subject) }
            let folder = path.split(separator: "/").dropLast().joined(separator: "/")
            guard path.hasPrefix("@") || FileAccess.write.isAllowed(to: "/\(folder)") else {
                return Finding(
                    .wrong,
                    subject,
                    "/\(folder) cannot be written to",
                    advice: "sudo chown it, or listen elsewhere"
                )
            }
            return Finding(subject, "free")
        case .tcp(let host, let port):
            do {
                _ = try Socket.listen(host: host, port: port, backlog: 1)
                return Finding(subject, "free")
            } catch {
                if error.code == SystemError.addressInUseCode { return answering(address, subject) }
                let advice = "listen on another with --host and --port"
                return Finding(.wrong, subject, error.reason, advice: advice)
            }
        }
    }

    /// Who has the address.
    private func answering(_ address: ListenAddress, _ subject: String) -> Finding {
        let place = DaemonAddress(listening: address)
        // What does not answer is somebody else.
        let reply = try? HTTPReply(to: "GET", "/v2", at: place, timeout: .seconds(2))
        let server = reply.flatMap { try? JSONValue(parsing: $0.body) }
        if case .string("martlet")? = server?["name"], case .string(let version)? = server?["version"] {
            return Finding(subject, "martlet \(version) answers there")
        }
        if reply?.status == 401 { return Finding(subject, "a server that wants a key answers there") }
        return Finding(
            .wrong,
            subject,
            reply == nil ? "in use by somebody who does not answer" : "in use by another server",
            advice: "ss -ltnp shows whose it is; end that, or set another port"
        )
    }

    // MARK: Folders

    private func cache(_ path: String) -> [Finding] {
        guard !path.isEmpty else {
            return [
                Finding(
                    .improvable,
                    "cache",
                    "none, so that every start measures anew",
                    advice: "set MARTLET_CACHE to a folder that can be written to"
                )
            ]
        }
        let existing = Self.nearest(path)
        guard FileAccess.write.isAllowed(to: existing), FileAccess.enter.isAllowed(to: existing) else {
            let found = "user \(FileAccess.userID) cannot write to \(existing)"
            return [
                Finding(.improvable, "cache", found, advice: "sudo chown it, or set MARTLET_CACHE to another")
            ]
        }
        return [Finding("cache", existing == path ? path : "\(path), to be made")]
    }

    /// The path, or what there is of it.
    private static func nearest(_ path: String) -> String {
        var parts = path.split(separator: "/")
        while !parts.isEmpty {
            let place = (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
            if FileManager.default.fileExists(atPath: place) { return place }
            parts.removeLast()
        }
        return path.hasPrefix("/") ? "/" : "."
    }

    private func keys(_ path: String) -> [Finding] {
        guard !path.isEmpty else { return [] }
        guard FileAccess.read.isAllowed(to: path) else {
            let found = "user \(FileAccess.userID) cannot read \(path)"
            return [
                Finding(
                    .wrong,
                    "keys",
                    found,
                    advice: "sudo chown or chmod it, or make one: martlet key NAME >> \(path)"
                )
            ]
        }
        return [Finding("keys", path)]
    }

    // MARK: Models

    private func folder(_ folder: String) -> [Finding] {
        let subject = "models"
        guard FileManager.default.fileExists(atPath: folder) else {
            let advice = "name the folder of models with --models or MARTLET_MODELS"
            return [Finding(.wrong, subject, "there is no \(folder)", advice: advice)]
        }
        guard FileAccess.read.isAllowed(to: folder), FileAccess.enter.isAllowed(to: folder) else {
            let found = "user \(FileAccess.userID) cannot read \(folder)"
            return [Finding(.wrong, subject, found, advice: "sudo chmod -R a+rX \(folder)")]
        }
        do {
            return try models(in: folder)
        } catch {
            return [
                Finding(.wrong, subject, "\(error)", advice: "see the folder of models in the documentation")
            ]
        }
    }

    private func models(in folder: String) throws -> [Finding] {
        // Without the library there is no engine to try them on.
        guard OpenBLAS.problem == nil else { return [] }
        let engine = try CommandEngine(threads: threads)
        defer { engine.stop() }
        let registry = Registry(folder: folder, logger: .silent) { model, golden throws(ServingError) in
            try engine.wait { () async throws(ServingError) in
                try await engine.scheduler.warmUp(model, golden)
            }
        }
        let progress = Progress("loading models")
        try registry.load()
        progress.finish()
        let entries = registry.models()
        guard !entries.isEmpty else {
            let advice = "each model is a folder of it with a model.json, or timm's config.json, and weights"
            return [Finding(.wrong, "models", "\(folder) has none", advice: advice)]
        }
        return [Finding("models", folder)]
            + entries.flatMap { entry in entry.versions.flatMap { findings(entry.name, $0) } }
    }

    private func findings(_ name: String, _ version: ModelEntry.Version) -> [Finding] {
        let subject = "\(name)@\(version.version)"
        guard let model = version.model else {
            let advice = "mend what it names; martlet models tries again"
            return [Finding(.wrong, subject, version.reason ?? "it is not loaded", advice: advice)]
        }
        let found = "\(model.architecture.name), \(model.parameterCount) parameters, answers"
        return [Finding(subject, found)]
            + model.warnings.map {
                Finding(.improvable, subject, $0, advice: "say in its model.json what is meant")
            }
    }
}
