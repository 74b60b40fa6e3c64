package import Support

/// The tokens that a model of text knows, numbered from 0.
package struct Vocabulary: Sendable, Equatable {
    /// By UTF-8: two spellings of a letter that Unicode calls equivalent are two tokens.
    private let numbers: [[UInt8]: Int]
    /// The tokens in the order of their numbers.
    package let tokens: [String]
    /// How many tokens there are.
    package var count: Int { tokens.count }

    /// The number of a token.
    package subscript(token: String) -> Int? { numbers[Array(token.utf8)] }

    /// Reads a vocabulary file: one token a line, the first line is number 0.
    ///
    /// `\n`, `\t`, `\r` and `\\` stand for a newline, a tab, a carriage return and a backslash. A space at either
    /// end belongs to the token.
    /// - Throws: `FormatError` with the line for an empty or repeated token, an unknown escape, text that is not UTF-8.
    package init(parsing bytes: [UInt8], file: String) throws(FormatError) {
        let lines = try TextLines.split(bytes, file: file)
        var numbers: [[UInt8]: Int] = [:]
        var tokens: [String] = []
        for (index, line) in lines.enumerated() {
            let place = "\(file) line \(index + 1)"
            let token = try Self.unescaped(line, place)
            guard !token.isEmpty else { throw FormatError(place, "expected a token, found an empty line") }
            if let earlier = numbers.updateValue(index, forKey: Array(token.utf8)) {
                throw FormatError(place, "the token '\(line)' is already on line \(earlier + 1)")
            }
            tokens.append(token)
        }
        guard !numbers.isEmpty else { throw FormatError(file, "expected at least one token, found none") }
        self.numbers = numbers
        self.tokens = tokens
    }

    private static func unescaped(_ line: String, _ place: String) throws(FormatError) -> String {
        guard line.utf8.contains(UInt8(ascii: "\\")) else { return line }
        var token = String.UnicodeScalarView()
        var scalars = line.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "\\" else {
                token.append(scalar)
                continue
            }
            switch scalars.next() {
            case "n": token.append("\n")
            case "t": token.append("\t")
            case "r": token.append("\r")
            case "\\": token.append("\\")
            case let other:
                let found = other.map { "'\\\($0)'" } ?? "a backslash at the end"
                throw FormatError(place, "expected \\n, \\t, \\r or \\\\, found \(found)")
            }
        }
        return String(token)
    }
}

/// The lines of a text file.
enum TextLines {
    /// Splits at newlines; the last line may or may not end in one, and a carriage return before it is dropped, as is a
    /// byte-order mark at the start.
    ///
    /// - Throws: `FormatError` when the bytes are not UTF-8.
    static func split(_ bytes: [UInt8], file: String) throws(FormatError) -> [String] {
        let bytes = bytes.starts(with: "\u{FEFF}".utf8) ? bytes.dropFirst(3) : bytes[...]
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FormatError(file, "expected UTF-8 text, found other bytes")
        }
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        if let last = lines.last, last.isEmpty { lines.removeLast() }
        return lines.map { line in String(line.last == "\r" ? line.dropLast() : line) }
    }
}
