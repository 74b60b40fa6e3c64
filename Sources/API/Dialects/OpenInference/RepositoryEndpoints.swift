internal import HTTP
internal import HTTPTypes
internal import Logging
internal import Models
internal import Platform
internal import Support

/// What operators do with models: the repository extension of the Open Inference Protocol, and a reload of everything.
extension Service {
    /// `POST /v2/repository/index`: every version with its state; `{"ready": true}` leaves out those that cannot answer.
    ///
    /// Models that lie in the folder and were never loaded have a name only.
    func indexRepository(_ call: Call) throws -> Response {
        let body = try repositoryBody(call, known: ["ready"])
        let isReadyWanted: Bool
        do throws(FormatError) {
            isReadyWanted = try JSONFields(path: "", object: body).optional("ready")?.bool() ?? false
        } catch {
            throw ServingError.badRequest(error.description, code: "invalid_parameter")
        }
        let entries = registry.models().filter { call.opens($0.name) }
        let leaving = registry.leavingVersions().filter { call.opens($0.model) }
        var index: [JSONValue] = []
        for entry in entries {
            for version in entry.versions where !isReadyWanted || version.state == .ready {
                let isLeaving = leaving.contains { $0 == (entry.name, version.version) }
                index.append(version.indexJSON(of: entry.name, isLeaving: isLeaving))
            }
        }
        // A version that is gone from its folder answers its last requests too.
        var gone: Set<[String]> = []
        for (model, version) in leaving where !isReadyWanted {
            let entry = entries.first { $0.name == model }
            guard entry?.version(version) == nil, gone.insert([model, version]).inserted else { continue }
            index.append(
                .object([
                    "name": .string(model), "version": .string(version), "state": .string("UNLOADING"),
                    "reason": .string("it answers its last requests"),
                ])
            )
        }
        let known = Set(entries.map(\.name) + leaving.map(\.model))
        // A folder that cannot be read has no models to add.
        let names = (try? Registry.modelNames(in: registry.folder)) ?? []
        for name in names where !isReadyWanted && !known.contains(name) && call.opens(name) {
            index.append(.object(["name": .string(name)]))
        }
        return Response(json: .array(index))
    }

    /// `POST /v2/repository/models/{model}/load`: loads what is new of a model, and answers when that is done.
    func loadModel(_ call: Call) async throws -> Response {
        let body = try repositoryBody(call, known: ["parameters"])
        guard body.members.isEmpty || body["parameters"] == .object([:]) else {
            let message = "parameters: a model is loaded as it lies in the server's folder; send none"
            throw ServingError.badRequest(message, code: "unsupported_parameter")
        }
        let changes = try await registry.load(call.model)
        try Self.check(changes)
        return Response(status: .ok)
    }

    /// `POST /v2/repository/models/{model}/unload`: lets go of a model; requests in flight are answered.
    func unloadModel(_ call: Call) async throws -> Response {
        // Nothing here depends on another model, so `unload_dependents` is true of every one.
        _ = try repositoryBody(call, known: ["parameters"])
        _ = try await registry.unload(call.model)
        return Response(status: .ok)
    }

    /// `POST /v1/models:reload`: looks through the folder as SIGHUP does, and answers with what became of each version.
    func reloadModels(_ call: Call) async throws -> Response {
        _ = try repositoryBody(call, known: [])
        let changes: [ModelChange]
        do throws(SystemError) {
            changes = try await registry.reload()
        } catch {
            logger.error("models not reloaded", metadata: ["reason": "\(error)"])
            throw ServingError.internalError("the folder of models cannot be read", code: "folder_unreadable")
        }
        var json: JSONObject = ["models": .array(changes.map(\.json))]
        json.append("keys", reloadKeys().map(JSONValue.string))
        return Response(json: json)
    }

    /// Reads the keys again.
    ///
    /// - Returns: what became of them: `loaded`, `failed`; nil where there are none.
    @discardableResult func reloadKeys() -> String? {
        guard access.needsKeys else { return nil }
        do {
            try access.reload()
            return "loaded"
        } catch {
            logger.error("keys not loaded; those from before go on", metadata: ["reason": "\(error)"])
            return "failed"
        }
    }

    /// The members of the body, if there is one, of a client that may ask.
    private func repositoryBody(_ call: Call, known: [String]) throws -> JSONObject {
        let isLocal = ["127.", "::1", "::ffff:127.", SocketAddress.unixName].contains {
            call.request.client.utf8.starts(with: $0.utf8)
        }
        // Whoever has the key of an operator may ask from anywhere.
        let isOperator = call.caller != nil && limits.repository != .off
        guard limits.repository == .any || isOperator || (limits.repository == .local && isLocal) else {
            let who = limits.repository == .off ? "nobody" : "clients of this machine"
            throw ServingError.forbidden(
                "only \(who) may load and unload models; see the setting repository_api"
            )
        }
        guard !call.request.body.isEmpty else { return [:] }
        return try RequestBody.object(call.request, context(of: call), known: known)
    }

    private static func check(_ changes: [ModelChange]) throws(ServingError) {
        let failures = changes.compactMap { change in
            change.failure.map {
                "version \(change.version) of model '\(change.model)' failed to load: \($0)"
            }
        }
        guard !failures.isEmpty else { return }
        throw .conflict(code: "load_failed", failures.joined(separator: "; "))
    }
}

extension ModelEntry.Version {
    /// The version as the repository's index shows it.
    fileprivate func indexJSON(of model: String, isLeaving: Bool) -> JSONValue {
        let name =
            switch state {
            case .ready: "READY"
            case .loading: "LOADING"
            case .unloaded where isLeaving: "UNLOADING"
            case .failed, .unloaded: "UNAVAILABLE"
            }
        let fallback = state == .unloaded ? isLeaving ? "it answers its last requests" : "unloaded" : ""
        return .object([
            "name": .string(model), "version": .string(version), "state": .string(name),
            "reason": .string(reason ?? fallback),
        ])
    }
}

extension ModelChange {
    fileprivate var json: JSONValue {
        let name =
            switch outcome {
            case .loaded: "loaded"
            case .unchanged: "unchanged"
            case .unloaded: "unloaded"
            case .removed: "removed"
            case .failed: "failed"
            }
        var object: JSONObject = [
            "name": .string(model), "version": .string(version), "outcome": .string(name),
        ]
        object.append("reason", failure.map(JSONValue.string))
        return .object(object)
    }
}
