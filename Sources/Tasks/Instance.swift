package import Engine

/// What a client sends to a model, whatever protocol it speaks.
package enum Instance: Sendable {
    /// An encoded image, JPEG or PNG.
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
