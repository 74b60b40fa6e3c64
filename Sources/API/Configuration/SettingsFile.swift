internal import Platform

/// The YAML file of settings: one `name: value` a line, with comments.
///
/// Settings have no structure, so neither has the file: a value is plain, in single or in double quotes, and ends with its
/// line. Whatever is read is read as any YAML reader would; lists, mappings, anchors, tags, block texts and values over
/// several lines are refused, with their line.
/// - Source: YAML 1.2.2, §5.7 (escapes), §7.3 (flow scalars), §9.1 (documents).
struct SettingsFile {
    /// The values by the names of their settings.
    private(set) var values: [String: String] = [:]
    private let path: String
    private var line = 0

    /// Reads a file's text.
    ///
    /// - Parameters:
    ///   - text: what the file holds.
    ///   - path: the file, for messages.
    /// - Throws: `ConfigurationError` with the line that is no setting.
    init(_ text: String, path: String) throws(ConfigurationError) {
        self.path = path
        var (hasBegun, hasEnded) = (false, false)
        for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            self.line += 1
            var bytes = Array(line)[...]
            if self.line == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw notYAML("a control character")
            }
            if Self.isBlank(bytes) { continue }
            guard !hasEnded else { throw fault("expected nothing after the end of the document") }
            if Self.isMarker(bytes, "---"), !hasBegun {
                hasBegun = true
            } else if Self.isMarker(bytes, "...") {
                hasEnded = true
            } else {
                hasBegun = true
                try readSetting(bytes)
            }
        }
    }

    private mutating func readSetting(_ bytes: ArraySlice<UInt8>) throws(ConfigurationError) {
        guard let first = bytes.first, !"-[{?".utf8.contains(first) else {
            throw ConfigurationError("\(path): expected a mapping of settings to values")
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            case let name = bytes[..<colon], !name.isEmpty,
            name.allSatisfy({ Self.isNameByte($0) })
        else {
            throw fault("expected the name of a setting at the start of the line, then ': ' and its value")
        }
        let setting = String(decoding: name, as: UTF8.self)
        let rest = bytes[(colon + 1)...]
        guard rest.first?.isBlank ?? true else {
            throw fault("\(setting): expected a space after ':'")
        }
        let value = try value(Self.trimmed(rest), of: setting)
        guard values.updateValue(value, forKey: setting) == nil else {
            throw fault("\(setting) is given twice")
        }
    }

    private func value(_ bytes: ArraySlice<UInt8>, of setting: String) throws(ConfigurationError) -> String {
        guard let first = bytes.first, first != UInt8(ascii: "#"), !Self.indicators.contains(first) else {
            throw fault("\(setting): expected a plain value")
        }
        if first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") { return try quoted(bytes) }
        if "-?:".utf8.contains(first), bytes.count == 1 || bytes[bytes.startIndex + 1].isBlank {
            throw fault("\(setting): expected a plain value")
        }
        var end = bytes.endIndex
        for index in bytes.indices.dropFirst() {
            if bytes[index] == UInt8(ascii: "#"), bytes[index - 1].isBlank {
                end = index
                break
            }
            if bytes[index].isBlank, bytes[index - 1] == UInt8(ascii: ":") {
                throw notYAML("a second ': '")
            }
        }
        let plain = Self.trimmed(bytes[..<end])
        guard plain.last != UInt8(ascii: ":") else { throw notYAML("a value that ends in ':'") }
        let text = String(decoding: plain, as: UTF8.self)
        guard !["~", "null", "Null", "NULL"].contains(text) else {
            throw fault("\(setting): expected a plain value")
        }
        return text
    }

    /// A text in quotes, behind which only a comment may stand.
    private func quoted(_ bytes: ArraySlice<UInt8>) throws(ConfigurationError) -> String {
        let quote = bytes[bytes.startIndex]
        var rest = bytes.dropFirst()
        var text: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                text += try escaped(&rest)
            } else if byte != quote {
                text.append(byte)
            } else if quote == UInt8(ascii: "'"), rest.first == quote {
                text.append(quote)
                rest = rest.dropFirst()
            } else {
                guard Self.isBlank(rest), rest.first?.isBlank ?? true else {
                    throw notYAML("something behind a closing quote")
                }
                return String(decoding: text, as: UTF8.self)
            }
        }
        throw notYAML("a quote that is not closed in its line")
    }

    private func escaped(_ rest: inout ArraySlice<UInt8>) throws(ConfigurationError) -> [UInt8] {
        guard let byte = rest.popFirst() else { throw notYAML("a quote that is not closed in its line") }
        if let plain = Self.escapes[byte] { return [plain] }
        let digits = [UInt8(ascii: "x"): 2, UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8][byte]
        guard let digits, rest.count >= digits, rest.prefix(digits).allSatisfy(\.isHex),
            let code = UInt32(String(decoding: rest.prefix(digits), as: UTF8.self), radix: 16),
            let scalar = Unicode.Scalar(code)
        else { throw notYAML("an unknown escape") }
        rest = rest.dropFirst(digits)
        return Array(String(scalar).utf8)
    }

    private func fault(_ message: String) -> ConfigurationError {
        ConfigurationError("\(path):\(line): \(message)")
    }

    /// The message never has the value: it may be a secret.
    private func notYAML(_ found: String) -> ConfigurationError {
        ConfigurationError("\(path): not YAML: line \(line) has \(found)")
    }
}

/// The classes of bytes.
extension SettingsFile {
    /// What begins a value that is not plain.
    private static let indicators = Array("[]{},&*!|>%@`".utf8)

    // swift-format-ignore
    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "0"): 0, UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, 9: 9, UInt8(ascii: "n"): 10,
        UInt8(ascii: "v"): 11, UInt8(ascii: "f"): 12, UInt8(ascii: "r"): 13, UInt8(ascii: "e"): 27, UInt8(ascii: " "): 32,
        UInt8(ascii: "\""): 34, UInt8(ascii: "/"): 47, UInt8(ascii: "\\"): 92,
    ]

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isLetter || byte.isDigit || "_-.".utf8.contains(byte)
    }

    /// Whether there is nothing but spaces and a comment.
    private static func isBlank(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.first { !$0.isBlank }.map { $0 == UInt8(ascii: "#") } ?? true
    }

    private static func isMarker(_ bytes: ArraySlice<UInt8>, _ marker: String) -> Bool {
        guard bytes.starts(with: marker.utf8) else { return false }
        let rest = bytes.dropFirst(marker.utf8.count)
        return isBlank(rest) && (rest.first?.isBlank ?? true)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let start = bytes.drop(while: \.isBlank)
        return start[..<(start.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? start.startIndex)]
    }
}
