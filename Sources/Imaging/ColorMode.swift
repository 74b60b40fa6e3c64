/// The colours a model was trained on, and their order.
package enum ColorMode: String, Sendable, CaseIterable {
    case rgb
    case bgr
    case gray

    /// Values per pixel.
    package var channels: Int { self == .gray ? 1 : 3 }
}
