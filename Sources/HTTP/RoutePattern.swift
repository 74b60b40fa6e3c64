/// A path with named holes, such as `/v1/models/{model}/versions/{version}:classify`.
///
/// A hole is filled by one or more characters other than `/` and `:`, so that `{model}:classify` and
/// `{model}` never match the same path. A path is bytes: what only looks alike, or is the same text to Unicode, does
/// not fit, for a proxy's rule would not see it either.
struct RoutePattern: Hashable, Sendable {
    /// One stretch between slashes: a text before the hole, its name and a text after it, or just a text.
    private struct Segment: Hashable, Sendable {
        var prefix: [UInt8]
        var name: String?
        var suffix: [UInt8]
    }

    let text: String
    private let segments: [Segment]

    /// Parses a pattern; a mistake in one is a mistake in the program.
    init(_ text: String) {
        precondition(text.utf8.first == UInt8(ascii: "/"), "route '\(text)' does not begin with a slash")
        self.text = text
        segments = Self.split(text).map { segment in
            guard let open = segment.firstIndex(of: UInt8(ascii: "{")) else {
                return Segment(prefix: Array(segment), name: nil, suffix: [])
            }
            guard let close = segment.firstIndex(of: UInt8(ascii: "}")), open < close else {
                preconditionFailure("route '\(text)' has an open brace")
            }
            return Segment(
                prefix: Array(segment[..<open]),
                name: String(Substring(segment[segment.index(after: open)..<close])),
                suffix: Array(segment[segment.index(after: close)...])
            )
        }
    }

    /// What stands between the slashes of a path that begins with one.
    static func split(_ path: String) -> [Substring.UTF8View] {
        path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }

    /// The holes' contents, or nil when the path does not fit.
    func match(_ path: [Substring.UTF8View]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, text) in zip(segments, path) {
            guard let name = segment.name else {
                guard text.elementsEqual(segment.prefix) else { return nil }
                continue
            }
            guard text.count > segment.prefix.count + segment.suffix.count, text.starts(with: segment.prefix),
                text.suffix(segment.suffix.count).elementsEqual(segment.suffix)
            else { return nil }
            let value = text.dropFirst(segment.prefix.count).dropLast(segment.suffix.count)
            guard !value.contains(UInt8(ascii: ":")) else { return nil }
            parameters[name] = String(Substring(value))
        }
        return parameters
    }

    /// The pattern with its holes filled from a path that does not quite fit, as a suggestion.
    func filled(from path: [Substring.UTF8View]) -> String {
        guard path.count == segments.count else { return text }
        return zip(segments, path).map { segment, text in
            guard let name = segment.name else {
                return "/\(String(decoding: segment.prefix, as: UTF8.self))"
            }
            let value = Substring(text.prefix { $0 != UInt8(ascii: ":") })
            let (prefix, suffix) = (segment.prefix, segment.suffix)
            return "/\(String(decoding: prefix, as: UTF8.self))\(value.isEmpty ? "{\(name)}" : value)"
                + String(decoding: suffix, as: UTF8.self)
        }.joined()
    }

    /// Whether `other` matches some of the paths that this matches, and only this all of them.
    func isMoreGeneral(than other: RoutePattern) -> Bool {
        segments.count == other.segments.count && holes > other.holes
    }

    private var holes: Int { segments.count { $0.name != nil } }
}
