/// A box over a picture, with the words that stand on it.
package struct CaptionedBox: Sendable, Equatable {
    /// In pixels of the picture; what reaches beyond it is not drawn.
    package let box: ImageBox
    package let caption: String
    package let color: Palette.Color

    package init(_ box: ImageBox, _ caption: String, _ color: Palette.Color) {
        (self.box, self.caption, self.color) = (box, caption, color)
    }
}

extension Image {
    /// The image with boxes drawn over it, the first on top: each a line of its colour between two dark ones, and its caption
    /// on a ground of that colour, in the letters of `BitmapFont`.
    ///
    /// - Precondition: the image has three channels.
    package func drawn(_ boxes: [CaptionedBox]) -> Image {
        precondition(channels == 3, "boxes on an image of \(channels) channels")
        // Lines and letters are as thick as the picture is large.
        var drawing = Drawing(self, unit: max(1, min(width, height) / 240))
        for box in boxes.reversed() { drawing.frame(box) }
        for box in boxes.reversed() { drawing.caption(box) }
        return Image(width: width, height: height, channels: 3, pixels: drawing.pixels)
    }
}

/// A picture in the making.
private struct Drawing {
    private static let dark = Palette.Color(0, 0, 0)
    private static let light = Palette.Color(255, 255, 255)

    let width: Int
    let height: Int
    /// The thickness of lines, and the side of a letter's pixels.
    let unit: Int
    var pixels: [UInt8]

    init(_ image: Image, unit: Int) {
        (width, height, pixels, self.unit) = (image.width, image.height, image.pixels, unit)
    }

    /// Paints what lies in the picture of a rectangle; ends are not part of it.
    mutating func fill(_ left: Int, _ top: Int, _ right: Int, _ bottom: Int, _ color: Palette.Color) {
        let (left, right) = (max(left, 0), min(right, width))
        let (top, bottom) = (max(top, 0), min(bottom, height))
        guard left < right, top < bottom else { return }
        for y in top..<bottom {
            for place in stride(from: (y * width + left) * 3, to: (y * width + right) * 3, by: 3) {
                pixels[place] = color.red
                pixels[place + 1] = color.green
                pixels[place + 2] = color.blue
            }
        }
    }

    /// The corners of a box in whole pixels.
    private func corners(_ box: ImageBox) -> (left: Int, top: Int, right: Int, bottom: Int) {
        func place(_ value: Double, _ most: Int) -> Int {
            value.isNaN ? 0 : Int(min(max(value.rounded(), 0), Double(most)))
        }
        return (
            place(box.left, width), place(box.top, height), place(box.right, width), place(box.bottom, height)
        )
    }

    mutating func frame(_ captioned: CaptionedBox) {
        let (left, top, right, bottom) = corners(captioned.box)
        // From outside: a dark line, the colour, a dark line.
        for (inset, thickness, color) in [
            (-1, 1, Self.dark), (unit, 1, Self.dark), (0, unit, captioned.color),
        ] {
            let (l, t, r, b) = (left + inset, top + inset, right - inset, bottom - inset)
            guard l < r, t < b else { continue }
            fill(l, t, r, t + thickness, color)
            fill(l, b - thickness, r, b, color)
            fill(l, t, l + thickness, b, color)
            fill(r - thickness, t, r, b, color)
        }
    }

    /// Above the box where there is room, else inside at its top.
    mutating func caption(_ captioned: CaptionedBox) {
        guard !captioned.caption.isEmpty else { return }
        let (left, top, _, _) = corners(captioned.box)
        let wide = (captioned.caption.count * BitmapFont.advance + 1) * unit
        let high = (BitmapFont.height + 2) * unit
        let x = max(0, min(left, width - wide))
        let y = top >= high ? top - high : top
        fill(x, y, x + wide, y + high, captioned.color)
        let ink = captioned.color.luminance > 128 ? Self.dark : Self.light
        for pixel in BitmapFont.pixels(of: captioned.caption) {
            let (px, py) = (x + (pixel.x + 1) * unit, y + (pixel.y + 1) * unit)
            fill(px, py, px + unit, py + unit, ink)
        }
    }
}

extension Image {
    /// Pictures of one size in rows from left to right, on white, each at the bottom left of its place.
    ///
    /// - Parameters:
    ///   - pictures: of three channels.
    ///   - columns: how many a row has.
    ///   - pitch: across and down from one place to the next, at least the size of a picture.
    ///   - size: of the sheet, in which all places lie.
    /// - Returns: an image of that size.
    package static func sheet(
        _ pictures: [Image],
        columns: Int,
        pitch: (across: Int, down: Int),
        size: ImageSize
    ) -> Image {
        var pixels = [UInt8](repeating: 255, count: size.height * size.width * 3)
        for (index, picture) in pictures.enumerated() {
            precondition(picture.channels == 3, "a picture of \(picture.channels) channels on a sheet")
            let (row, column) = index.quotientAndRemainder(dividingBy: columns)
            let top = row * pitch.down + pitch.down - picture.height
            for y in 0..<picture.height {
                let target = ((top + y) * size.width + column * pitch.across) * 3
                let line = picture.pixels[y * picture.width * 3..<(y + 1) * picture.width * 3]
                pixels.replaceSubrange(target..<target + line.count, with: line)
            }
        }
        return Image(width: size.width, height: size.height, channels: 3, pixels: pixels)
    }
}
