internal import Support
internal import Tensors

/// A repository of a hub at one commit: its files, and what its card says.
///
/// - Source: huggingface.co/docs/hub/api, `GET /api/models/{repo}/revision/{revision}?blobs=true`.
struct Snapshot: Sendable, Equatable {
    /// A file as the hub lists it.
    struct File: Sendable, Equatable {
        let name: String
        /// In bytes; nil where the hub does not say.
        var size: Int?
        /// Of large files, in hexadecimal digits.
        var sha256: String?
        /// What tells its contents from others.
        var tag: String?
    }

    /// The name, as the hub has it now: repositories are renamed.
    let id: String
    /// What the revision stands for.
    let commit: String
    /// By name; those that lie in folders are left out.
    let files: [String: File]
    let licence: Licence

    /// Reads the hub's answer.
    ///
    /// - Throws: `FormatError` with what is wrong and where.
    init(parsing bytes: [UInt8]) throws {
        let fields = try JSONReader(try JSONValue(parsing: bytes)).members()
        id = try fields.optional("id")?.string() ?? fields.required("modelId").string()
        commit = try fields.required("sha").string()
        guard 7...64 ~= commit.utf8.count, commit.allSatisfy(\.isHexDigit) else {
            throw FormatError("sha", "expected the hash of a commit, found '\(commit)'")
        }
        var files: [String: File] = [:]
        for sibling in try fields.required("siblings").array() {
            let entry = try sibling.members()
            let name = try entry.required("rfilename").string()
            // What lies in folders, and what has a name that is a way, is nothing that is pulled.
            guard !name.isEmpty, name.utf8.allSatisfy(\.isPlain), name != ".", name != ".." else { continue }
            files[name] = try Self.file(name, entry)
        }
        self.files = files
        var tags: [String] = []
        if let reader = fields.optional("tags") {
            for tag in try reader.array() { tags.append(try tag.string()) }
        }
        let card =
            if case .object(let object)? = fields.object["cardData"] { object } else { JSONObject?.none }
        licence = Licence(card: card, tags: tags)
    }

    private static func file(_ name: String, _ entry: JSONFields) throws -> File {
        var file = File(name: name)
        if let reader = entry.optional("size"), reader.value != .null {
            file.size = try reader.integer(in: 0...(1 << 45))
        }
        if case .string(let tag)? = entry.object["blobId"] { file.tag = tag }
        guard case .object(let lfs)? = entry.object["lfs"] else { return file }
        if case .string(let hash)? = lfs["sha256"] ?? lfs["oid"] {
            let digits = hash.hasPrefix("sha256:") ? String(hash.dropFirst(7)) : hash
            guard digits.utf8.count == 64, digits.allSatisfy(\.isHexDigit) else {
                throw FormatError("siblings", "'\(name)' has a SHA-256 that is none: '\(hash)'")
            }
            file.sha256 = digits.lowercased()
        }
        return file
    }
}

/// Which files of a repository make a model.
enum FileChoice {
    /// The file with the weights, or with the index of several.
    ///
    /// - Parameters:
    ///   - name: what the model's description names; nil for what is there.
    ///   - names: those of the repository.
    /// - Returns: nil where there is none.
    static func weights(_ name: String?, among names: some Collection<String>) -> String? {
        if let name { return names.first { $0 == name } }
        return WeightsFile.names.first { names.contains($0) }
    }

    /// The files that an index names, in their order.
    ///
    /// - Throws: `FormatError` for what is no index.
    static func shards(parsing bytes: [UInt8]) throws -> [String] {
        let map = try JSONReader(try JSONValue(parsing: bytes)).members().required("weight_map").members()
        var names: Set<String> = []
        for member in map.object.members {
            guard case .string(let name) = member.value, !name.isEmpty, name.utf8.allSatisfy(\.isPlain),
                name != "..",
                name != "."
            else { throw FormatError("weight_map", "expected names of files, found \(member.value.text)") }
            names.insert(name)
        }
        guard 1...10_000 ~= names.count else {
            throw FormatError("weight_map", "expected 1 to 10000 files, found \(names.count)")
        }
        return names.sorted()
    }
}
