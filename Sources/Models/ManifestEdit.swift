package import Support

/// Sets a number in the text of a `model.json` and leaves everything else as its author wrote it.
package enum ManifestEdit {
    /// The text with the number under a key of the outermost object: in its place where it stands there, else at the end.
    ///
    /// - Parameters:
    ///   - key: plain letters.
    ///   - number: the new value.
    ///   - text: a JSON object.
    /// - Returns: the edited text.
    /// - Throws: `FormatError` for what is no JSON object, or none any more.
    package static func setting(
        _ key: String,
        to number: Double,
        in text: [UInt8]
    ) throws(FormatError) -> [UInt8] {
        let old = try JSONReader(Manifest.document(parsing: text)).members()
        let outline = Outline(text)
        let digits = Array(JSONValue.number(number).text.utf8)
        var edited = text
        if let value = outline.value(of: key, in: text) {
            edited.replaceSubrange(value, with: digits)
        } else {
            let indent = outline.firstKey.map { Array(text[(outline.open + 1)..<$0]) } ?? []
            let comma = old.object.members.isEmpty ? [] : [UInt8(ascii: ",")]
            edited.insert(contentsOf: comma + indent + "\"\(key)\": ".utf8 + digits, at: outline.end)
        }
        let new = try JSONReader(Manifest.document(parsing: edited)).members()
        guard new.object[key] == .number(number),
            new.object.members.filter({ $0.key != key }) == old.object.members.filter({ $0.key != key })
        else { throw FormatError(key, "could not be written; write \(JSONValue.number(number).text) there") }
        return edited
    }

    /// Where the members of the outermost object of a valid JSON text are.
    private struct Outline {
        /// The opening brace.
        var open = 0
        var firstKey: Int?
        /// Behind the last member, or behind the opening brace.
        var end = 0
        /// The members' names with their quotes, and what is behind their colons.
        private var members: [(key: Range<Int>, value: Range<Int>)] = []

        init(_ text: [UInt8]) {
            open = text.firstIndex(of: UInt8(ascii: "{")) ?? 0
            end = open + 1
            var (depth, index, key, value) = (0, open, 0..<0, Int?.none)
            while index < text.count {
                var next = index + 1
                switch text[index] {
                case UInt8(ascii: "\""):
                    while text[next] != UInt8(ascii: "\"") {
                        next += text[next] == UInt8(ascii: "\\") ? 2 : 1
                    }
                    next += 1
                    if depth == 1, value == nil { key = index..<next }
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                case UInt8(ascii: ":") where depth == 1: value = next
                default: break
                }
                let isEnd = depth == 0 || depth == 1 && text[index] == UInt8(ascii: ",")
                if isEnd, let start = value {
                    members.append((key, Self.trimmed(start..<index, in: text)))
                    value = nil
                }
                if depth == 0 { break }
                index = next
            }
            firstKey = members.first?.key.lowerBound
            end = members.last?.value.upperBound ?? end
        }

        /// Where the value under a key stands.
        func value(of key: String, in text: [UInt8]) -> Range<Int>? {
            let quoted = Array("\"\(key)\"".utf8)
            return members.first { text[$0.key].elementsEqual(quoted) }?.value
        }

        private static func trimmed(_ range: Range<Int>, in text: [UInt8]) -> Range<Int> {
            let isSpace = { (index: Int) in [0x20, 0x0A, 0x0D, 0x09].contains(text[index]) }
            let start = range.first { !isSpace($0) } ?? range.upperBound
            let last = range.last { !isSpace($0) } ?? start
            return start..<max(start, last + 1)
        }
    }
}
