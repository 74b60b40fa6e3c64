internal import Models
internal import Platform
internal import Support
internal import Zoo

/// Pulls models: finds out what makes one, brings it, and puts it into the models' folder as one whole.
///
/// What has come lies in `.pull/NAME.partial` of that folder, where no daemon looks for models, until all of it is there;
/// then the folder of the model appears by one renaming. Whatever ends the process before leaves what the next one goes on
/// with, and nothing else.
package final class Puller {
    /// What is wanted.
    package struct Request: Sendable {
        package let source: String
        /// The folder of models.
        package let folder: String
        /// What to call the model; nil for the repository's name, or the architecture's.
        package var name: String?
        /// The network, where the source does not say which it is.
        package var architecture: String?
        /// Whether a model of this name that is there already is replaced.
        package var replaces = false

        package init(source: String, folder: String) {
            self.source = source
            self.folder = folder
        }
    }

    /// How patient it is; tests are less so.
    package struct Patience: Sendable {
        package var stallSeconds = 30
        package var retry = RetryPolicy()

        package init() {}
    }

    let settings: HubSettings
    let client: WebClient
    private let retry: RetryPolicy
    private let report: (PullEvent) -> Void
    private let wait: (Duration) -> Bool

    /// - Parameters:
    ///   - settings: where the hub is.
    ///   - userAgent: what servers are told who asks.
    ///   - patience: when to give up.
    ///   - isCancelled: whether everything is to end; asked once a second or more often.
    ///   - wait: waits for so long; false when everything is to end.
    ///   - report: is told what happens.
    /// - Throws: `PullError.noClient`.
    package init(
        _ settings: HubSettings,
        userAgent: String,
        patience: Patience = Patience(),
        isCancelled: @escaping () -> Bool = { false },
        wait: @escaping (Duration) -> Bool,
        report: @escaping (PullEvent) -> Void = { _ in }
    ) throws(PullError) {
        self.settings = settings
        var limits = WebClient.Limits()
        limits.stallSeconds = patience.stallSeconds
        client = try WebClient(
            limits: limits,
            userAgent: userAgent,
            certificates: settings.certificates,
            isCancelled: isCancelled
        )
        retry = patience.retry
        self.wait = wait
        self.report = report
    }

    /// Finds out what will be pulled; nothing is written.
    ///
    /// - Throws: `PullError`, and what is wrong with the model's description.
    package func plan(_ request: Request) throws -> PullPlan {
        let source = try PullSource(request.source, endpoint: settings.endpoint)
        let name = request.name ?? source.modelName ?? request.architecture ?? ""
        if case .file = source, request.architecture == nil {
            throw PullError.unusable(
                request.source,
                "a file does not say which network it is for: add --architecture NAME"
            )
        }
        guard ModelFolders.isModelName(name), name.utf8.first != UInt8(ascii: ".") else {
            throw PullError.name(name)
        }
        let path = "\(request.folder)/\(name)"
        guard request.replaces || !Folder.isTaken(path) else { throw PullError.exists(path) }
        let network = try request.architecture.map { try Architecture.named($0) }
        switch source {
        case .repository(let id, let revision):
            let fetcher = fetcher(page: "\(settings.endpoint)/\(id)")
            let planning = RepositoryPlan(
                id: id,
                revision: revision,
                endpoint: settings.endpoint,
                fetcher: fetcher
            )
            return try planning.plan(model: name, path: path, network: network)
        case .file(let address):
            guard let network else { preconditionFailure("a file without an architecture was refused above") }
            return try Self.plan(address, network, model: name, path: path)
        }
    }

    private static func plan(
        _ address: WebAddress,
        _ network: Architecture,
        model: String,
        path: String
    ) throws -> PullPlan {
        let last = address.fileName
        let endings = [".safetensors", ".pth", ".pt", ".bin"]
        let isPlain =
            !last.isEmpty && last.utf8.allSatisfy(\.isPlain) && endings.contains { last.hasSuffix($0) }
        let file = RemoteFile(
            name: isPlain ? last : "model.safetensors",
            address: address,
            sha256: RemoteFile.digits(inName: last),
            identity: address.text
        )
        let description = try GeneratedManifest.bytes(for: network, weights: file.name, source: address.text)
        return PullPlan(
            model: model,
            path: path,
            source: address.text,
            revision: nil,
            licence: nil,
            page: address.text,
            architecture: network.name,
            texts: [("model.json", description)],
            weights: [file]
        )
    }

    private func fetcher(page: String) -> Fetcher {
        Fetcher(
            client: client,
            rules: Fetcher.Rules(endpoint: settings.endpoint, token: settings.token, retry: retry),
            page: page
        ) { [report, wait] duration, reason in
            report(.waiting(duration, reason: reason))
            return wait(duration)
        }
    }

    /// Brings what a plan says and puts it in its place.
    ///
    /// - Parameters:
    ///   - plan: what to bring.
    ///   - replaces: whether a model of this name is replaced.
    /// - Returns: the files of weights.
    /// - Throws: `PullError`, `SystemError`.
    package func pull(_ plan: PullPlan, replacing replaces: Bool) throws -> [PulledFile] {
        let place = PullFolder(model: plan.path)
        guard let lock = try LockedFolder.lock(place.partial) else { throw PullError.busy(place.partial) }
        try place.clean(except: plan.weights.map(\.partialName))
        let missing = plan.weights.reduce(0) { sum, file in
            sum + max(0, (file.size ?? 0) - Download.bytesThere(of: file, in: place.partial))
        }
        let free = try Folder.freeBytes(at: place.partial)
        guard missing <= free else { throw PullError.full(place.partial, needed: missing, free: free) }
        let fetcher = fetcher(page: plan.page)
        var files: [PulledFile] = []
        for file in plan.weights {
            let download = Download(file: file, folder: place.partial, fetcher: fetcher, report: report)
            files.append(try download.run().file)
        }
        guard replaces || !Folder.isTaken(plan.path) else { throw PullError.exists(plan.path) }
        try place.put(plan, replacing: replaces)
        lock.release()
        return files
    }
}

/// Where a model is gathered, and where it is put then.
private struct PullFolder {
    /// Where the model will lie.
    let model: String
    private let folder: String
    private let gathering: String
    /// What has come of its weights.
    let partial: String
    /// The whole model, before it is renamed into its place.
    private let ready: String

    init(model: String) {
        self.model = model
        let slash = model.lastIndex(of: "/") ?? model.startIndex
        folder = String(model[..<slash])
        gathering = "\(folder)/.pull"
        // No number: a folder with one would be a version of a model.
        partial = "\(gathering)\(model[slash...]).partial"
        ready = "\(gathering)\(model[slash...]).ready"
    }

    /// Removes what is left of other files than those that are to come.
    func clean(except names: [String]) throws {
        for name in try DirectoryListing.names(in: partial) where !names.contains(where: name.hasPrefix) {
            try Folder.remove("\(partial)/\(name)")
        }
    }

    /// Makes the folder of the model, and gives it its name.
    func put(_ plan: PullPlan, replacing: Bool) throws {
        try Folder.remove(ready)
        try Folder.create(ready, mode: 0o777)
        for text in plan.texts {
            let output = try OutputFile(path: "\(ready)/\(text.name)")
            try output.write(text.bytes)
            try output.commit()
        }
        for file in plan.weights {
            try Folder.move("\(partial)/\(file.partialName)", to: "\(ready)/\(file.name)")
        }
        try Folder.keep(ready)
        try Folder.place(ready, at: model, replacing: replacing)
        try Folder.remove(partial)
        Folder.removeIfEmpty(gathering)
        try Folder.keep(folder)
    }
}
