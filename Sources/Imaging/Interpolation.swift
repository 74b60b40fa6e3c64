/// How a resized pixel is made from the pixels around it; all but `nearest` are antialiased when shrinking.
package enum Interpolation: String, Sendable, CaseIterable {
    /// The pixel at the centre.
    case nearest
    /// A triangle over two pixels.
    case bilinear
    /// Keys's cubic with a = −0.5, over four pixels.
    case bicubic
    /// The sinc windowed to three lobes, over six pixels.
    case lanczos
}
