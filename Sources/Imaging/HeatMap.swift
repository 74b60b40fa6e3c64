/// A grid of numbers over a part of an image, and how it is drawn: the smallest number dark, the largest bright.
///
/// Between the centres of its cells it is interpolated linearly.
package struct HeatMap: Sendable, Equatable {
    package let height: Int
    package let width: Int
    /// Row by row.
    package let values: [Float]

    /// How much of a pixel is the map's colour where it lies over an image.
    private static let opacity: Float = 0.6

    /// - Precondition: there are as many values as cells, at least one.
    package init(height: Int, width: Int, values: [Float]) {
        precondition(
            height > 0 && width > 0 && values.count == height * width,
            "\(values.count) values for a map of \(height)×\(width)"
        )
        self.height = height
        self.width = width
        self.values = values
    }

    /// The map alone, in its colours.
    package func drawn(_ size: ImageSize) -> Image {
        let whole = ImageBox(left: 0, top: 0, right: Double(size.width), bottom: Double(size.height))
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * size.width * size.height)
        for row in rows(of: size, lyingAt: whole) {
            for value in row {
                let color = HeatColors.of(value ?? 0)
                pixels += [color.red, color.green, color.blue].map { UInt8($0 + 0.5) }
            }
        }
        return Image(width: size.width, height: size.height, channels: 3, pixels: pixels)
    }

    /// An image with the map over a part of it; the rest stays as it is.
    ///
    /// - Parameters:
    ///   - image: of red, green, blue.
    ///   - box: where the map lies, in pixels of the image; it may reach beyond it.
    /// - Returns: an image of the same size.
    package func drawn(over image: Image, at box: ImageBox) -> Image {
        precondition(image.channels == 3, "an overlay on an image of \(image.channels) channels")
        var pixels = image.pixels
        var place = 0
        for row in rows(of: ImageSize(height: image.height, width: image.width), lyingAt: box) {
            for value in row {
                defer { place += 3 }
                guard let value else { continue }
                let color = HeatColors.of(value)
                for (channel, shade) in [color.red, color.green, color.blue].enumerated() {
                    let below = Float(pixels[place + channel])
                    pixels[place + channel] = UInt8(below + (shade - below) * Self.opacity + 0.5)
                }
            }
        }
        return Image(width: image.width, height: image.height, channels: 3, pixels: pixels)
    }

    /// The value at each pixel of an image, from 0 to 1; nil outside of the box.
    private func rows(of size: ImageSize, lyingAt box: ImageBox) -> some Sequence<[Float?]> {
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        let scale = high > low ? 1 / (high - low) : 0
        let columns = (0..<size.width).map { Self.sample($0, from: box.left, to: box.right, cells: width) }
        return (0..<size.height).lazy.map { y -> [Float?] in
            guard let row = Self.sample(y, from: box.top, to: box.bottom, cells: height) else {
                return Array(repeating: nil, count: size.width)
            }
            let upper = values[row.first * width..<(row.first + 1) * width]
            let lower = values[row.second * width..<(row.second + 1) * width]
            // Between the rows first, for all columns at once.
            let line = zip(upper, lower).map { ($0 + ($1 - $0) * row.share - low) * scale }
            return columns.map { column in
                column.map { line[$0.first] + (line[$0.second] - line[$0.first]) * $0.share }
            }
        }
    }

    /// Between which cells a pixel's centre lies, and how far towards the second; nil outside.
    private static func sample(
        _ pixel: Int,
        from start: Double,
        to end: Double,
        cells: Int
    ) -> (first: Int, second: Int, share: Float)? {
        let center = Double(pixel) + 0.5
        guard center >= start, center < end else { return nil }
        let place = min(max((center - start) / (end - start) * Double(cells) - 0.5, 0), Double(cells - 1))
        let first = Int(place)
        return (first, min(first + 1, cells - 1), Float(place - Double(first)))
    }
}

/// A part of an image, in pixels from the left and the top; it may reach beyond the image.
package struct ImageBox: Sendable, Equatable {
    package var left: Double
    package var top: Double
    package var right: Double
    package var bottom: Double

    package init(left: Double, top: Double, right: Double, bottom: Double) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    /// The same part of the image in another size.
    package func scaled(by factor: Double) -> ImageBox {
        ImageBox(left: left * factor, top: top * factor, right: right * factor, bottom: bottom * factor)
    }

    /// Its size in whole pixels, with a longer side of at most `most`.
    package func size(atMost most: Int) -> ImageSize {
        let factor = min(1, Double(most) / max(right - left, bottom - top))
        func side(_ length: Double) -> Int { max(1, Int((length * factor).rounded())) }
        return ImageSize(height: side(bottom - top), width: side(right - left))
    }
}

extension CropPlan {
    /// The part of the upright image that a crop shows.
    package func box(ofCrop index: Int) -> ImageBox {
        let (number, place) = index.quotientAndRemainder(dividingBy: layouts[0].crops.count)
        let layout = layouts[number]
        let (crop, image) = (layout.crops[place], layout.canvas.image)
        let (across, down) = (
            Double(imageSize.width) / Double(layout.resized.width),
            Double(imageSize.height) / Double(layout.resized.height)
        )
        return ImageBox(
            left: Double(crop.x - image.x) * across,
            top: Double(crop.y - image.y) * down,
            right: Double(crop.x - image.x + crop.width) * across,
            bottom: Double(crop.y - image.y + crop.height) * down
        )
    }
}

extension Image {
    /// The image, made smaller where its longer side is longer than `most`; nil when it was stopped.
    package func shrunk(toAtMost most: Int, while shouldContinue: () -> Bool = { true }) -> Image? {
        guard max(width, height) > most else { return self }
        let size = ImageBox(left: 0, top: 0, right: Double(width), bottom: Double(height)).size(atMost: most)
        return resized(
            width: size.width,
            height: size.height,
            interpolation: .bilinear,
            region: Region(x: 0, y: 0, width: size.width, height: size.height),
            while: shouldContinue
        )
    }
}

/// The colours of numbers from 0 to 1, dark to bright, in steps that look equal, also without colour vision and in grays.
///
/// - Source: `inferno` of Nathaniel J. Smith and Stéfan van der Walt (2015, public domain by CC0), every eighth of its 256
///   colours as matplotlib publishes them; linear in between.
private enum HeatColors {
    // swift-format-ignore
    private static let points: [UInt32] = [
        0x000004, 0x040312, 0x0b0724, 0x150b37, 0x210c4a, 0x2f0a5b, 0x3d0965, 0x4a0c6b, 0x57106e, 0x64156e, 0x71196e,
        0x7d1e6d, 0x8a226a, 0x972766, 0xa32c61, 0xb0315b, 0xbc3754, 0xc63d4d, 0xd04545, 0xda4e3c, 0xe35933, 0xeb6429,
        0xf1711f, 0xf67e14, 0xf98c0a, 0xfb9b06, 0xfcaa0f, 0xfbba1f, 0xf9c932, 0xf5d949, 0xf2e865, 0xf3f586, 0xfcffa4,
    ]
    private static let table = (0..<256).map { index in
        let (first, rest) = (index * 32).quotientAndRemainder(dividingBy: 255)
        let (low, high) = (points[first], points[min(first + 1, 32)])
        func shade(_ shift: UInt32) -> Float {
            let (from, to) = (Float(low >> shift & 0xFF), Float(high >> shift & 0xFF))
            return from + (to - from) * Float(rest) / 255
        }
        return (red: shade(16), green: shade(8), blue: shade(0))
    }

    static func of(_ value: Float) -> (red: Float, green: Float, blue: Float) {
        table[Int(min(max(value, 0), 1) * 255 + 0.5)]
    }
}
