/// An 8-bit image in memory, gray or RGB.
///
/// - Layout: rows from top to bottom, pixels from left to right, channels interleaved, no padding.
package struct Image: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// 1 for gray, 3 for red, green, blue.
    package let channels: Int
    package let pixels: [UInt8]

    /// Takes pixels whose count must be width × height × channels.
    package init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "an image of \(width)×\(height) pixels")
        precondition(channels == 1 || channels == 3, "an image of \(channels) channels")
        precondition(
            pixels.count == width * height * channels,
            "\(pixels.count) bytes for an image of \(width)×\(height)×\(channels)"
        )
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }
}
