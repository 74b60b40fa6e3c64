internal import Platform
internal import Support

/// The file of keys: `NAME: sha256:DIGEST [sha256:DIGEST] [scope=…] [models=…] [rate=…] [burst=…]`, one a line.
///
/// It is YAML, as the settings are, because a key is then one line, which `martlet key` writes, `>>` appends and a person
/// comments out. Messages never have what stands in it: somebody may have put a key where its digest belongs.
package enum KeyFile {
    private static let maxBytes = 4 << 20
    private static let words = ["scope", "models", "rate", "burst"]

    /// Reads a file.
    ///
    /// - Throws: `ConfigurationError` that says where it is no file of keys.
    static func read(_ path: String) throws(ConfigurationError) -> [AccessKey.Definition] {
        let bytes: [UInt8]
        do {
            bytes = try FileContents.read(path, maxBytes: maxBytes)
        } catch {
            throw ConfigurationError(error.description)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError("\(path): expected UTF-8 text, found other bytes")
        }
        return try keys(in: text, path: path)
    }

    /// Reads a file's text.
    package static func keys(in text: String, path: String) throws(ConfigurationError) -> [AccessKey
        .Definition]
    {
        var keys: [AccessKey.Definition] = []
        for (name, value) in try SettingsFile(text, path: path).values.sorted(by: { $0.key < $1.key }) {
            keys.append(try key(name, value, "\(path): \(name)"))
        }
        guard !keys.isEmpty else {
            throw ConfigurationError("\(path): there are no keys; martlet key makes one, and its line")
        }
        return keys
    }

    /// The line of a key.
    ///
    /// - Throws: `ConfigurationError` for a name, a scope, a pattern or a rate that the file could not have.
    package static func line(
        _ name: String,
        digest: AccessKey.Digest,
        options: [(name: String, value: String)]
    ) throws(ConfigurationError) -> String {
        let value = (["sha256:\(digest.hex)"] + options.map { "\($0.name)=\($0.value)" }).joined(
            separator: " "
        )
        let line = "\(name): \(value)"
        guard try keys(in: line, path: "the key").map(\.name) == [name] else {
            throw ConfigurationError("the key: expected a name of letters, digits, '.', '_' and '-'")
        }
        return line
    }

    private static func key(
        _ name: String,
        _ value: String,
        _ place: String
    ) throws(ConfigurationError) -> AccessKey.Definition {
        var key = AccessKey.Definition(name: name)
        var numbers: [String: Double] = [:]
        for word in value.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            if word.hasPrefix("sha256:") {
                guard let digest = AccessKey.Digest(hex: word.dropFirst("sha256:".count)) else {
                    throw ConfigurationError("\(place): expected 64 hexadecimal digits behind 'sha256:'")
                }
                key.digests.append(digest)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, case let option = String(parts[0]), words.contains(option) else {
                let known = words.map { "'\($0)=…'" }.joined(separator: ", ")
                throw ConfigurationError("\(place): expected 'sha256:' and the digest of a key, \(known)")
            }
            switch option {
            case "scope": key.scopes = try scopes(parts[1], place)
            case "models": key.models = try patterns(parts[1], place)
            default: numbers[option] = try number(parts[1], of: option, place)
            }
        }
        guard !key.digests.isEmpty else {
            throw ConfigurationError("\(place): expected 'sha256:' and the digest of a key")
        }
        if let rate = numbers["rate"] {
            key.rate = TokenBucket.Rate(perSecond: rate, burst: max(1, numbers["burst"] ?? rate.rounded(.up)))
        } else if numbers["burst"] != nil {
            throw ConfigurationError("\(place): 'burst' needs a 'rate'")
        }
        return key
    }

    private static func scopes(_ text: Substring, _ place: String) throws(ConfigurationError)
        -> Set<Endpoint.Scope>
    {
        let names = [Endpoint.Scope.infer, .admin].map(\.rawValue)
        var scopes: Set<Endpoint.Scope> = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard names.contains(String(name)), let scope = Endpoint.Scope(rawValue: String(name)) else {
                throw ConfigurationError("\(place): scope: expected \(names.joined(separator: ", "))")
            }
            scopes.insert(scope)
        }
        return scopes
    }

    private static func patterns(_ text: Substring, _ place: String) throws(ConfigurationError)
        -> [AccessKey.Pattern]
    {
        var patterns: [AccessKey.Pattern] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard !name.isEmpty,
                name.utf8.allSatisfy({ $0.isLetter || $0.isDigit || "._-*".utf8.contains($0) })
            else {
                throw ConfigurationError(
                    "\(place): models: expected names of models, in which * stands for any"
                )
            }
            patterns.append(AccessKey.Pattern(text: String(name)))
        }
        return patterns
    }

    private static func number(
        _ text: Substring,
        of option: String,
        _ place: String
    ) throws(ConfigurationError) -> Double {
        guard let number = Double(text), number >= 0.001, number <= 1_000_000 else {
            throw ConfigurationError("\(place): \(option): expected a number from 0.001 to 1000000")
        }
        return number
    }
}
