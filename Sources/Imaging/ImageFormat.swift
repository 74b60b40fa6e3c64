/// An image file format that is decoded, told by the first bytes and by nothing else.
package enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg
    case png

    /// The name people use.
    package var name: String { rawValue.uppercased() }

    /// Recognises the format of a file.
    ///
    /// - Throws: `ImageError.empty`, or `.unrecognised` with what the bytes look like.
    init(recognising bytes: ArraySlice<UInt8>) throws(ImageError) {
        guard !bytes.isEmpty else { throw .empty }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) || bytes.elementsEqual([0xFF, 0xD8]) {
            self = .jpeg
        } else if Self.pngSignature.starts(with: bytes.prefix(Self.pngSignature.count)) {
            self = .png
        } else {
            throw .unrecognised(looksLike: Self.foreignFormat(of: bytes), firstBytes: Array(bytes.prefix(8)))
        }
    }

    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Other formats by the bytes at the start, or after the length of a first box.
    // swift-format-ignore
    private static let foreignFormats: [(name: String, offset: Int, signature: String)] = [
        ("GIF",          0, "GIF8"),
        ("WebP",         8, "WEBP"),
        ("BMP",          0, "BM"),
        ("TIFF",         0, "II*\u{0}"),
        ("TIFF",         0, "MM\u{0}*"),
        ("AVIF",         4, "ftypavif"),
        ("HEIC",         4, "ftyphei"),
        ("HEIC",         4, "ftypmif1"),
        ("JPEG 2000",    4, "jP  "),
        ("JPEG XL",      4, "JXL "),
        ("Photoshop",    0, "8BPS"),
        ("PDF",          0, "%PDF"),
        ("a ZIP archive", 0, "PK\u{3}\u{4}"),
        ("a video",      4, "ftyp"),
    ]

    private static func foreignFormat(of bytes: ArraySlice<UInt8>) -> String? {
        for format in foreignFormats
        where bytes.dropFirst(format.offset).starts(with: format.signature.utf8) {
            return format.name
        }
        let isText = bytes.prefix(64).allSatisfy { (0x20..<0x7F).contains($0) || (0x09...0x0D).contains($0) }
        return isText ? "text" : nil
    }
}
