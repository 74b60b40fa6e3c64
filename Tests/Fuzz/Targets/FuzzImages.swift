internal import Imaging

/// An image file, decoded whole under small limits: the pixels and the cost are as announced, gray and colour agree on
/// everything but the pixels, crops are made of it, and a decoder that is told to stop stops.
func fuzzImage(_ bytes: [UInt8]) {
    let limits = ImageLimits(
        maxPixels: 1 << 14,
        maxSide: 1 << 10,
        maxScans: 8,
        maxScanPixels: 1 << 16,
        maxDecoderBytes: 8 << 20
    )
    let cost = attempt { try ImageDecoder.cost(bytes[...], color: .rgb, limits: limits) }
    let color = attempt { try ImageDecoder.decode(bytes[...], color: .rgb, limits: limits) }
    let gray = attempt { try ImageDecoder.decode(bytes[...], color: .gray, limits: limits) }
    require(color == nil || cost != nil, "what is decoded has a cost")
    guard let color, let cost else { return }
    require(color.width == cost.size.width && color.height == cost.size.height, "the size is as announced")
    require(color.image.pixels.count == cost.imageBytes, "the pixels are as many as announced")
    require(cost.pixels <= limits.maxPixels && cost.decoderBytes <= limits.maxDecoderBytes, "limits hold")
    require((1...8).contains(color.orientation), "an orientation is one of eight")
    require(gray == nil || gray?.image.pixels.count == cost.pixels, "gray has a byte for each pixel")
    let rule = Preprocessing(resize: .shorterSide(9), crop: ImageSize(height: 8, width: 8))
    if let plan = attempt({ try rule.plan(for: cost.size, crops: .center, limits: limits) }) {
        let crops = attempt { try ImageDecoder.crops(plan, of: bytes[...], limits: limits) }
        require(crops?.orientation == color.orientation, "its crops stand as it does")
    }
    let stopped = attempt { try ImageDecoder.decode(bytes[...], color: .rgb, limits: limits) { false } }
    require(stopped == nil, "a decoder stops when it is told to")
    if let animation = Animation(bytes[...]) {
        let frames = attempt { try animation.frames(limits) }
        require(
            frames?.count ?? animation.count == animation.count,
            "an animation has as many frames as announced"
        )
        let first = frames.flatMap { frames in
            attempt { try ImageDecoder.decode(frames[0][...], color: .rgb) }
        }
        require(
            frames == nil || first?.image.pixels.count == cost.imageBytes,
            "a frame is as large as announced"
        )
        let none = attempt { try animation.frames(limits) { false } }
        require(none == nil, "an animation stops when it is told to")
    }
    let again = attempt { try ImageDecoder.decode(bytes[...], color: .rgb, limits: limits) }
    require(again?.image == color.image, "the same file has the same pixels")
}

/// An EXIF block in a JPEG and in a PNG: it never fails the image, and both files say the same orientation.
func fuzzExif(_ block: [UInt8]) {
    let marker = Array("Exif".utf8) + [0, 0]
    var bare = block[...]
    while bare.starts(with: marker) { bare = bare.dropFirst(marker.count) } // the readers drop one
    guard bare.count < 60_000 else { return }
    let length = UInt16(2 + marker.count + bare.count)
    let segment: [UInt8] = [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 0xFF)] + marker + bare
    let orientation = decoded(Array(tinyJPEG.prefix(2)) + segment + Array(tinyJPEG.dropFirst(2)))
    require(decoded(tinyPNG(with: Array("eXIf".utf8) + bare)) == orientation, "PNG says the same")
}

/// An XMP packet in a JPEG and in a PNG: it never fails the image, and both files say the same orientation.
func fuzzXMP(_ packet: [UInt8]) {
    let name = Array("http://ns.adobe.com/xap/1.0/".utf8) + [0]
    guard packet.count < 60_000 else { return }
    let length = UInt16(2 + name.count + packet.count)
    let segment: [UInt8] = [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 0xFF)] + name + packet
    let orientation = decoded(Array(tinyJPEG.prefix(2)) + segment + Array(tinyJPEG.dropFirst(2)))
    let chunk = Array("iTXtXML:com.adobe.xmp".utf8) + [0, 0, 0, 0, 0] + packet
    require(decoded(tinyPNG(with: chunk)) == orientation, "PNG says the same")
}

/// A chunk of text in a PNG, its kind and keyword by the first byte: it never fails the image.
func fuzzText(_ bytes: [UInt8]) {
    guard let choice = bytes.first else { return }
    let kind = ["tEXt", "zTXt", "iTXt"][Int(choice) % 3]
    let keyword = choice & 4 == 0 ? "Raw profile type exif" : "XML:com.adobe.xmp"
    _ = decoded(tinyPNG(with: Array((kind + keyword).utf8) + [0] + bytes.dropFirst()))
}

/// The PNG with one more chunk, of this name and contents, behind its header.
private func tinyPNG(with chunk: [UInt8]) -> [UInt8] {
    let framed = bigEndian(UInt32(chunk.count - 4)) + chunk + bigEndian(crc32(chunk))
    return Array(tinyPNG.prefix(33)) + framed + Array(tinyPNG.dropFirst(33))
}

private func decoded(_ bytes: [UInt8]) -> Int {
    guard let image = attempt({ try ImageDecoder.decode(bytes[...], color: .gray) }) else {
        fatalError("broken promise: an EXIF block never fails its image")
    }
    require((1...8).contains(image.orientation), "an orientation is one of eight")
    return image.orientation
}

private func bigEndian(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
}

/// PNG 1.2, appendix D.
private func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
}

/// A gray JPEG of 3×2 pixels without metadata.
// swift-format-ignore
private let tinyJPEG: [UInt8] = [
    0xFF, 0xD8, 0xFF, 0xDB, 0x00, 0x43, 0x00, 0x10, 0x0B, 0x0C, 0x0E, 0x0C, 0x0A, 0x10, 0x0E, 0x0D, 0x0E, 0x12, 0x11, 0x10, 0x13, 0x18, 0x28, 0x1A,
    0x18, 0x16, 0x16, 0x18, 0x31, 0x23, 0x25, 0x1D, 0x28, 0x3A, 0x33, 0x3D, 0x3C, 0x39, 0x33, 0x38, 0x37, 0x40, 0x48, 0x5C, 0x4E, 0x40, 0x44, 0x57,
    0x45, 0x37, 0x38, 0x50, 0x6D, 0x51, 0x57, 0x5F, 0x62, 0x67, 0x68, 0x67, 0x3E, 0x4D, 0x71, 0x79, 0x70, 0x64, 0x78, 0x5C, 0x65, 0x67, 0x63, 0xFF,
    0xC0, 0x00, 0x0B, 0x08, 0x00, 0x02, 0x00, 0x03, 0x01, 0x01, 0x11, 0x00, 0xFF, 0xC4, 0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0xFF, 0xC4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xDA, 0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x3F, 0x00, 0x31, 0xFF, 0xD9,
]

/// A gray PNG of 3×2 pixels.
// swift-format-ignore
private let tinyPNG: [UInt8] = [
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02,
    0x08, 0x00, 0x00, 0x00, 0x00, 0xB8, 0x1F, 0x39, 0xC6, 0x00, 0x00, 0x00, 0x10, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9C, 0x63, 0x8C, 0x62, 0x60, 0x60,
    0x62, 0x60, 0x60, 0x00, 0x00, 0x02, 0x8E, 0x00, 0x5E, 0x82, 0xDB, 0x51, 0x6B, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60,
    0x82,
]
