internal import Models
internal import Platform
internal import Support
internal import Tensors
internal import Zoo

/// Finds out which files of a repository make a model, and whether it is one that can be served.
struct RepositoryPlan {
    let id: String
    let revision: String
    let endpoint: WebAddress
    let fetcher: Fetcher

    private static let maxListingBytes = 64 << 20
    private static let maxTextBytes = 64 << 20

    private var what: String { revision == "main" ? id : "\(id)@\(revision)" }

    /// - Throws: `PullError`, and what is wrong with the model's description.
    func plan(model: String, path: String, network: Architecture?) throws -> PullPlan {
        let snapshot = try snapshot()
        let description = try description(snapshot, network)
        let index = try weightsFile(snapshot, named: description.weights)
        var texts = description.texts
        var weights: [RemoteFile] = []
        for name in try names(index, in: snapshot, &texts) { weights.append(try remote(name, snapshot)) }
        return PullPlan(
            model: model,
            path: path,
            source: snapshot.id,
            revision: snapshot.commit,
            licence: snapshot.licence,
            page: "\(endpoint)/\(snapshot.id)",
            architecture: description.architecture,
            texts: texts,
            weights: weights
        )
    }

    private func snapshot() throws -> Snapshot {
        let encoded = revision.split(separator: "/").joined(separator: "%2F")
        let address = try address("api/models/\(id)/revision/\(encoded)?blobs=true")
        let bytes: [UInt8]
        do {
            bytes = try self.bytes(what, address, Self.maxListingBytes)
        } catch PullError.notFound {
            throw PullError.notFound(what, hint: nearest())
        } catch PullError.unauthorized(_, hasToken: let hasToken) {
            // Hugging Face does not tell strangers whether something is there.
            let hint = nearest()
            if !hint.isEmpty { throw PullError.notFound(what, hint: hint) }
            throw PullError.unauthorized(what, hasToken: hasToken)
        }
        do {
            return try Snapshot(parsing: bytes)
        } catch {
            throw PullError.answer(host: endpoint.host, "\(error)")
        }
    }

    /// `; did you mean 'timm/resnet50.a1_in1k'?`, where the hub knows a name like it.
    private func nearest() -> String {
        let parts = id.split(separator: "/")
        guard parts.count == 2 else { return "" }
        let stem = parts[1].prefix { $0 != "." }
        guard let address = try? address("api/models?author=\(parts[0])&search=\(stem)&limit=100"),
            let bytes = try? bytes(what, address, Self.maxListingBytes), // it only adds to the message
            case .array(let elements)? = try? JSONValue(parsing: bytes)
        else { return "" }
        let names = elements.compactMap { element -> String? in
            guard case .object(let object) = element, case .string(let id)? = object["id"] else { return nil }
            return id
        }
        return nearestName(to: id, in: names).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// What describes the model, and what it needs beside its weights.
    private struct Description {
        let architecture: String
        /// What it calls the file of weights; nil leaves it to what is there.
        let weights: String?
        var texts: [(name: String, bytes: [UInt8])]
    }

    private func description(_ snapshot: Snapshot, _ network: Architecture?) throws -> Description {
        if let network {
            let name = FileChoice.weights(nil, among: snapshot.files.keys)
            let bytes = try GeneratedManifest.bytes(
                for: network,
                weights: name ?? "model.safetensors",
                source: snapshot.id
            )
            return Description(architecture: network.name, weights: nil, texts: [("model.json", bytes)])
        }
        if snapshot.files["model.json"] != nil {
            let bytes = try text("model.json", snapshot)
            let manifest = try checked(snapshot) { try Manifest(parsing: bytes) }
            var description = Description(
                architecture: manifest.architecture,
                weights: manifest.weights,
                texts: [("model.json", bytes)]
            )
            for name in manifest.textFiles { description.texts.append((name, try text(name, snapshot))) }
            return description
        }
        guard snapshot.files["config.json"] != nil else {
            throw PullError.unusable(
                snapshot.id,
                "it has neither timm's config.json nor a model.json: say with --architecture which network it is"
            )
        }
        let bytes = try text("config.json", snapshot)
        let manifest = try checked(snapshot) { try TimmConfiguration.manifest(parsing: bytes) }
        var description = Description(
            architecture: manifest.architecture,
            weights: nil,
            texts: [("config.json", bytes)]
        )
        if snapshot.files["labels.txt"] != nil {
            description.texts.append(("labels.txt", try text("labels.txt", snapshot)))
        }
        return description
    }

    /// Reads a description, and requires that its network is one that is served here.
    private func checked(_ snapshot: Snapshot, _ read: () throws -> Manifest) throws -> Manifest {
        do {
            let manifest = try read()
            _ = try Architecture.named(manifest.architecture)
            return manifest
        } catch {
            throw PullError.unusable(snapshot.id, "\(error)")
        }
    }

    private func weightsFile(_ snapshot: Snapshot, named name: String?) throws -> String {
        if let file = FileChoice.weights(name, among: snapshot.files.keys) { return file }
        let wanted = name.map { "no '\($0)'" } ?? "neither model.safetensors nor pytorch_model.bin"
        let found = snapshot.files.keys.sorted().prefix(10).joined(separator: ", ")
        throw PullError.unusable(snapshot.id, "it has \(wanted), but \(found.isEmpty ? "no files" : found)")
    }

    /// The files of weights: the one, or those that an index names; the index is one of the texts then.
    private func names(
        _ file: String,
        in snapshot: Snapshot,
        _ texts: inout [(name: String, bytes: [UInt8])]
    ) throws -> [String] {
        guard WeightsFile.isIndex(file) else { return [file] }
        let bytes = try text(file, snapshot)
        texts.append((file, bytes))
        do {
            return try FileChoice.shards(parsing: bytes)
        } catch {
            throw PullError.unusable(snapshot.id, "\(file): \(error)")
        }
    }

    private func remote(_ name: String, _ snapshot: Snapshot) throws -> RemoteFile {
        guard let file = snapshot.files[name] else {
            throw PullError.unusable(snapshot.id, "its index names '\(name)', which is not there")
        }
        return RemoteFile(
            name: name,
            address: try address("\(snapshot.id)/resolve/\(snapshot.commit)/\(name)"),
            size: file.size,
            sha256: file.sha256,
            identity: file.sha256 ?? file.tag ?? "\(snapshot.id) \(snapshot.commit)"
        )
    }

    private func text(_ name: String, _ snapshot: Snapshot) throws -> [UInt8] {
        let file = try remote(name, snapshot)
        let bytes = try bytes("\(snapshot.id)/\(name)", file.address, Self.maxTextBytes)
        if let size = file.size, size != bytes.count {
            throw PullError.wrongSize(name, expected: size, found: bytes.count)
        }
        if let expected = file.sha256 {
            let found = hexadecimal(SHA256.digest(bytes))
            guard found == expected else { throw PullError.wrongHash(name, expected: expected, found: found) }
        }
        return bytes
    }

    private func address(_ path: String) throws(PullError) -> WebAddress {
        guard let address = WebAddress("\(endpoint)/\(path)") else {
            throw .source(id, expected: "a repository such as timm/resnet50.a1_in1k")
        }
        return address
    }

    /// A small resource.
    private func bytes(_ what: String, _ address: WebAddress, _ maxBytes: Int) throws -> [UInt8] {
        final class Body { var bytes: [UInt8] = [] }
        return try fetcher.retrying(what, at: address) {
            let body = Body()
            _ = try fetcher.once(address) { _, bytes in
                guard body.bytes.count + bytes.count <= maxBytes else {
                    throw PullError.answer(
                        host: address.host,
                        "it sends more than \(maxBytes >> 20) MiB for \(what)"
                    )
                }
                for index in bytes.indices { body.bytes.append(bytes[index]) }
            }
            return body.bytes
        }
    }
}
