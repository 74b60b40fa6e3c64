internal import Engine
internal import Imaging
internal import Inference
internal import Platform
package import Support

/// What the registry knows of one model: all its versions, whatever their state.
package struct ModelEntry: Sendable {
    /// Whether a version can answer.
    package enum State: String, Sendable, CaseIterable {
        case ready, loading, failed, unloaded
    }

    /// One version of a model.
    package struct Version: Sendable {
        package let version: String
        package var state: State
        /// Why it is not loaded; of one that is ready, why what lies in its folder now was not loaded in its place.
        package var reason: String?
        /// The same with everything that a sentence leaves out; nil where that is nothing.
        package var details: String?
        /// What its manifest says, once that could be read.
        package var manifest: Manifest?
        /// There when it is ready.
        package var model: Model?
        /// Whether a request that asks for it has it loaded.
        package var isOnDemand = false
        /// What its folder held when it was loaded, or failed to be.
        var stamp: FolderStamp?

        init(_ version: String, _ state: State) {
            self.version = version
            self.state = state
        }
    }

    package let name: String
    /// In increasing order; never empty.
    package internal(set) var versions: [Version]
    /// Whether an operator has unloaded it: only an operator loads it again.
    package internal(set) var isHeld = false

    /// The version that answers when a request names none: the highest that can, else the highest.
    package var current: Version {
        versions.last { $0.state == .ready || $0.isOnDemand } ?? versions[versions.count - 1]
    }

    /// The model that answers a request now, looked up for every one; nil where it has to wait or is refused.
    func readyModel(_ version: String?) -> Model? {
        let index =
            if let version {
                versions.firstIndex { $0.version == version }
            } else {
                versions.lastIndex { $0.state == .ready || $0.isOnDemand }
            }
        return index.flatMap { versions[$0].model }
    }

    /// Why other versions failed to load; nil when none did.
    package var failures: String? {
        let failed = versions.compactMap { version -> String? in
            guard version.state != .unloaded else { return nil }
            return version.reason.map { "version \(version.version) failed to load: \($0)" }
        }
        return failed.isEmpty ? nil : failed.joined(separator: "; ")
    }

    /// What the reasons of versions that failed to load leave out.
    package var details: String? {
        let details = versions.compactMap { $0.state == .failed ? $0.details : nil }
        return details.isEmpty ? nil : details.joined(separator: "; ")
    }

    /// The version with a name.
    package func version(_ name: String) -> Version? { versions.first { $0.version == name } }

    /// The label that the version with the highest number that can answer always has.
    static let latest = "latest"

    /// The version that a label names: of several the highest that can answer, else the highest.
    package func labelled(_ label: String) -> Version? {
        guard label != Self.latest else { return current }
        let labelled = versions.filter { $0.manifest?.versionLabels.contains(label) ?? false }
        return labelled.last { $0.state == .ready || $0.isOnDemand } ?? labelled.last
    }

    /// Every label that a version has.
    package var labels: [String] {
        [Self.latest] + Set(versions.flatMap { $0.manifest?.versionLabels ?? [] }).sorted()
    }

    /// How the listing shows one version.
    ///
    /// - Parameters:
    ///   - version: which; the current one when nil or unknown.
    ///   - status: the versions for TensorFlow Serving's `model_version_status`; nil leaves it out.
    /// - Returns: an object.
    package func json(version: String? = nil, status: [Version]? = nil) -> JSONValue {
        let shown = version.flatMap(self.version) ?? current
        var object = JSONObject()
        object.append("name", .string(name))
        object.append("version", .string(shown.version))
        object.append("versions", .strings(versions.map(\.version)))
        object.append("state", .string(shown.state.rawValue))
        object.append("ready", .bool(shown.state == .ready))
        object.append("reason", (shown.reason ?? failures).map(JSONValue.string))
        if let manifest = shown.manifest {
            object.append("task", .string(manifest.task.rawValue))
            object.append("architecture", .string(manifest.architecture))
            object.append("parameters", shown.model.map { .integer($0.parameterCount) })
            let classes = shown.model?.classes ?? manifest.classes
            object.append("classes", classes.flatMap { $0 > 0 ? .integer($0) : nil })
            object.append("input", manifest.inputJSON(shown.model))
            object.append(contentsOf: manifest.headJSON(shown.model))
            object.append("preprocessing", manifest.preprocessingJSON)
            object.append(contentsOf: manifest.scoring.json)
            object.append("provenance", manifest.provenance)
            let warnings = shown.model?.warnings ?? []
            object.append("warnings", warnings.isEmpty ? nil : .strings(warnings))
        }
        object.append("model_version_status", status.map { .array($0.map(\.statusJSON)) })
        return .object(object)
    }
}

extension ModelEntry.Version {
    /// The version as TensorFlow Serving's `GET /v1/models/M` shows it.
    package var statusJSON: JSONValue {
        let name =
            switch state {
            case .ready: "AVAILABLE"
            case .loading: "LOADING"
            case .unloaded where isOnDemand: "START"
            case .failed, .unloaded: "END"
            }
        let code = state == .failed ? "UNKNOWN" : "OK"
        return .object([
            "version": .string(version), "state": .string(name),
            "status": .object(["error_code": .string(code), "error_message": .string(reason ?? "")]),
        ])
    }
}

extension TensorPort {
    /// `{"name", "datatype", "shape"}`; the shape is an item's.
    fileprivate var json: JSONValue {
        .object([
            "name": .string(name), "datatype": .string(type.rawValue),
            "shape": .array(described.map(JSONValue.integer)),
        ])
    }
}

extension Manifest {
    /// What the model takes: an image or frames of a shape, tensors, or the sequence as the manifest describes it.
    fileprivate func inputJSON(_ model: Model?) -> JSONValue {
        guard let preprocessing = input.preprocessing else {
            guard case .tensors = input else { return inputSource }
            var object: JSONObject = ["kind": .string(input.kind)]
            if case .tensors(let ports)? = model?.head {
                object.append("tensors", .array(ports.inputs.map(\.json)))
            }
            return .object(object)
        }
        var object: JSONObject = [
            "kind": .string(input.kind), "color": .string(preprocessing.color.rawValue),
        ]
        let shape = model?.networks[0].graph.inputShape
        object.append("shape", shape.map { .array($0.dimensions.map(JSONValue.integer)) })
        if case .frames(let frames) = input { object.append("max_length", .integer(frames.maxLength)) }
        return .object(object)
    }

    /// What the listing says of an answer that is not of classes alone.
    fileprivate func headJSON(_ model: Model?) -> JSONObject {
        var json = JSONObject()
        json.append("boxes", boxes.map { .string($0.format.rawValue) })
        json.append("regions", regions?.json)
        json.append("nms", overlap.map(JSONValue.number))
        switch model?.head {
        case .tensors(let ports)?: json.append("outputs", .array(ports.outputs.map(\.json)))
        case .vector(let port)?: json.append("vector", .array(port.dimensions.map(JSONValue.integer)))
        case .classMap(let map)?:
            json.append("map", .array([.integer(map.height), .integer(map.width)]))
            json.append("palette", .array(map.palette.colors.map { .string($0.hexadecimal) }))
        case .boxes?, .regions?, .logits?, nil: break
        }
        if let vector, vector.normalizes { json.append("normalize", .bool(true)) }
        return json
    }

    /// The preprocessing with all its defaults spelled out; nil for sequences.
    fileprivate var preprocessingJSON: JSONValue? {
        input.preprocessing.map(ManifestPreprocessing.json)
    }
}
