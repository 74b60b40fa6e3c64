internal import Support

/// Something about the spelling of a word that a tagger sees beside the word itself, numbered by a vocabulary of its own.
///
/// It is taken from the word as it was written, not as it was lowered.
package struct TokenFeature: Sendable, Equatable {
    /// What is taken of a word.
    package enum Kind: Sendable, Equatable {
        /// The last scalars of the lowered word; the whole word when it is shorter.
        case suffix(length: Int)
        /// The first scalars of the lowered word; the whole word when it is shorter.
        case prefix(length: Int)
        /// Each capital as `X`, small letter as `x` and decimal digit as `d`, anything else as it is; of more than two
        /// alike in a row, two: `McDonald-1999` is `XxXxx-dd`.
        case shape
    }

    package let kind: Kind
    /// The file with one entry a line.
    package let vocabulary: String
    /// The entry that stands for all that are not in the vocabulary.
    package let unknown: String

    /// The feature of a word.
    package func value(of word: String) -> String {
        switch kind {
        case .suffix(let length):
            String(String.UnicodeScalarView(word.lowered().unicodeScalars.suffix(length)))
        case .prefix(let length):
            String(String.UnicodeScalarView(word.lowered().unicodeScalars.prefix(length)))
        case .shape: Self.shape(of: word)
        }
    }

    private static func shape(of word: String) -> String {
        var shape: [Unicode.Scalar] = []
        for scalar in word.unicodeScalars {
            let letter: Unicode.Scalar =
                switch scalar.properties.generalCategory {
                case .uppercaseLetter: "X"
                case .lowercaseLetter: "x"
                case .decimalNumber: "d"
                default: scalar
                }
            if shape.count < 2 || shape.suffix(2).contains(where: { $0 != letter }) { shape.append(letter) }
        }
        return String(String.UnicodeScalarView(shape))
    }
}

extension TokenFeature {
    private enum Name: String, CaseIterable {
        case suffix, prefix, shape
    }

    private static let keys = ["kind", "length", "vocabulary", "unknown"]
    private static let lengths = 1...16

    /// Reads one entry of `input.features` of a manifest.
    init(_ reader: JSONReader) throws(FormatError) {
        let fields = try reader.object(Self.keys)
        let name = try fields.required("kind").choice(Name.self)
        if name == .shape, let length = fields.optional("length") {
            throw length.fault("a shape has no length")
        }
        kind =
            switch name {
            case .suffix: .suffix(length: try fields.required("length").integer(in: Self.lengths))
            case .prefix: .prefix(length: try fields.required("length").integer(in: Self.lengths))
            case .shape: .shape
            }
        vocabulary = try Manifest.fileName(fields.required("vocabulary"))
        unknown = try fields.required("unknown").string()
    }
}
