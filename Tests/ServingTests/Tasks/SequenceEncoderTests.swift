import Models
import Support
import Testing

struct SequenceEncoderTests {
    /// The encoder for the `input` of a manifest.
    private func encoder(_ input: String, vocabulary: String = "<unk>\na\nb\nc\n") throws -> SequenceEncoder {
        let text = #"{"architecture": "gru", "task": "sequence-classification", "input": {\#(input)}}"#
        switch try Manifest(parsing: Array(text.utf8)).input {
        case .image, .frames, .tensors: fatalError("a sequence model takes no images")
        case .tokens(let description): return SequenceEncoder(description)
        case .features(let description): return SequenceEncoder(description)
        case .text(let description):
            let vocabulary = try Vocabulary(parsing: Array(vocabulary.utf8), file: "v.txt")
            let endings = try Vocabulary(parsing: Array("?\nat\nCat\nx\nXx\n".utf8), file: "f.txt")
            return try SequenceEncoder(description, vocabularies: ["v.txt": vocabulary, "f.txt": endings])
        }
    }

    private static let characters = #""kind": "text", "tokenizer": "characters", "vocabulary": "v.txt""#
    private static let features =
        #""kind": "features", "size": 2, "mean": [1, 2], "std": [2, 4], "max_length": 3"#

    private func encode(_ instance: String, _ input: String) throws -> SequenceEncoder.Encoded {
        try encoder(input).encode(JSONValue(parsing: Array(instance.utf8)))
    }

    @Test func `text becomes the numbers of its tokens`() throws {
        let encoded = try encode(#""CAB""#, Self.characters + #", "lowercase": true"#)
        #expect(encoded.tensor.shape == [3])
        #expect(encoded.tensor.values == [3, 1, 2])
        #expect(encoded.unknownTokens == 0)
    }

    @Test func `an unknown token takes the configured entry and is counted`() throws {
        let encoded = try encode(#""axyb""#, Self.characters + #", "unknown": "<unk>""#)
        #expect(encoded.tensor.values == [1, 0, 0, 2])
        #expect(encoded.unknownTokens == 2)
    }

    @Test func `an entry for unknown tokens that the vocabulary lacks is an error`() throws {
        let error = #expect(throws: FormatError.self) {
            try encoder(Self.characters + #", "unknown": "<none>""#)
        }
        #expect(error?.description == "input.unknown: the token '<none>' is not in the vocabulary")
    }

    @Test func `bytes are their own numbers`() throws {
        let encoded = try encode(#""é!""#, #""kind": "text", "tokenizer": "bytes""#)
        #expect(encoded.tensor.values == [0xC3, 0xA9, 0x21])
    }

    @Test func `tokens pass as they are and features are normalised`() throws {
        #expect(try encode("[0, 9, 3]", #""kind": "tokens", "size": 10"#).tensor.values == [0, 9, 3])
        let encoded = try encode("[[1, 2], [3, 0]]", Self.features)
        #expect(encoded.tensor.shape == [2, 2])
        #expect(encoded.tensor.values == [0, 0, 1, -0.5])
    }

    private static let words =
        #""kind": "text", "tokenizer": "words", "vocabulary": "v.txt", "unknown": "<unk>", "lowercase": true"#
    private static let spelling = """
        "features": [{"kind": "suffix", "length": 2, "vocabulary": "f.txt", "unknown": "?"},
                     {"kind": "shape", "vocabulary": "f.txt", "unknown": "?"}]
        """

    @Test func `words that are split already are looked up as they are`() throws {
        let encoded = try encode(#"["a", "b c", "B"]"#, Self.words)
        #expect(encoded.tensor.values == [1, 0, 2])
        #expect(encoded.tokens == ["a", "b c", "B"])
        #expect(encoded.unknownPositions == [1])
        #expect(throws: ServingError.self) {
            try encode(#"["a"]"#, #""kind": "text", "tokenizer": "bytes""#)
        }
    }

    @Test func `a capital sigma is lowered by what stands around its word`() throws {
        let vocabulary = "<unk>\nοδος\nασ\nας\nβ\n.\n"
        let encoder = try encoder(Self.words, vocabulary: vocabulary)
        // Python: "ΟΔΟΣ ΑΣ.Β ΑΣ".lower() is "οδος ασ.β ας".
        #expect(try encoder.encode(text: "ΟΔΟΣ ΑΣ.Β ΑΣ").tensor.values == [1, 2, 5, 4, 3])
        #expect(try encoder.encode(words: ["ΟΔΟΣ", "ΑΣ", ".", "Β"]).tensor.values == [1, 3, 5, 4])
        #expect(try encoder.encode(text: "ΟΔΟΣ ΑΣ.Β").tokens == ["ΟΔΟΣ", "ΑΣ", ".", "Β"])
    }

    @Test func `features go by the spelling before it is lowered`() throws {
        let encoded = try encode(#""a CAT c""#, "\(Self.words), \(Self.spelling)")
        #expect(encoded.tensor.shape == [3, 3])
        // Column 1 is the suffix, of which "a" and "c" are not known; column 2 the shape: x, XX, x.
        #expect(encoded.tensor.values == [1, 0, 3, 0, 1, 0, 3, 0, 3])
        #expect(encoded.unknownTokens == 1)
    }

    @Test func `a text that is too long is refused before it is split`() throws {
        let long = String(repeating: "a ", count: 1_000_000)
        let tokenizers = [
            #""words", "vocabulary": "v.txt""#, #""characters", "vocabulary": "v.txt""#, #""bytes""#,
        ]
        for tokenizer in tokenizers {
            let input = #""kind": "text", "max_length": 4, "tokenizer": "# + tokenizer
            let error = #expect(throws: ServingError.self) { try encoder(input).encode(text: long) }
            #expect(error?.message == "the sequence has more than 4 steps, the model takes at most 4")
        }
    }

    // swift-format-ignore
    static let faults: [(instance: String, input: String, code: String, message: String)] = [
        (#""""#, characters, "empty_sequence", "the sequence is empty"),
        (#""abc""#, characters + #", "max_length": 2"#, "sequence_too_long", "the sequence has 3 steps, the model takes at most 2"),
        (#""abz""#, characters, "unknown_token", "unknown token 'z' at position 2; the model has no entry for unknown tokens"),
        ("[1, 2]", characters, "invalid_input", "token 0: expected a string, found a number"),
        (#"["a", ""]"#, characters, "invalid_input", "token 1: expected a string, found an empty one"),
        ("[]", characters, "empty_sequence", "the sequence is empty"),
        (#"["a", "b", "c"]"#, characters + #", "max_length": 2"#, "sequence_too_long", "the sequence has 3 steps, the model takes at most 2"),
        ("null", characters, "invalid_input", "expected a string or an array of strings (the model takes text), found null"),
        (#""a""#, #""kind": "tokens", "size": 10"#, "invalid_input", "expected an array of integers (the model takes tokens), found a string"),
        ("[]", #""kind": "tokens", "size": 10"#, "empty_sequence", "the sequence is empty"),
        ("[1, 10]", #""kind": "tokens", "size": 10"#, "unknown_token", "token 1: expected an integer from 0 to 9, found 10"),
        ("[-1]", #""kind": "tokens", "size": 10"#, "unknown_token", "token 0: expected an integer from 0 to 9, found -1"),
        ("[1.5]", #""kind": "tokens", "size": 10"#, "unknown_token", "token 0: expected an integer from 0 to 9, found 1.5"),
        ("[1e300]", #""kind": "tokens", "size": 10"#, "unknown_token", "token 0: expected an integer from 0 to 9, found 1e+300"),
        (#"["1"]"#, #""kind": "tokens", "size": 10"#, "unknown_token", "token 0: expected an integer from 0 to 9, found a string"),
        ("[[1, 2], [1]]", features, "invalid_input", "step 1: expected 2 numbers, found 1"),
        ("[1, 2]", features, "invalid_input", "step 0: expected an array of 2 numbers, found a number"),
        ("[[1, true]]", features, "invalid_input", "step 0, feature 1: expected a number, found a boolean"),
        ("[[1, 1e300]]", features, "invalid_input", "step 0, feature 1: 1e+300 is too large for a 32-bit float"),
        ("[[1, 2], [1, 2], [1, 2], [1, 2]]", features, "sequence_too_long", "the sequence has 4 steps, the model takes at most 3"),
    ]

    @Test(arguments: faults)
    func `a bad sequence is refused with what was found`(
        instance: String,
        input: String,
        code: String,
        message: String
    ) throws {
        let error = #expect(throws: ServingError.self) { try encode(instance, input) }
        #expect(error?.status.code == 400)
        #expect(error?.code == code)
        #expect(error?.message == message)
    }
}
