internal import Engine
internal import Logging
internal import Platform
internal import Support

/// How models are loaded, replaced and let go: each on a thread of its own, as `LoadQueue` has it.
extension Registry {
    /// Bytes of loading for each byte of a file of weights: the numbers, their packed forms, and what is made on the way.
    private static let bytesPerFileByte = 3

    /// Has models refreshed, and calls back with all that became of them.
    func refresh(
        _ names: [String],
        isForced: Bool,
        isQuiet: Bool,
        _ completion: @escaping LoadQueue.Completion
    ) {
        let found = (try? scan()) ?? [] // each load says itself what cannot be read
        let bytes = Dictionary(found.map { ($0.name, Self.loadBytes(of: $0)) }) { $1 }
        let models = Dictionary(names.map { ($0, bytes[$0] ?? 0) }) { $1 }
        enqueue(.refresh(isForced: isForced), models, isQuiet: isQuiet, completion)
    }

    /// Adds the same thing to do for models, and calls back when it is done with all.
    func enqueue(
        _ action: LoadQueue.Action,
        _ models: [String: Int],
        isQuiet: Bool,
        _ completion: @escaping LoadQueue.Completion
    ) {
        guard !models.isEmpty else { return completion([]) }
        let changes = Monitor((left: models.count, all: [ModelChange]()))
        state.withLock { state in
            for (name, bytes) in models.sorted(by: { $0.key < $1.key }) {
                state.queue.add(action, with: name, bytes: bytes, isQuiet: isQuiet) { made in
                    let all = changes.withLock { changes -> [ModelChange]? in
                        changes.left -= 1
                        changes.all += made
                        return changes.left == 0 ? changes.all : nil
                    }
                    if let all { completion(all.sorted { $0.model < $1.model }) }
                }
            }
        }
        begin()
    }

    private static func loadBytes(of model: ModelFolders.Found) -> Int {
        model.versions.map { bytes(in: $0.path) * bytesPerFileByte }.max() ?? 0
    }

    /// The size of the largest file of weights in a folder; of all where an index makes one of them.
    static func bytes(in path: String) -> Int {
        guard let stamp = try? FolderStamp(path: path) else { return 0 } // loading says what is wrong with it
        let sizes = WeightsFile.endings.flatMap(stamp.sizes(ofFilesEnding:))
        return stamp.sizes(ofFilesEnding: ".index.json").isEmpty ? sizes.max() ?? 0 : sizes.reduce(0, +)
    }

    /// Begins whatever may begin.
    private func begin() {
        while let task = state.withLock({ $0.queue.next() }) {
            do {
                _ = try Thread(name: "loader") { [self] in
                    if task.isQuiet { Priority.lower() }
                    finish(task, perform(task))
                }
            } catch {
                logger.error("model not loaded", metadata: ["model": "\(task.model)", "reason": "\(error)"])
                state.withLock { $0.queue.finish(task) }
                for completion in task.completions { completion(fail(task.model, error)) }
            }
        }
    }

    private func finish(_ task: LoadQueue.Task, _ changes: [ModelChange]) {
        MemoryAdvice.releaseFreed()
        state.withLock { $0.queue.finish(task) }
        for completion in task.completions { completion(changes) }
        begin()
    }

    /// Gives up all versions of a model that were to be loaded.
    private func fail(_ name: String, _ error: any Error) -> [ModelChange] {
        let versions = state.withLock { $0.entries[name]?.versions ?? [] }
        return versions.filter { $0.state == .loading }.map { version in
            var failed = version
            failed.state = .failed
            failed.reason = "\(error)"
            failed.isOnDemand = false
            put(failed, of: name)
            return ModelChange(model: name, version: version.version, outcome: .failed("\(error)"))
        }
    }

    private func perform(_ task: LoadQueue.Task) -> [ModelChange] {
        let found: [ModelFolders.Version]
        do {
            found = try ModelFolders.versions(of: task.model, in: folder)
        } catch {
            // A folder that cannot be read for a moment is no reason to let anything go.
            return fail(task.model, error)
        }
        switch task.action {
        case .unload: return unloadAll(task.model)
        case .demand(let version):
            guard let version = found.first(where: { $0.name == version }) else {
                return fail(task.model, FormatError(task.model, "version \(version) is gone from the folder"))
            }
            return [load(version, of: task.model, mayEvict: true)]
        case .refresh(let isForced): return refresh(task.model, found, isForced: isForced)
        }
    }

    private func refresh(
        _ name: String,
        _ found: [ModelFolders.Version],
        isForced: Bool
    ) -> [ModelChange] {
        let entry = state.withLock { state in
            if isForced { state.entries[name]?.isHeld = false }
            return state.entries[name]
        }
        let plan = RefreshPlan(
            entry,
            found: found.map { .init(number: $0.number, stamp: try? FolderStamp(path: $0.path)) },
            policy: policy(of: found),
            isLazy: options.isLazy,
            isForced: isForced
        )
        adopt(plan, name)
        var changes = plan.unchanged.map { ModelChange(model: name, version: $0, outcome: .unchanged) }
        for version in plan.loads {
            guard let version = found.first(where: { $0.name == version }) else { continue }
            changes.append(load(version, of: name, mayEvict: isForced))
        }
        changes += plan.onDemand.map { ModelChange(model: name, version: $0, outcome: .unloaded) }
        return changes + leave(plan, name)
    }

    /// What the highest version that says something about it wants.
    private func policy(of found: [ModelFolders.Version]) -> VersionPolicy {
        for version in found.reversed() {
            guard case .success(let file) = version.manifest else { continue }
            let loader = ModelLoader(folder: version.path, manifestFile: file, tuning: options.tuning)
            // One that cannot be read says why when it is loaded.
            if let policy = (try? loader.manifest())?.versions { return policy }
        }
        return options.versions
    }

    /// Lists what is going to happen.
    private func adopt(_ plan: RefreshPlan, _ name: String) {
        state.withLock { state in
            var entry = state.entries[name] ?? ModelEntry(name: name, versions: [])
            func set(_ names: [String], _ change: (inout ModelEntry.Version) -> Void) {
                for name in names {
                    var version = entry.version(name) ?? ModelEntry.Version(name, .unloaded)
                    change(&version)
                    entry.put(version)
                }
            }
            set(plan.loads) { if $0.model == nil { ($0.state, $0.reason) = (.loading, nil) } }
            set(plan.onDemand) { ($0.state, $0.isOnDemand, $0.reason) = (.unloaded, true, nil) }
            set(plan.excluded) { version in
                if version.model == nil {
                    (version.state, version.isOnDemand, version.reason) = (.unloaded, false, nil)
                }
            }
            set(plan.unchanged) { $0.reason = nil }
            if !entry.versions.isEmpty { state.entries[name] = entry }
        }
    }

    /// Lets go of what is not wanted any more, unless it is all that works.
    private func leave(_ plan: RefreshPlan, _ name: String) -> [ModelChange] {
        let (left, changes) = state.withLock { state -> ([Model], [ModelChange]) in
            guard var entry = state.entries[name] else { return ([], []) }
            let wanted = plan.loads + plan.unchanged + plan.onDemand
            let works = wanted.contains { version in
                entry.version(version).map { $0.model != nil || $0.isOnDemand } ?? false
            }
            // Of a model that was there and is wanted no more everything goes; of one whose new versions all fail nothing.
            let mayLeave = works || wanted.isEmpty
            var (left, changes) = ([Model](), [ModelChange]())
            for version in plan.excluded where mayLeave {
                guard var known = entry.version(version) else { continue }
                if let model = known.model { left.append(model) }
                (known.model, known.state, known.reason, known.isOnDemand) = (nil, .unloaded, nil, false)
                entry.put(known)
                changes.append(ModelChange(model: name, version: version, outcome: .unloaded))
            }
            for version in plan.gone {
                guard let known = entry.version(version), mayLeave || known.model == nil else { continue }
                if let model = known.model { left.append(model) }
                entry.versions.removeAll { $0.version == version }
                changes.append(ModelChange(model: name, version: version, outcome: .removed))
            }
            state.entries[name] = entry.versions.isEmpty ? nil : entry
            return (left, changes)
        }
        for model in left { release(model) }
        for change in changes where change.outcome == .removed {
            logger.info("model removed", metadata: ["model": "\(name)", "version": "\(change.version)"])
        }
        return changes
    }

    private func unloadAll(_ name: String) -> [ModelChange] {
        let versions = state.withLock { state in
            state.entries[name]?.isHeld = true
            return (state.entries[name]?.versions ?? []).map { version in
                var unloaded = version
                (unloaded.model, unloaded.state, unloaded.reason) = (nil, .unloaded, nil)
                unloaded.isOnDemand = false
                state.entries[name]?.put(unloaded)
                return (model: version.model, unloaded: unloaded)
            }
        }
        for version in versions {
            release(version.model)
            tell(version.unloaded, of: name)
        }
        logger.info("model unloaded", metadata: ["model": "\(name)"])
        return versions.map { ModelChange(model: name, version: $0.unloaded.version, outcome: .unloaded) }
    }

    /// Puts a version in its place in one step, and lets go of the model that was there.
    func put(_ version: ModelEntry.Version, of name: String) {
        let old = state.withLock { state in
            let old = state.entries[name]?.version(version.version)?.model
            state.entries[name]?.put(version)
            return old
        }
        if let old, old !== version.model { release(old) }
        tell(version, of: name)
    }
}

extension ModelEntry {
    /// Replaces a version, or adds it in its place.
    fileprivate mutating func put(_ version: Version) {
        if let index = versions.firstIndex(where: { $0.version == version.version }) {
            versions[index] = version
        } else {
            versions.append(version)
            versions.sort { (Int($0.version) ?? 0) < (Int($1.version) ?? 0) }
        }
    }
}
