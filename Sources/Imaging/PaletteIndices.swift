extension ImageDecoder {
    /// The places in its palette that the pixels of a PNG have, or of a gray image the grays: masks are kept so.
    ///
    /// Where two colours of a palette are the same, their pixels have the lower place.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - limits: as for `decode`.
    /// - Returns: the upright image in one channel.
    /// - Throws: as `decode`.
    package static func indices(
        _ bytes: ArraySlice<UInt8>,
        limits: ImageLimits = ImageLimits()
    ) throws(ImageError) -> Image {
        guard let palette = palette(of: bytes) else {
            return try decode(bytes, color: .gray, limits: limits).image
        }
        let image = try decode(bytes, color: .rgb, limits: limits).image
        var places: [UInt32: UInt8] = [:]
        for place in stride(from: palette.count / 3 - 1, through: 0, by: -1) {
            places[key(palette, place)] = UInt8(place)
        }
        let pixels = (0..<image.width * image.height).map { places[key(image.pixels, $0)] ?? 0 }
        return Image(width: image.width, height: image.height, channels: 1, pixels: pixels)
    }

    private static func key(_ colors: [UInt8], _ place: Int) -> UInt32 {
        colors[place * 3..<place * 3 + 3].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The colours of a PNG's palette; nil where pixels are no places in one.
    ///
    /// - Source: W3C PNG, third edition, §5.3, §11.2.1 (colour type 3), §11.2.2 (PLTE).
    private static func palette(of bytes: ArraySlice<UInt8>) -> [UInt8]? {
        let header = Array(bytes.prefix(33))
        guard header.count == 33, header.starts(with: [0x89, 0x50, 0x4E, 0x47]), header[25] == 3 else {
            return nil
        }
        var rest = bytes.dropFirst(8)
        while rest.count >= 12 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let isPalette = rest.dropFirst(4).prefix(4).elementsEqual("PLTE".utf8)
            let data = rest.dropFirst(8)
            guard length <= data.count - 4 else { return nil }
            if isPalette { return length % 3 == 0 && length <= 768 ? Array(data.prefix(length)) : nil }
            rest = data.dropFirst(length + 4)
        }
        return nil
    }
}
