/// Splits a text into the tokens that a vocabulary numbers.
package struct Tokenizer: Sendable, Equatable {
    /// What a token is.
    package enum Kind: String, Sendable, CaseIterable {
        /// One Unicode scalar.
        case characters
        /// A word, or one scalar of punctuation; white space separates and is dropped.
        ///
        /// A word is a run of letters, marks, decimal digits, connector punctuation and join controls (`\w` of
        /// Unicode), with single apostrophes (`'` or `’`) inside. In Python, with the package `regex`:
        /// `regex.findall(r"\w+(?:['’]\w+)*|[^\w\s]", text)`. Combining marks stay with their letter; the scalars
        /// of an emoji are a token each; scripts that write no spaces between words, such as Chinese, are not split.
        /// - Source: Unicode Technical Standard #18, Annex C, `\w`.
        case words
        /// One byte of UTF-8.
        case bytes
    }

    package let kind: Kind
    /// Whether the text is lowered first, as a whole: by Unicode's rules without a language's exceptions, as Python does.
    package let lowercase: Bool

    package init(_ kind: Kind, lowercase: Bool) {
        self.kind = kind
        self.lowercase = lowercase
    }

    /// The tokens of a text for `characters` and `words`.
    ///
    /// - Precondition: the tokenizer is not `bytes`, whose tokens are numbers.
    package func tokens(of text: String) -> [String] {
        let text = prepared(text)
        switch kind {
        case .characters: return text.unicodeScalars.map { String($0) }
        case .words: return Self.words(of: text, limit: .max)
        case .bytes: preconditionFailure("bytes are numbers, not strings")
        }
    }

    /// The text as it is split: lowered when the model wants that.
    package func prepared(_ text: String) -> String { lowercase ? text.lowered() : text }

    /// The words of a text, with their case kept; splitting ends with the first beyond `limit`.
    static func words(of text: String, limit: Int) -> [String] {
        var tokens: [String] = []
        var word = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst(), tokens.count <= limit {
            let joins =
                isApostrophe(scalar) && !(word.last.map(isApostrophe) ?? true)
                && (rest.first.map(isWordPart) ?? false)
            if isWordPart(scalar) || joins {
                word.append(scalar)
                continue
            }
            if !word.isEmpty { tokens.append(String(word)) }
            word.removeAll()
            if !scalar.properties.isWhitespace { tokens.append(String(scalar)) }
        }
        if !word.isEmpty { tokens.append(String(word)) }
        return tokens
    }

    private static func isApostrophe(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "'" || scalar == "\u{2019}"
    }

    private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": true
            default: false
            }
        }
        let properties = scalar.properties
        if properties.isAlphabetic || properties.isJoinControl { return true }
        return switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: true
        default: false
        }
    }
}
