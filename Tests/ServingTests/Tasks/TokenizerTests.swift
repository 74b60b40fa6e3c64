import Models
import Support
import Testing

struct TokenizerTests {
    @Test func `characters are Unicode scalars`() {
        let tokenizer = Tokenizer(.characters, lowercase: false)
        #expect(tokenizer.tokens(of: "Ae\u{301}\n👩‍🚀") == ["A", "e", "\u{301}", "\n", "👩", "\u{200D}", "🚀"])
        #expect(tokenizer.tokens(of: "") == [])
    }

    // What `str.lower()` of Python 3.11 makes of each.
    // swift-format-ignore
    static let lowered: [(String, String)] = [
        ("ΠΑΠΑΔΟΠΟΥΛΟΣ",            "παπαδοπουλος"),
        ("ΣΟΦΟΣ ΣΙΣΥΦΟΣ",           "σοφος σισυφος"),
        ("Σ",                       "σ"),
        ("ÀΣ",                      "àς"),
        ("ΑΣ.Β ΑΣ. Β ΑΣ'Β",         "ασ.β ας. β ασ'β"),
        ("Α\u{301}Σ\u{301} ΑΣ1",    "α\u{301}ς\u{301} ας1"),
        ("1Σ ΑΣΣ ΣΣ",               "1σ ασς σς"),
        ("İSTANBUL ΟΔΟΣ",           "i\u{307}stanbul οδος"),
        ("ᾼΣ ẞΣ Ǆ",                 "ᾳς ßς ǆ"),
    ]

    @Test(arguments: lowered)
    func `lower case is Python's`(text: String, expected: String) {
        let characters = Tokenizer(.characters, lowercase: true).tokens(of: text).joined()
        #expect(characters.utf8.elementsEqual(expected.utf8), "\(characters)")
        #expect(
            Tokenizer(.words, lowercase: true).tokens(of: text)
                == Tokenizer(.words, lowercase: false).tokens(of: expected)
        )
    }

    // swift-format-ignore
    static let sentences: [(String, [String])] = [
        ("", []),
        ("  \n\t", []),
        ("It's 3.5 km, no?", ["It's", "3", ".", "5", "km", ",", "no", "?"]),
        ("'quoted' rock'n'roll dogs'", ["'", "quoted", "'", "rock'n'roll", "dogs", "'"]),
        ("l\u{2019}été", ["l\u{2019}été"]),
        ("a''b", ["a", "'", "'", "b"]),
        ("snake_case x2", ["snake_case", "x2"]),
        ("e\u{301}t\u{E9}", ["e\u{301}t\u{E9}"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("日本 語", ["日本", "語"]),
        ("a\u{A0}b—c…", ["a", "b", "—", "c", "…"]),
        ("👍🏽!", ["👍", "🏽", "!"]),
    ]

    @Test(arguments: sentences)
    func `words are runs of letters, marks and digits; punctuation stands alone`(
        text: String,
        tokens: [String]
    ) {
        #expect(Tokenizer(.words, lowercase: false).tokens(of: text) == tokens)
    }
}

struct VocabularyTests {
    private func parse(_ text: String) throws -> Vocabulary {
        try Vocabulary(parsing: Array(text.utf8), file: "v.txt")
    }

    @Test func `numbers lines from 0 and knows escapes`() throws {
        let vocabulary = try parse("<unk>\n \na\n\\n\n\\t\n\\\\\n\\\\n")
        #expect(vocabulary.count == 7)
        #expect(["<unk>", " ", "a", "\n", "\t", "\\", "\\n"].map { vocabulary[$0] } == Array(0..<7))
        #expect(vocabulary["b"] == nil)
    }

    @Test func `keeps apart letters that Unicode calls equivalent`() throws {
        let vocabulary = try parse("\u{E9}\ne\u{301}\n\u{212B}\n\u{C5}\n")
        #expect(vocabulary["e\u{301}"] == 1)
        #expect(vocabulary["\u{C5}"] == 3)
    }

    // swift-format-ignore
    static let faults: [(String, String)] = [
        ("", "v.txt: expected at least one token, found none"),
        ("a\n\nb\n", "v.txt line 2: expected a token, found an empty line"),
        ("a\nb\na\n", "v.txt line 3: the token 'a' is already on line 1"),
        ("\\x\n", "v.txt line 1: expected \\n, \\t, \\r or \\\\, found '\\x'"),
        ("a\\\n", "v.txt line 1: expected \\n, \\t, \\r or \\\\, found a backslash at the end"),
    ]

    @Test(arguments: faults)
    func `names the line that is wrong`(text: String, message: String) {
        let error = #expect(throws: FormatError.self) { try parse(text) }
        #expect(error?.description == message)
    }

    @Test func `refuses bytes that are not UTF-8`() {
        #expect(throws: FormatError.self) { try Vocabulary(parsing: [0x61, 0xFF], file: "v.txt") }
    }

    @Test func `a byte-order mark before a vocabulary is no part of its first token`() throws {
        // Within the text it is a token's like any other character.
        let marked = Array("\u{FEFF}a\r\n\u{FEFF}b\n".utf8)
        #expect(try Vocabulary(parsing: marked, file: "v.txt").tokens == ["a", "\u{FEFF}b"])
    }
}
