package import Engine
package import Models
package import Support

/// What a client sends to a model, whatever protocol it speaks.
package enum Instance: Sendable {
    /// An encoded image.
    case image(ArraySlice<UInt8>)
    case text(String)
    /// A text that the client has split.
    case words([String])
    /// Numbers of tokens.
    case tokens([Int32])
    /// Vectors, one for each step, one after another.
    case features([Float])
    /// Encoded images, one for each step.
    case clip([ArraySlice<UInt8>])
    /// What the network sees of an image, ready to run: channels × height × width.
    case tensor(Tensor)

    /// With its article, for messages.
    package var kind: String {
        switch self {
        case .image: "an image"
        case .text: "a text"
        case .words: "words"
        case .tokens: "tokens"
        case .features: "features"
        case .clip: "a clip"
        case .tensor: "a tensor"
        }
    }
}

extension SequenceEncoder {
    /// Encodes an instance of a request.
    ///
    /// - Throws: `ServingError` that says what the model takes and what was found where.
    package func encode(_ instance: Instance) throws(ServingError) -> Encoded {
        switch instance {
        case .text(let text): return try encode(text: text)
        case .words(let words): return try encode(words: words)
        case .tokens(let tokens): return try encode(tokens: tokens)
        case .features(let values): return try encode(features: values)
        case .image, .clip, .tensor:
            throw .invalidInput("expected \(form.expectation), found \(instance.kind)")
        }
    }
}
