package import Logging
package import Platform
internal import Support

/// Has models loaded when somebody has written them: on the file that is written last, `model.json`.
///
/// Of a model that works nothing else counts, so that a folder may be filled in any order before that. One that does not is
/// looked at again with every file. What is deleted goes on answering until somebody asks for a reload.
///
/// It sees what is written from its making on, so that it is made before the folder is read: then nothing falls between what
/// was read and what is told, and the folder need not be compared with what is loaded, which could be half written by then.
package final class ModelWatch: Sendable {
    private let registry: Registry
    private let watch: FolderWatch
    private let logger: Logger
    private let threads = ThreadGroup()
    /// The models of the folders that were there when it was made.
    private let first: [Int32: String]

    /// Watches a registry's folder.
    ///
    /// - Throws: `SystemError` when the folder cannot be watched.
    package init(_ registry: Registry, logger: Logger) throws(SystemError) {
        self.registry = registry
        self.logger = logger
        watch = try FolderWatch()
        _ = try watch.add(registry.folder)
        var models: [Int32: String] = [:]
        _ = Self.addFolders(of: registry.folder, to: watch, &models, logger)
        first = models
    }

    /// Has loaded what was written since it was made, and what is written from now on until `close`.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package func begin() throws(SystemError) {
        try threads.start(name: "watch") { [self] in run() }
    }

    /// Ends the watch.
    package func close() {
        watch.end()
        threads.join()
    }

    private func run() {
        var models = first
        while true {
            do throws(SystemError) {
                guard let events = try watch.next() else { return }
                var changed = Set(events.all.compactMap { model(of: $0, models) })
                // What was written into a folder before it was watched was not told.
                if events.isOverflown || events.all.contains(where: \.isFolder) {
                    changed.formUnion(Self.addFolders(of: registry.folder, to: watch, &models, logger))
                }
                if events.isOverflown { changed.formUnion(models.values) }
                guard !changed.isEmpty else { continue }
                registry.refresh(changed.sorted(), isForced: false, isQuiet: true) { _ in }
            } catch {
                logger.error("models are not watched any more", metadata: ["reason": "\(error)"])
                return
            }
        }
    }

    /// The model that an event may have changed; nil when that is none.
    private func model(of event: FolderWatch.Event, _ models: [Int32: String]) -> String? {
        guard let model = models[event.folder], !event.isFolder else { return nil }
        return ManifestFile(rawValue: event.name) != nil || !registry.isSound(model) ? model : nil
    }

    /// Watches the folders of models and versions that are not watched yet, and returns their models.
    private static func addFolders(
        of folder: String,
        to watch: FolderWatch,
        _ models: inout [Int32: String],
        _ logger: Logger
    ) -> Set<String> {
        var new: Set<String> = []
        func add(_ path: String, of model: String) {
            do throws(SystemError) {
                let number = try watch.add(path)
                if models.updateValue(model, forKey: number) != model { new.insert(model) }
            } catch {
                // A file, or a folder that went meanwhile.
                guard !error.isNoFolder else { return }
                logger.warning("folder not watched", metadata: ["model": "\(model)", "reason": "\(error)"])
            }
        }
        for name in names(in: folder) where ModelFolders.isModelName(name) {
            add("\(folder)/\(name)", of: name)
            for version in names(in: "\(folder)/\(name)")
            where ModelFolders.versionNumber(version) != nil {
                add("\(folder)/\(name)/\(version)", of: name)
            }
        }
        return new
    }

    private static func names(in path: String) -> [String] {
        (try? DirectoryListing.names(in: path)) ?? [] // a file has none
    }
}

extension Registry {
    /// Whether every version of a model that should answer does.
    func isSound(_ name: String) -> Bool {
        state.withLock { state in
            guard let entry = state.entries[name] else { return false }
            return entry.versions.allSatisfy { $0.reason == nil && $0.state != .failed }
        }
    }
}
