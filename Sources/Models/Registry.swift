package import Engine
package import Inference
package import Logging
package import Platform
package import Support
internal import Synchronization

/// The models of a folder, by name and version, while they come and go.
///
/// A version is read, planned, warmed and checked beside the one that answers, and takes its place in one step; one that
/// fails stays in the listing with its reason and harms no other. Whoever has got hold of a model keeps it: a model that is
/// replaced or unloaded answers the requests it has, and then its memory goes. A name from a request is only looked up in
/// a table or among the folder's names, never joined to a path.
package final class Registry: Sendable {
    /// Runs a model once, and checks what it must answer, before it counts as ready.
    package typealias WarmUp = @Sendable (Model, Golden?) throws(ServingError) -> Void

    /// When versions are loaded, and what that may take.
    package struct Options: Sendable {
        /// How the algorithms of convolutions are chosen.
        package var tuning = Tuning.off
        /// Of the models that do not say themselves.
        package var versions = VersionPolicy.all
        /// Whether models wait for the first request that asks for them.
        package var isLazy = false
        /// Whether small ones come before large ones, or all in the order of their names.
        package var isSmallestFirst = true
        /// How many are loaded at a time.
        package var threads = 1
        /// What loading may take, as it is estimated.
        package var maxLoadBytes = Int.max
        /// What the numbers of all loaded models may take.
        package var maxModelBytes = Int.max
        /// How long a folder must be left alone before it is read.
        package var settle: Duration = .zero

        package init() {}
    }

    struct State {
        var entries: [String: ModelEntry] = [:]
        var queue: LoadQueue
        var waiters = ModelWaiters()
        /// Models that have been let go and are held by requests.
        var leaving: [WeakModel] = []
        var isKept = false
        var isListed = false
        var isClosed = false
    }

    /// The weights folder.
    package let folder: String
    let options: Options
    let logger: Logger
    let warmUp: WarmUp
    /// Tells the engine that a network gets no further requests.
    let retire: @Sendable (ServedNetwork) -> Void
    let state: Monitor<State>
    /// Held while a network is planned, where that measures: two at a time would measure each other.
    let measuring = Mutex(())
    private let uses = Atomic(0)

    /// A registry of a folder that is not read before `load`.
    package init(
        folder: String,
        _ options: Options = Options(),
        logger: Logger = Logger(label: "martlet.registry"),
        warmUp: @escaping WarmUp = { _, _ throws(ServingError) in },
        retire: @escaping @Sendable (ServedNetwork) -> Void = { _ in }
    ) {
        self.folder = folder
        self.options = options
        self.logger = logger
        self.retire = retire
        self.warmUp = warmUp
        state = Monitor(
            State(
                queue: LoadQueue(
                    threads: options.threads,
                    maxBytes: options.maxLoadBytes,
                    order: options.isSmallestFirst ? .smallestFirst : .asListed
                )
            )
        )
    }

    /// The names of a folder's models; nothing of them is read.
    ///
    /// - Throws: `SystemError` when the folder itself cannot be read.
    package static func modelNames(in folder: String) throws(SystemError) -> [String] {
        try ModelFolders.scan(folder, logger: Logger(label: "martlet.registry")).map(\.name)
    }

    /// The folder that a model's version was loaded from.
    ///
    /// - Throws: `SystemError` when it is not there any more.
    package static func path(of model: Model, in folder: String) throws(SystemError) -> String {
        let found = try ModelFolders.scan(folder, logger: Logger(label: "martlet.registry"))
        let versions = found.first { $0.name == model.name }?.versions ?? []
        return versions.first { $0.name == model.version }?.path ?? "\(folder)/\(model.name)"
    }

    /// Finds the models of the folder and lists those whose name `isWanted` as loading.
    ///
    /// - Returns: their names.
    /// - Throws: `SystemError` when the folder itself cannot be read.
    @discardableResult
    package func list(_ isWanted: (String) -> Bool = { _ in true }) throws(SystemError) -> [String] {
        let found = try scan().filter { isWanted($0.name) }
        state.withLock { state in
            for model in found where state.entries[model.name] == nil {
                let versions = model.versions.map { version in
                    var entry = ModelEntry.Version(version.name, options.isLazy ? .unloaded : .loading)
                    entry.isOnDemand = options.isLazy
                    return entry
                }
                state.entries[model.name] = ModelEntry(name: model.name, versions: versions)
            }
            state.isListed = true
        }
        return found.map(\.name)
    }

    /// Lists the models of the folder whose name `isWanted`, loads them, and waits until that is done.
    ///
    /// - Throws: `SystemError` when the folder itself cannot be read.
    package func load(_ isWanted: (String) -> Bool = { _ in true }) throws(SystemError) {
        let names = try list(isWanted)
        let done = Monitor(false)
        refresh(names, isForced: false, isQuiet: false) { _ in done.signal { $0 = true } }
        _ = done.wait { $0 ? true : nil }
    }

    /// Ends what waits for folders and models; loads that run go on to their end.
    package func close() {
        let waiters = state.signal { state in
            state.isClosed = true
            return state.waiters.takeAll()
        }
        for waiter in waiters { waiter.resume(.failure(.draining)) }
    }

    func scan() throws(SystemError) -> [ModelFolders.Found] { try ModelFolders.scan(folder, logger: logger) }
}

/// What operators ask for.
extension Registry {
    /// Looks through the folder for what has changed, as SIGHUP asks for.
    ///
    /// New versions and changed ones are loaded beside those that answer and put in their place; what is gone is let go, and
    /// what is as it was is not touched.
    /// - Parameter name: of the one model to look at; nil looks at all. A model that an operator has unloaded stays so.
    /// - Returns: what became of each version, once all is done; what was replaced may still answer its last requests.
    /// - Throws: `SystemError` when the folder cannot be read.
    package func reload(_ name: String? = nil) async throws(SystemError) -> [ModelChange] {
        let names = try names(of: name)
        return await withCheckedContinuation { continuation in
            refresh(names, isForced: false, isQuiet: true) { continuation.resume(returning: $0) }
        }
    }

    /// The same for a thread: calls back when all is done.
    ///
    /// - Throws: `SystemError` when the folder cannot be read; `completion` is not called then.
    package func reload(then completion: @escaping @Sendable ([ModelChange]) -> Void) throws(SystemError) {
        refresh(try names(of: nil), isForced: false, isQuiet: true, completion)
    }

    /// The models in the folder or the table, of one name or all.
    private func names(of name: String?) throws(SystemError) -> [String] {
        let known = state.withLock { Array($0.entries.keys) }
        return Set(try scan().map(\.name) + known).filter { name == nil || $0 == name }.sorted()
    }

    /// Loads the wanted versions of a model, also of one that was unloaded, and what has changed of one that is loaded.
    ///
    /// - Returns: what became of each version.
    /// - Throws: `ServingError` 404 when there is no such model.
    package func load(_ name: String) async throws(ServingError) -> [ModelChange] {
        try await check(name)
        return await withCheckedContinuation { continuation in
            refresh([name], isForced: true, isQuiet: true) { continuation.resume(returning: $0) }
        }
    }

    /// Lets go of all versions of a model until somebody asks for it to be loaded.
    ///
    /// - Returns: what became of each version; requests in flight are still answered.
    /// - Throws: `ServingError` 404 when there is no such model.
    package func unload(_ name: String) async throws(ServingError) -> [ModelChange] {
        _ = try entry(named: name)
        return await withCheckedContinuation { continuation in
            enqueue(.unload, [name: 0], isQuiet: false) { continuation.resume(returning: $0) }
        }
    }

    private func check(_ name: String) async throws(ServingError) {
        let names = ((try? scan()) ?? []).map(\.name) // a folder that cannot be read has none
        let known = state.withLock { Array($0.entries.keys) }
        guard !names.contains(name), !known.contains(name) else { return }
        throw .unknownModel(name, nearest: nearestName(to: name, in: names + known))
    }
}

/// What requests ask for.
extension Registry {
    /// Whether the folder was looked through, so that every model of it is in the listing.
    package var isListed: Bool { state.withLock(\.isListed) }

    /// All models by name.
    package func models() -> [ModelEntry] {
        state.withLock { Array($0.entries.values) }.sorted { $0.name < $1.name }
    }

    /// How many versions are in each state.
    package func counts() -> [ModelEntry.State: Int] {
        state.withLock { state in
            state.entries.values.flatMap(\.versions).reduce(into: [:]) { $0[$1.state, default: 0] += 1 }
        }
    }

    /// One model.
    ///
    /// - Throws: `ServingError` with status 404 when there is none of that name, or it has no such version.
    package func entry(named name: String, version: String? = nil) throws(ServingError) -> ModelEntry {
        guard let entry = state.withLock({ $0.entries[name] }) else {
            let names = state.withLock { $0.entries.keys.sorted() }
            throw .unknownModel(name, nearest: nearestName(to: name, in: names))
        }
        if let version, entry.version(version) == nil {
            throw .unknownVersion(version, of: name, known: entry.versions.map(\.version))
        }
        return entry
    }

    /// A model that can answer now: the version asked for, or the highest that is ready.
    ///
    /// - Throws: `ServingError` 404 when it is not there, 503 when it failed to load or is not loaded.
    package func model(named name: String, version: String? = nil) throws(ServingError) -> Model {
        if let model = try readyModel(named: name, version: version) { return model }
        throw Self.refusal(of: try wanted(name, version), named: name)
    }

    /// A model that can answer now; nil when a request for it has it loaded.
    ///
    /// - Throws: as `model(named:version:)`.
    package func readyModel(named name: String, version: String? = nil) throws(ServingError) -> Model? {
        let ready = state.withLock { $0.entries[name]?.readyModel(version) }
        if let ready {
            if options.maxModelBytes < .max { note(ready) }
            return ready
        }
        let wanted = try wanted(name, version)
        if wanted.model == nil, !wanted.isOnDemand { throw Self.refusal(of: wanted, named: name) }
        return wanted.model
    }

    /// A model that can answer, loaded for that if need be; no thread waits for it.
    ///
    /// - Throws: as `model(named:version:)`; 503 with `Retry-After` when it is not loaded in the request's time.
    package func model(
        named name: String,
        version: String? = nil,
        _ context: RequestContext
    ) async throws(ServingError) -> Model {
        if let model = try readyModel(named: name, version: version) { return model }
        let wanted = try wanted(name, version).version
        let result = await withCheckedContinuation { continuation in
            wait(for: wanted, of: name, context) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Takes note that a model is used now.
    func note(_ model: Model) {
        model.lastUse.store(uses.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
    }

    private func wanted(_ name: String, _ version: String?) throws(ServingError) -> ModelEntry.Version {
        let entry = try entry(named: name, version: version)
        return version.flatMap(entry.version) ?? entry.current
    }

    static func refusal(of version: ModelEntry.Version, named name: String) -> ServingError {
        switch version.state {
        case .failed: .modelFailed(name, version: version.version, reason: version.reason ?? "unknown")
        case .unloaded where !version.isOnDemand: .modelUnloaded(name, version: version.version)
        default: .modelLoading(name, version: version.version)
        }
    }
}
