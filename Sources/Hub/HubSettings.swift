internal import Platform

/// Where the hub is and what opens it, as the environment of Hugging Face's own tools says.
///
/// - Source: huggingface.co/docs/huggingface_hub/package_reference/environment_variables.
package struct HubSettings: Sendable {
    /// `HF_ENDPOINT`, else Hugging Face.
    package let endpoint: WebAddress
    /// `HF_TOKEN`, else what `hf auth login` has kept.
    package let token: String?
    /// `SSL_CERT_FILE`, as OpenSSL has it, or curl's `CURL_CA_BUNDLE`.
    package let certificates: String?

    static let home = "https://huggingface.co"

    /// - Throws: `PullError.setting` for what cannot be meant.
    package init(environment: [String: String]) throws(PullError) {
        let given = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var text = given("HF_ENDPOINT") ?? Self.home
        while text.hasSuffix("/") { text.removeLast() }
        guard let endpoint = WebAddress(text) else {
            throw .setting("HF_ENDPOINT", "an address such as \(Self.home), found '\(text)'")
        }
        self.endpoint = endpoint
        certificates = given("SSL_CERT_FILE") ?? given("CURL_CA_BUNDLE")
        let token = given("HF_TOKEN") ?? Self.keptToken(given)
        let line = token.map { String($0.filter { !$0.isWhitespace }) }
        if let line, !line.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw .setting("HF_TOKEN", "a token of plain letters and digits")
        }
        self.token = line.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func keptToken(_ given: (String) -> String?) -> String? {
        if let flag = given("HF_HUB_DISABLE_IMPLICIT_TOKEN"),
            ["1", "ON", "YES", "TRUE"].contains(flag.uppercased())
        {
            return nil
        }
        let cache = given("XDG_CACHE_HOME") ?? given("HOME").map { "\($0)/.cache" }
        let home = given("HF_HOME") ?? cache.map { "\($0)/huggingface" }
        guard let path = given("HF_TOKEN_PATH") ?? home.map({ "\($0)/token" }),
            let bytes = try? FileContents.read(path, maxBytes: 1 << 14) // there need not be one
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
