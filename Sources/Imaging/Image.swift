/// The colours a model was trained on, and their order.
package enum ColorMode: String, Sendable, CaseIterable {
    case rgb
    case bgr
    case gray

    /// Values per pixel.
    package var channels: Int { self == .gray ? 1 : 3 }
}

/// A number of pixels down and across.
package struct ImageSize: Sendable, Equatable, CustomStringConvertible {
    package var height: Int
    package var width: Int

    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// Width first, as image sizes are written: `640×480`.
    package var description: String { "\(width)×\(height)" }
}

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

extension Image {
    /// Copies a rectangle of a canvas on which the image lies at `place`; what the image does not cover is `fill`.
    func cut(_ region: Region, lyingAt place: Region, fill: UInt8) -> Image {
        guard region != place else { return self }
        let visible = region.intersection(place)
        var cut: [UInt8] = []
        cut.reserveCapacity(region.width * region.height * channels)
        for y in region.y..<region.y + region.height {
            guard visible.width > 0, y >= visible.y, y < visible.y + visible.height else {
                cut.append(contentsOf: repeatElement(fill, count: region.width * channels))
                continue
            }
            let left = visible.x - region.x
            let first = ((y - place.y) * width + visible.x - place.x) * channels
            cut.append(contentsOf: repeatElement(fill, count: left * channels))
            cut.append(contentsOf: pixels[first..<first + visible.width * channels])
            cut.append(
                contentsOf: repeatElement(fill, count: (region.width - left - visible.width) * channels)
            )
        }
        return Image(width: region.width, height: region.height, channels: channels, pixels: cut)
    }
}
