internal import CCodecs

/// An image file format that is decoded, told by the first bytes and by nothing else.
package enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg
    case png
    case webp
    case gif
    case bmp

    /// The name people use.
    package var name: String { self == .webp ? "WebP" : rawValue.uppercased() }

    /// All names, as a sentence has them.
    static let names = "JPEG, PNG, WebP, GIF and BMP"

    /// Recognises the format of a file.
    ///
    /// - Throws: `ImageError.empty`, or `.unrecognised` with what the bytes look like.
    init(recognising bytes: ArraySlice<UInt8>) throws(ImageError) {
        guard !bytes.isEmpty else { throw .empty }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) || bytes.elementsEqual([0xFF, 0xD8]) {
            self = .jpeg
        } else if Self.pngSignature.starts(with: bytes.prefix(Self.pngSignature.count)) {
            self = .png
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            self = .webp
        } else if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) {
            self = .gif
        } else if Self.isBMP(bytes) {
            self = .bmp
        } else {
            let name = ForeignFormat.of(bytes)?.name ?? (Self.isText(bytes) ? "text" : nil)
            throw .unrecognised(looksLike: name, firstBytes: Array(bytes.prefix(8)))
        }
    }

    private static let pngSignature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Two letters are little to go by: the size of the second header, where it is there, must be a known one.
    private static func isBMP(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.starts(with: "BM".utf8) else { return false }
        guard let size = ByteReader(bytes, isBigEndian: false).integer32(at: 14) else {
            return !isText(bytes)
        }
        return [12, 40, 52, 56, 64, 108, 124].contains(size)
    }

    private static func isText(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.prefix(64).allSatisfy { (0x20..<0x7F).contains($0) || (0x09...0x0D).contains($0) }
    }
}

/// A format that is not decoded, and what makes of it one that is.
struct ForeignFormat {
    let name: String
    private let offset: Int
    private let signature: String
    /// A command that converts a file; nil where none does.
    let conversion: String?

    /// The format by the bytes at the start, or after the length of a first box; nil for bytes that look like none.
    static func of(_ bytes: ArraySlice<UInt8>) -> ForeignFormat? {
        let isBareJPEGXL = bytes.starts(with: [0xFF, 0x0A])
        if isBareJPEGXL { return all.first { $0.name == "JPEG XL" } }
        return all.first { bytes.dropFirst($0.offset).starts(with: $0.signature.utf8) }
    }

    /// The command for a format of this name.
    static func conversion(of name: String) -> String? { all.first { $0.name == name }?.conversion }

    private init(_ name: String, _ offset: Int, _ signature: String, _ conversion: String?) {
        self.name = name
        self.offset = offset
        self.signature = signature
        self.conversion = conversion
    }

    // swift-format-ignore
    private static let all: [ForeignFormat] = [
        .init("TIFF",          0, "II*\u{0}",     "magick 'image.tif[0]' image.png"),
        .init("TIFF",          0, "MM\u{0}*",     "magick 'image.tif[0]' image.png"),
        .init("AVIF",          4, "ftypavi",      "avifdec image.avif image.png"),
        .init("HEIC",          4, "ftyphe",       "heif-convert image.heic image.jpg"),
        .init("HEIC",          4, "ftypmif1",     "heif-convert image.heic image.jpg"),
        .init("HEIC",          4, "ftypmsf1",     "heif-convert image.heic image.jpg"),
        .init("JPEG 2000",     4, "jP  ",         "opj_decompress -i image.jp2 -o image.png"),
        .init("JPEG XL",       4, "JXL ",         "djxl image.jxl image.png"),
        .init("Photoshop",     0, "8BPS",         "magick 'image.psd[0]' image.png"),
        .init("an icon",       0, "\u{0}\u{0}\u{1}\u{0}", "magick 'image.ico[0]' image.png"),
        .init("SVG",           0, "<svg",         "rsvg-convert image.svg --output image.png"),
        .init("SVG",           0, "<?xml",        "rsvg-convert image.svg --output image.png"),
        .init("PDF",           0, "%PDF",         "pdftoppm -png -singlefile file.pdf image"),
        .init("a ZIP archive", 0, "PK\u{3}\u{4}", "unzip archive.zip"),
        .init("a video",       4, "ftyp",         "ffmpeg -i video.mp4 -frames:v 1 image.png"),
    ]
}

extension ImageFormat {
    typealias Probe = (
        UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<codec_header>, UnsafeMutablePointer<CChar>, Int
    ) -> codec_status
    typealias Decode = (
        UnsafePointer<UInt8>?, Int, UnsafePointer<codec_target>, UnsafePointer<codec_limits>,
        UnsafePointer<codec_monitor>, UnsafeMutablePointer<CChar>, Int
    ) -> codec_status

    /// What reads a file's header.
    var probe: Probe {
        switch self {
        case .jpeg: unsafe codec_jpeg_probe
        case .png: unsafe codec_png_probe
        case .webp: unsafe codec_webp_probe
        case .gif: unsafe codec_gif_probe
        case .bmp: unsafe codec_bmp_probe
        }
    }

    /// What decodes a file.
    var decode: Decode {
        switch self {
        case .jpeg: unsafe codec_jpeg_decode
        case .png: unsafe codec_png_decode
        case .webp: unsafe codec_webp_decode
        case .gif: unsafe codec_gif_decode
        case .bmp: unsafe codec_bmp_decode
        }
    }
}
