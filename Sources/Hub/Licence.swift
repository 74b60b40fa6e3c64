internal import Support

/// The licence that a model's card states, and what is to be said about it.
package struct Licence: Sendable, Equatable {
    /// As the card has it, such as `apache-2.0`; nil where it says nothing.
    package let name: String?
    /// Where its text is, if the card says.
    package let link: String?

    /// Those of the hub's identifiers that let anybody use what they are given for, whatever it is for.
    private static let free: Set<String> = [
        "apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "isc", "zlib",
        "unlicense",
        "wtfpl", "cc0-1.0", "pddl", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "odc-by", "odbl", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "mpl-2.0",
        "epl-1.0",
        "epl-2.0", "eupl-1.1", "eupl-1.2", "ecl-2.0", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1",
        "lgpl-3.0",
        "agpl-3.0", "artistic-2.0", "afl-3.0", "bsl-1.0", "ms-pl", "ncsa", "osl-3.0", "postgresql", "ofl-1.1",
    ]

    package init(name: String?, link: String? = nil) {
        self.name = name
        self.link = link
    }

    /// Reads what the hub's listing says of a repository: its card, else its tags.
    init(card: JSONObject?, tags: [String]) {
        let stated = Self.text(card?["license"])
        let tag = tags.first { $0.hasPrefix("license:") }.map { String($0.dropFirst("license:".count)) }
        let name = stated ?? tag
        // `other` is explained in a field of its own.
        self.name = name == "other" ? Self.text(card?["license_name"]) ?? name : name
        link = Self.text(card?["license_link"])
    }

    private static func text(_ value: JSONValue?) -> String? {
        switch value {
        case .string(let text) where !text.isEmpty: text
        case .array(let elements): text(elements.first)
        default: nil
        }
    }

    /// What a person should know before using the model; nil where there is nothing.
    package func warning(page: String) -> String? {
        guard let name, name != "unknown" else {
            return "no licence is stated at \(page): whether you may use it is for its authors to say"
        }
        guard !Self.free.contains(name.lowercased()) else { return nil }
        return "its licence '\(name)' may not allow every use; read it at \(link ?? page)"
    }
}
