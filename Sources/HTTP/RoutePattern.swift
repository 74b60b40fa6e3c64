/// A path with named holes, such as `/v1/models/{model}/versions/{version}:classify`.
///
/// A hole is filled by one or more characters other than `/` and `:`, so that `{model}:classify` and
/// `{model}` never match the same path.
struct RoutePattern: Hashable, Sendable {
    /// One stretch between slashes: a text before the hole, its name and a text after it, or just a text.
    private struct Segment: Hashable, Sendable {
        var prefix: String
        var name: String?
        var suffix: String
    }

    let text: String
    private let segments: [Segment]

    /// Parses a pattern; a mistake in one is a mistake in the program.
    init(_ text: String) {
        precondition(text.hasPrefix("/"), "route '\(text)' does not begin with a slash")
        self.text = text
        segments = Self.split(text).map { segment in
            guard let open = segment.firstIndex(of: "{") else {
                return Segment(prefix: String(segment), name: nil, suffix: "")
            }
            guard let close = segment.firstIndex(of: "}"), open < close else {
                preconditionFailure("route '\(text)' has an open brace")
            }
            return Segment(
                prefix: String(segment[..<open]),
                name: String(segment[segment.index(after: open)..<close]),
                suffix: String(segment[segment.index(after: close)...])
            )
        }
    }

    static func split(_ path: String) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }

    /// The holes' contents, or nil when the path does not fit.
    func match(_ path: [Substring]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, text) in zip(segments, path) {
            guard let name = segment.name else {
                guard text == segment.prefix else { return nil }
                continue
            }
            guard text.utf8.count > segment.prefix.utf8.count + segment.suffix.utf8.count,
                text.hasPrefix(segment.prefix), text.hasSuffix(segment.suffix)
            else { return nil }
            let value = text.dropFirst(segment.prefix.count).dropLast(segment.suffix.count)
            guard !value.utf8.contains(UInt8(ascii: ":")) else { return nil }
            parameters[name] = String(value)
        }
        return parameters
    }

    /// The pattern with its holes filled from a path that does not quite fit, as a suggestion.
    func filled(from path: [Substring]) -> String {
        guard path.count == segments.count else { return text }
        return zip(segments, path).map { segment, text in
            guard let name = segment.name else { return "/\(segment.prefix)" }
            let value = text.prefix { $0 != ":" }
            return "/\(segment.prefix)\(value.isEmpty ? "{\(name)}" : value)\(segment.suffix)"
        }.joined()
    }

    /// Whether `other` matches some of the paths that this matches, and only this all of them.
    func isMoreGeneral(than other: RoutePattern) -> Bool {
        segments.count == other.segments.count && holes > other.holes
    }

    private var holes: Int { segments.count { $0.name != nil } }
}
