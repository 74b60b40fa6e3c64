internal import Engine
internal import Inference
internal import Logging
internal import Platform
internal import Support
internal import Synchronization

/// How one version is loaded beside what answers, and takes its place.
extension Registry {
    /// Loads a version and puts it in its place; when that fails, what was there stays.
    ///
    /// - Parameters:
    ///   - found: where it lies.
    ///   - name: of the model.
    ///   - mayEvict: whether others make room for it; else it waits for a request where there is none.
    /// - Returns: what became of it.
    func load(_ found: ModelFolders.Version, of name: String, mayEvict: Bool) -> ModelChange {
        let start = ContinuousClock.now
        let before = state.withLock { $0.entries[name]?.version(found.name) }
        var version = before ?? ModelEntry.Version(found.name, .loading)
        if mayEvict, before?.model != nil, before?.stamp == (try? FolderStamp(path: found.path)),
            before?.stamp != nil
        {
            return ModelChange(model: name, version: found.name, outcome: .unchanged)
        }
        var metadata: Logger.Metadata = ["model": "\(name)", "version": "\(found.name)"]
        do {
            guard try makeRoom(for: Self.bytes(in: found.path), before?.model, mayEvict: mayEvict) else {
                (version.state, version.isOnDemand) = (.unloaded, true)
                put(version, of: name)
                return ModelChange(model: name, version: found.name, outcome: .unloaded)
            }
            let model = try loaded(found, of: name, into: &version)
            _ = try makeRoom(for: model.bytes, before?.model, mayEvict: true)
            note(model)
            (version.model, version.state, version.reason, version.isOnDemand) = (model, .ready, nil, false)
            version.details = nil
            metadata["milliseconds"] = "\(Int((ContinuousClock.now - start) / .milliseconds(1)))"
            metadata["bytes"] = "\(model.bytes)"
            put(version, of: name)
            logger.info("model loaded", metadata: metadata)
            for warning in model.warnings {
                let metadata: Logger.Metadata = [
                    "model": "\(name)", "version": "\(found.name)", "reason": "\(warning)",
                ]
                logger.warning("the model may not be meant so", metadata: metadata)
            }
            return ModelChange(model: name, version: found.name, outcome: .loaded)
        } catch {
            // Clients see the reason, and no paths of this machine.
            let reason = ((error as? ServingError)?.message ?? "\(error)")
                .replacing("\(found.path)/", with: "")
            version.reason = reason
            let details = (error as? WeightsError)?.fullDescription.replacing("\(found.path)/", with: "")
            version.details = details == reason ? nil : details
            version.isOnDemand = false
            // Of one that works the stamp is that of what works: the next time what failed is tried again.
            if before?.model != nil { version.stamp = before?.stamp }
            version.model = before?.model
            if version.model == nil { version.state = .failed } else { version.manifest = before?.manifest }
            metadata["reason"] = "\(reason)"
            logger.error("model failed to load", metadata: metadata)
            put(version, of: name)
            return ModelChange(model: name, version: found.name, outcome: .failed(reason))
        }
    }

    /// Reads, plans, warms and checks.
    private func loaded(
        _ found: ModelFolders.Version,
        of name: String,
        into version: inout ModelEntry.Version
    ) throws -> Model {
        let load = VersionLoad(
            model: name,
            found: found,
            tuning: options.tuning,
            patience: .init(settle: options.settle),
            pause: { [state] duration in
                state.wait(until: .now + duration) { $0.isClosed ? true : nil } == nil
            }
        )
        let (model, golden) = try load.read(into: &version)
        if case .measured = options.tuning {
            try measuring.withLock { _ in try plan(model) }
        } else {
            try plan(model)
        }
        for failure in model.networks.compactMap(\.weights.tuningFailure) {
            let metadata: Logger.Metadata = ["model": "\(name)", "reason": "\(failure)"]
            logger.warning("tuning not kept; the next start measures again", metadata: metadata)
        }
        do {
            try warmUp(model, golden)
        } catch {
            // The engine knows its networks since they ran there.
            for network in model.pipeline.allNetworks { retire(network) }
            throw error
        }
        return model
    }

    private func plan(_ model: Model) throws(ServingError) {
        for network in model.networks { _ = try network.plan(for: network.graph.inputShape) }
        try model.shapes?.makeWarm(model.manifest.warmShapes)
    }

    /// Makes room for a model of a size by letting go of those that were not asked for for longest.
    ///
    /// - Parameters:
    ///   - bytes: its size.
    ///   - old: the one whose place it takes.
    ///   - mayEvict: whether others may go.
    /// - Returns: whether there is room.
    /// - Throws: `ServingError` when there never is.
    private func makeRoom(for bytes: Int, _ old: Model?, mayEvict: Bool) throws(ServingError) -> Bool {
        let limit = options.maxModelBytes
        guard limit < .max else { return true }
        guard bytes <= limit else {
            throw .tooLarge(
                code: "model_too_large",
                "the model takes \(bytes) bytes, more than the \(limit) of max_model_memory"
            )
        }
        let evicted = state.withLock { state -> [Model]? in
            let residents = state.entries.values.flatMap { entry in
                entry.versions.compactMap { version -> ModelRoom.Resident<(String, String)>? in
                    guard let model = version.model, model !== old else { return nil }
                    return .init(
                        key: (entry.name, version.version),
                        bytes: model.bytes,
                        lastUse: model.lastUse.load(ordering: .relaxed)
                    )
                }
            }
            guard let keys = ModelRoom.evictions(for: bytes, among: residents, limit: limit),
                mayEvict || keys.isEmpty
            else { return nil }
            return keys.compactMap { key in
                guard let index = state.entries[key.0]?.versions.firstIndex(where: { $0.version == key.1 })
                else {
                    return nil
                }
                let model = state.entries[key.0]?.versions[index].model
                state.entries[key.0]?.versions[index].model = nil
                state.entries[key.0]?.versions[index].state = .unloaded
                state.entries[key.0]?.versions[index].isOnDemand = true
                return model
            }
        }
        guard let evicted else { return false }
        for model in evicted {
            logger.info(
                "model unloaded to make room",
                metadata: ["model": "\(model.name)", "version": "\(model.version)"]
            )
            release(model)
        }
        return true
    }
}
