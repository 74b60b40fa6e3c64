package import Logging
package import Platform
internal import Support

/// Has models loaded when somebody has written them: on the file that is written last, `model.json`.
///
/// Of a model that works nothing else counts, so that a folder may be filled in any order before that. One that does not is
/// looked at again with every file. What is deleted goes on answering until somebody asks for a reload.
package final class ModelWatch: Sendable {
    private let registry: Registry
    private let watch: FolderWatch
    private let logger: Logger
    private let threads = ThreadGroup()

    /// Watches a registry's folder until `close`.
    ///
    /// - Throws: `SystemError` when the folder cannot be watched.
    package init(_ registry: Registry, logger: Logger) throws(SystemError) {
        self.registry = registry
        self.logger = logger
        watch = try FolderWatch()
        let root = try watch.add(registry.folder)
        try threads.start(name: "watch") { [self] in run(root) }
    }

    /// Ends the watch.
    package func close() {
        watch.end()
        threads.join()
    }

    private func run(_ root: Int32) {
        var models: [Int32: String] = [:]
        var changed = addFolders(&models)
        while true {
            if !changed.isEmpty {
                registry.refresh(changed.sorted(), isForced: false, isQuiet: true) { _ in }
            }
            do throws(SystemError) {
                guard let events = try watch.next() else { return }
                changed = Set(events.all.compactMap { model(of: $0, models) })
                let hasFolders = events.all.contains { $0.isFolder }
                // What was written into a folder before it was watched was not told.
                if hasFolders || events.isOverflown { changed.formUnion(addFolders(&models)) }
                if events.isOverflown { changed.formUnion(models.values) }
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
    private func addFolders(_ models: inout [Int32: String]) -> Set<String> {
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
        for name in names(in: registry.folder) where ModelFolders.isModelName(name) {
            add("\(registry.folder)/\(name)", of: name)
            for version in names(in: "\(registry.folder)/\(name)")
            where ModelFolders.versionNumber(version) != nil {
                add("\(registry.folder)/\(name)/\(version)", of: name)
            }
        }
        return new
    }

    private func names(in path: String) -> [String] {
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
