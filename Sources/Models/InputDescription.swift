package import Imaging
internal import Support

/// What a model takes, as its manifest says it.
package enum InputDescription: Sendable, Equatable {
    case image(Preprocessing)
    case text(TextDescription)
    case tokens(TokenDescription)
    case features(FeatureDescription)
    case frames(FrameDescription)
    /// Whatever the network takes.
    case tensors

    /// Text that is split into tokens, each with a number.
    package struct TextDescription: Sendable, Equatable {
        package let tokenizer: Tokenizer.Kind
        /// The file with one token a line; nil for bytes, which are their own numbers.
        package let vocabulary: String?
        package let lowercase: Bool
        /// The token that stands for all that are not in the vocabulary.
        package let unknown: String?
        /// What the network sees of each word beside its number, in the order of the embeddings.
        package let features: [TokenFeature]
        /// What a text goes on from when its prompt is empty, in a model that generates text; the token before every
        /// text in one of sequences to sequences.
        package let start: String?
        /// The token behind every text in a model of sequences to sequences.
        package let end: String?
        package let maxLength: Int

        /// The files of the tokens and of their features.
        package var vocabularies: [String] { (vocabulary.map { [$0] } ?? []) + features.map(\.vocabulary) }
    }

    /// Numbers of tokens, 0 ..< size.
    package struct TokenDescription: Sendable, Equatable {
        package let size: Int
        package let maxLength: Int
    }

    /// Vectors; each becomes (x − mean) / std.
    package struct FeatureDescription: Sendable, Equatable {
        package let size: Int
        package let mean: [Double]
        package let std: [Double]
        package let maxLength: Int
    }

    /// Images, one for each step.
    package struct FrameDescription: Sendable, Equatable {
        package let preprocessing: Preprocessing
        package let maxLength: Int

        package init(preprocessing: Preprocessing, maxLength: Int) {
            self.preprocessing = preprocessing
            self.maxLength = maxLength
        }
    }

    /// How an image, or each frame, is prepared; nil where there are none.
    package var preprocessing: Preprocessing? {
        switch self {
        case .image(let preprocessing): preprocessing
        case .frames(let description): description.preprocessing
        case .text, .tokens, .features, .tensors: nil
        }
    }

    /// The word in `input.kind`, or `image`.
    package var kind: String {
        switch self {
        case .image: "image"
        case .text: "text"
        case .tokens: "tokens"
        case .features: "features"
        case .frames: "frames"
        case .tensors: "tensors"
        }
    }
}

extension InputDescription {
    private enum Kind: String, CaseIterable {
        case text, tokens, features, frames
    }

    private static let textKeys = [
        "kind", "tokenizer", "vocabulary", "lowercase", "unknown", "features", "start", "end", "max_length",
    ]
    private static let maxFeatures = 16
    private static let tokenKeys = ["kind", "size", "max_length"]
    private static let featureKeys = ["kind", "size", "mean", "std", "max_length"]
    private static let frameKeys = ["kind", "max_length"]

    /// How many steps a sequence may have when the manifest does not say.
    private static let defaultMaxLength = 4096
    /// And how many frames.
    private static let defaultMaxFrames = 256

    /// Reads the `input` of a manifest, and the `preprocessing` that frames have beside it.
    init(_ reader: JSONReader, _ preprocessing: JSONReader?) throws(FormatError) {
        let keys = Set(Self.textKeys + Self.featureKeys).sorted()
        let kind = try reader.object(keys).required("kind").choice(Kind.self)
        if kind != .frames, let preprocessing {
            throw preprocessing.fault(
                "only frames are prepared as images, but 'input.kind' is '\(kind.rawValue)'"
            )
        }
        switch kind {
        case .text: self = .text(try Self.text(reader.object(Self.textKeys)))
        case .tokens: self = .tokens(try Self.tokens(reader.object(Self.tokenKeys)))
        case .features: self = .features(try Self.features(reader.object(Self.featureKeys)))
        case .frames:
            guard let preprocessing else {
                throw FormatError("", "'preprocessing' is missing; a model that takes frames needs it")
            }
            let maxLength = try Self.maxLength(reader.object(Self.frameKeys), orElse: Self.defaultMaxFrames)
            let frames = try ManifestPreprocessing.read(preprocessing)
            self = .frames(FrameDescription(preprocessing: frames, maxLength: maxLength))
        }
    }

    private static func text(_ fields: JSONFields) throws(FormatError) -> TextDescription {
        let tokenizer = try fields.required("tokenizer").choice(Tokenizer.Kind.self)
        let unknown = try fields.optional("unknown")?.string()
        if tokenizer == .bytes, let extra = fields.optional("vocabulary") ?? fields.optional("unknown") {
            throw extra.fault("the tokenizer 'bytes' has no vocabulary: every byte is its own number")
        }
        return TextDescription(
            tokenizer: tokenizer,
            vocabulary: tokenizer == .bytes ? nil : try Manifest.fileName(fields.required("vocabulary")),
            lowercase: try fields.optional("lowercase")?.bool() ?? false,
            unknown: unknown,
            features: try features(fields, tokenizer),
            start: try fields.optional("start").map(notEmpty),
            end: try fields.optional("end").map(notEmpty),
            maxLength: try maxLength(fields)
        )
    }

    private static func features(
        _ fields: JSONFields,
        _ tokenizer: Tokenizer.Kind
    ) throws(FormatError) -> [TokenFeature] {
        guard let reader = fields.optional("features") else { return [] }
        guard tokenizer == .words else {
            throw reader.fault("only words have features, but 'tokenizer' is '\(tokenizer.rawValue)'")
        }
        let elements = try reader.array()
        guard (1...maxFeatures).contains(elements.count) else {
            throw reader.fault("expected 1 to \(maxFeatures) features, found \(elements.count)")
        }
        var features: [TokenFeature] = []
        for element in elements { features.append(try TokenFeature(element)) }
        return features
    }

    private static func notEmpty(_ reader: JSONReader) throws(FormatError) -> String {
        let string = try reader.string()
        guard !string.isEmpty else { throw reader.fault("expected a string that is not empty") }
        return string
    }

    private static func tokens(_ fields: JSONFields) throws(FormatError) -> TokenDescription {
        // Numbers of tokens travel as floats, which are exact up to 2²⁴.
        let size = try fields.required("size").integer(in: 1...1 << 24)
        return TokenDescription(size: size, maxLength: try maxLength(fields))
    }

    private static func features(_ fields: JSONFields) throws(FormatError) -> FeatureDescription {
        let size = try fields.required("size").integer(in: 1...1_000_000)
        let mean = try fields.optional("mean").map { reader throws(FormatError) in try vector(reader, size) }
        let std = try fields.optional("std").map { reader throws(FormatError) in
            try ManifestPreprocessing.requirePositive(reader, try vector(reader, size))
        }
        return FeatureDescription(
            size: size,
            mean: mean ?? Array(repeating: 0, count: size),
            std: std ?? Array(repeating: 1, count: size),
            maxLength: try maxLength(fields)
        )
    }

    private static func vector(_ reader: JSONReader, _ size: Int) throws(FormatError) -> [Double] {
        let numbers = try reader.numbers()
        guard numbers.count == size else {
            throw reader.fault("expected \(size) numbers for size \(size), found \(numbers.count)")
        }
        return numbers
    }

    private static func maxLength(
        _ fields: JSONFields,
        orElse length: Int = defaultMaxLength
    ) throws(FormatError) -> Int {
        try fields.optional("max_length")?.integer(in: 1...1_000_000) ?? length
    }
}

extension InputDescription {
    /// How an image's pixels are read; nil where there are none.
    var color: ColorMode? { preprocessing?.color }

    /// The size of what preprocessing makes of every image; nil when it keeps the image's own.
    var imageSize: (height: Int, width: Int)? {
        guard let preprocessing else { return nil }
        if let crop = preprocessing.crop { return (crop.height, crop.width) }
        if case .letterbox(let box) = preprocessing.resize { return (box.size.height, box.size.width) }
        guard case .exact(let height, let width) = preprocessing.resize else { return nil }
        return (height + 2 * preprocessing.pad, width + 2 * preprocessing.pad)
    }
}
