package import Engine
package import Inference
package import Logging
package import Platform
package import Support
internal import Synchronization

/// The models of a folder, by name and version.
///
/// `load` reads every model; one that fails stays in the listing with its reason and harms no other. A name from a
/// request is only looked up in a table, never joined to a path.
package final class Registry: Sendable {
    /// Runs a model once before it counts as ready.
    package typealias WarmUp = @Sendable (Model) throws(ServingError) -> Void

    /// The weights folder.
    package let folder: String
    private let tuning: Tuning
    private let warmUp: WarmUp
    private let logger: Logger
    private let entries = Mutex<[String: ModelEntry]>([:])
    private let listed = Atomic(false)

    /// A registry of a folder that is not read before `load`.
    package init(
        folder: String,
        tuning: Tuning = .off,
        logger: Logger = Logger(label: "martlet.registry"),
        warmUp: @escaping WarmUp = { _ throws(ServingError) in }
    ) {
        self.folder = folder
        self.tuning = tuning
        self.warmUp = warmUp
        self.logger = logger
    }

    /// The names of a folder's models; nothing of them is read.
    ///
    /// - Throws: `SystemError` when the folder itself cannot be read.
    package static func modelNames(in folder: String) throws(SystemError) -> [String] {
        try ModelFolders.scan(folder, logger: Logger(label: "martlet.registry")).map(\.name)
    }

    /// Finds the models of the folder and loads each version of those whose name `isWanted`.
    ///
    /// - Throws: `SystemError` when the folder itself cannot be read.
    package func load(_ isWanted: (String) -> Bool = { _ in true }) throws(SystemError) {
        load(try list(isWanted))
    }

    /// Finds the models of the folder and lists those whose name `isWanted` as loading.
    ///
    /// - Returns: what `load` takes.
    /// - Throws: `SystemError` when the folder itself cannot be read.
    package func list(_ isWanted: (String) -> Bool = { _ in true }) throws(SystemError) -> Listing {
        let found = try ModelFolders.scan(folder, logger: logger).filter { isWanted($0.name) }
        entries.withLock { entries in
            for model in found {
                let versions = model.versions.map { ModelEntry.Version(loading: $0.name) }
                entries[model.name] = ModelEntry(name: model.name, versions: versions)
            }
        }
        listed.store(true, ordering: .releasing)
        return Listing(models: found)
    }

    /// Models that were found and are not loaded yet.
    package struct Listing: Sendable {
        fileprivate let models: [ModelFolders.Found]
    }

    /// Loads what was listed, one version after another.
    package func load(_ listing: Listing) {
        for model in listing.models {
            for version in model.versions { set(load(version, of: model.name), of: model.name) }
        }
    }

    /// Whether the folder was looked through, so that every model of it is in the listing.
    package var isListed: Bool { listed.load(ordering: .acquiring) }

    /// All models by name.
    package func models() -> [ModelEntry] {
        entries.withLock { Array($0.values) }.sorted { $0.name < $1.name }
    }

    /// How many versions are in each state.
    package func counts() -> [ModelEntry.State: Int] {
        entries.withLock { entries in
            entries.values.flatMap(\.versions).reduce(into: [:]) { $0[$1.state, default: 0] += 1 }
        }
    }

    /// One model.
    ///
    /// - Throws: `ServingError` with status 404 when there is none of that name, or it has no such version.
    package func entry(named name: String, version: String? = nil) throws(ServingError) -> ModelEntry {
        guard let entry = entries.withLock({ $0[name] }) else {
            let names = entries.withLock { Array($0.keys) }
            throw .unknownModel(name, nearest: nearestName(to: name, in: names.sorted()))
        }
        if let version, entry.version(version) == nil {
            throw .unknownVersion(version, of: name, known: entry.versions.map(\.version))
        }
        return entry
    }

    /// A model that can answer: the version asked for, or the highest that is ready.
    ///
    /// - Throws: `ServingError` 404 when it is not there, 503 when it failed to load or is not loaded yet.
    package func model(named name: String, version: String? = nil) throws(ServingError) -> Model {
        let entry = try entry(named: name, version: version)
        let wanted = version.flatMap(entry.version) ?? entry.current
        if let model = wanted.model { return model }
        guard wanted.state == .failed else { throw .modelLoading(name, version: wanted.version) }
        throw .modelFailed(name, version: wanted.version, reason: wanted.reason ?? "unknown")
    }

    private func set(_ version: ModelEntry.Version, of name: String) {
        entries.withLock { entries in
            guard let index = entries[name]?.versions.firstIndex(where: { $0.version == version.version })
            else { return }
            entries[name]?.versions[index] = version
        }
    }

    private func load(_ found: ModelFolders.Version, of model: String) -> ModelEntry.Version {
        let start = ContinuousClock.now
        let name = found.name
        var version = ModelEntry.Version(loading: name)
        do {
            let file = try found.manifest.mapError { error in
                ServingError.internalError("its folder cannot be read: \(error.reason)", code: "unreadable")
            }.get()
            let loader = ModelLoader(folder: found.path, manifestFile: file, tuning: tuning)
            let manifest = try loader.manifest()
            version.manifest = manifest
            let loaded = try loader.model(manifest, name: model, version: name)
            try warmUp(loaded)
            for failure in loaded.networks.compactMap(\.weights.tuningFailure) {
                let metadata: Logger.Metadata = ["model": "\(model)", "reason": "\(failure)"]
                logger.warning("tuning not kept; the next start measures again", metadata: metadata)
            }
            MemoryAdvice.releaseFreed()
            version.model = loaded
            version.state = .ready
            logger.info("model loaded", metadata: metadata(model, name, since: start))
        } catch {
            version.state = .failed
            version.reason = (error as? ServingError)?.message ?? "\(error)"
            var metadata = metadata(model, name, since: start)
            metadata["reason"] = .string(version.reason ?? "")
            logger.error("model failed to load", metadata: metadata)
        }
        return version
    }

    private func metadata(
        _ model: String,
        _ version: String,
        since start: ContinuousClock.Instant
    ) -> Logger.Metadata {
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        return ["model": "\(model)", "version": "\(version)", "milliseconds": "\(Int(milliseconds))"]
    }
}

extension Scheduler {
    /// Runs a model once on zeros (a sequence of one step), so that its first request finds everything laid out.
    ///
    /// - Throws: `ServingError` when the model cannot run, or gives an output that is not a finite number.
    package func warmUp(_ model: Model) async throws(ServingError) {
        for network in model.networks {
            let shape = network.graph.inputShape
            // Chosen, tuned and packed here, not on the engine's thread.
            _ = try network.plan(for: shape).estimatedSeconds(batch: 1)
            let zeros = Tensor(shape: shape, values: Array(repeating: 0, count: shape.elementCount))
            let inference = try await infer(network, items: [zeros])
            guard inference.outputs.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
                throw .internalError("the network's output is not a finite number", code: "not_finite")
            }
        }
    }
}
