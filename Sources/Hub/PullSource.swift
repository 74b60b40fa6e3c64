/// What a model is pulled from.
package enum PullSource: Sendable, Equatable {
    /// A repository of a hub, `OWNER/NAME`, or `NAME` for one without an owner, at a branch, a tag or a commit.
    case repository(String, revision: String)
    /// A file of weights.
    case file(WebAddress)

    private static let expected =
        "a repository such as timm/resnet50.a1_in1k, with @REVISION if need be, or the https URL of a file"

    /// Reads what a person wrote; the address of a repository's page counts as the repository.
    ///
    /// - Parameters:
    ///   - text: on the command line.
    ///   - endpoint: where the hub is.
    /// - Throws: `PullError.source`.
    package init(_ text: String, endpoint: WebAddress) throws(PullError) {
        guard text.contains("://") else {
            self = try Self.repository(text)
            return
        }
        guard let address = WebAddress(text) else { throw .source(text, expected: Self.expected) }
        let page = endpoint.text + "/"
        let parts = text.dropFirst(page.count).split(separator: "/", omittingEmptySubsequences: false)
        if text.hasPrefix(page), parts.count == 2 || parts.count == 4 && parts[2] == "tree" {
            self = try Self.repository("\(parts[0])/\(parts[1])\(parts.count == 4 ? "@\(parts[3])" : "")")
        } else {
            self = .file(address)
        }
    }

    private static func repository(_ text: String) throws(PullError) -> PullSource {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        let revision = halves.count == 2 ? String(halves[1]) : "main"
        let isRevision =
            !revision.isEmpty && revision.utf8.allSatisfy { $0.isPlain || $0 == UInt8(ascii: "/") }
            && !revision.split(separator: "/", omittingEmptySubsequences: false).contains {
                $0.isEmpty || $0 == ".."
            }
        guard 1...2 ~= parts.count, parts.allSatisfy(isName), isRevision else {
            throw .source(text, expected: expected)
        }
        return .repository(String(halves[0]), revision: revision)
    }

    private static func isName(_ part: Substring) -> Bool {
        1...96 ~= part.utf8.count && part.utf8.allSatisfy(\.isPlain) && part.first != "." && part != ".."
    }

    /// What the model is called where nobody says.
    package var modelName: String? {
        switch self {
        case .repository(let id, _): id.split(separator: "/").last.map(String.init)
        case .file: nil
        }
    }

    package var description: String {
        switch self {
        case .repository(let id, let revision): revision == "main" ? id : "\(id)@\(revision)"
        case .file(let address): address.text
        }
    }
}
