import Imaging
import Testing

@Suite struct MalformedImageTests {
    /// The error that decoding these bytes ends with.
    private func failure(_ bytes: [UInt8], limits: ImageLimits = ImageLimits()) -> ImageError? {
        #expect(throws: ImageError.self) {
            try ImageDecoder.decode(bytes[...], color: .rgb, limits: limits)
        }
    }

    /// A chunk of a PNG file with its checksum.
    private func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
    }

    private func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// The start of a gray PNG file of this size, with data that hold no row.
    private func png(width: UInt32, height: UInt32) -> [UInt8] {
        let header = bigEndian(width) + bigEndian(height) + [8, 0, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", header) + chunk("IDAT", [0x78, 0x9C, 3, 0, 0, 0, 0, 1]) + chunk("IEND", [])
    }

    /// A JPEG file with another size in its frame header.
    private func jpeg(_ name: String, width: UInt16, height: UInt16) throws -> [UInt8] {
        var bytes = try Fixtures.file(name)
        let frame = try #require(
            bytes.indices.dropLast(9).first { bytes[$0] == 0xFF && (0xC0...0xC2).contains(bytes[$0 + 1]) }
        )
        let size = [height, width].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        bytes.replaceSubrange(frame + 5..<frame + 9, with: size)
        return bytes
    }

    @Test func `an empty image is named so`() {
        #expect(failure([]) == .empty)
    }

    // swift-format-ignore
    private static let foreign: [(String, String)] = [
        ("TIFF",          "II*\u{0}\u{8}\u{0}\u{0}\u{0}"),
        ("TIFF",          "MM\u{0}*\u{0}\u{0}\u{0}\u{8}"),
        ("AVIF",          "\u{0}\u{0}\u{0}\u{20}ftypavif"),
        ("HEIC",          "\u{0}\u{0}\u{0}\u{20}ftypheic"),
        ("AVIF",          "\u{0}\u{0}\u{0}\u{1C}ftypavis"),
        ("HEIC",          "\u{0}\u{0}\u{0}\u{18}ftypmif1"),
        ("JPEG XL",       "\u{0}\u{0}\u{0}\u{C}JXL \r\n"),
        ("JPEG 2000",     "\u{0}\u{0}\u{0}\u{C}jP  \r\n"),
        ("Photoshop",     "8BPS\u{0}\u{1}"),
        ("an icon",       "\u{0}\u{0}\u{1}\u{0}\u{1}\u{0}"),
        ("SVG",           "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("SVG",           "<?xml version=\"1.0\"?><svg/>"),
        ("PDF",           "%PDF-1.7"),
        ("a video",       "\u{0}\u{0}\u{0}\u{18}ftypmp42"),
        ("a ZIP archive", "PK\u{3}\u{4}"),
    ]

    @Test(arguments: foreign)
    func `another format is named with a line that converts it`(_ name: String, _ content: String) {
        let bytes = Array(content.utf8)
        let error = failure(bytes)
        #expect(error == .unrecognised(looksLike: name, firstBytes: Array(bytes.prefix(8))))
        let start =
            "the bytes look like \(name); JPEG, PNG, WebP, GIF and BMP are supported: convert it first, as by `"
        #expect(error?.description.hasPrefix(start) == true)
    }

    // swift-format-ignore
    @Test(arguments: [
        "{\"image\": \"aGVsbG8=\"}\n",
        "BMW, said the label, but no bitmap is here",
        "BM",
    ])
    func `text is named so`(_ text: String) {
        #expect(failure(Array(text.utf8))?.description == "the bytes look like text; JPEG, PNG, WebP, GIF and BMP are supported")
    }

    @Test func `a JPEG XL image without a box is named`() {
        #expect(failure([0xFF, 0x0A, 0xFA, 0x1F])?.description.contains("djxl image.jxl image.png") == true)
    }

    @Test func `unknown bytes are shown`() {
        let error = failure([0, 1, 0xAB, 0xCD, 0xFF, 5, 6, 7, 8, 9])
        #expect(error?.description.contains("they start with 00 01 ab cd ff 05 06 07;") == true)
    }

    @Test func `a PNG of 60000×60000 is refused before its pixels are allocated`() {
        let limits = ImageLimits()
        let error = failure(png(width: 60_000, height: 60_000))
        #expect(error == .tooLarge(width: 60_000, height: 60_000, limits: limits))
        #expect(
            error?.description.contains(
                "60000×60000 pixels; at most 120000000 (max_pixels), and 65535 on a side (max_side)"
            ) == true
        )
        let headerAlone = failure(Array(png(width: 60_000, height: 60_000).prefix(33)))
        #expect(headerAlone == .tooLarge(width: 60_000, height: 60_000, limits: limits))
        #expect(
            failure(png(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF))
                == .tooLarge(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF, limits: limits)
        )
        #expect(failure(png(width: 65_536, height: 1)) == .tooLarge(width: 65_536, height: 1, limits: limits))
    }

    @Test func `a JPEG that declares too many pixels is refused`() throws {
        let bytes = try jpeg("jpeg-420-progressive.jpg", width: 65_500, height: 65_500)
        #expect(failure(bytes) == .tooLarge(width: 65_500, height: 65_500, limits: ImageLimits()))
    }

    @Test func `an image of no pixels is refused`() throws {
        #expect(failure(png(width: 0, height: 5))?.description.contains("width is zero") == true)
        #expect(failure(png(width: 5, height: 0))?.description.contains("height is zero") == true)
        guard case .corrupt(.jpeg, _)? = failure(try jpeg("jpeg-444-16x16.jpg", width: 0, height: 16)) else {
            Issue.record("a JPEG of width 0 is not corrupt")
            return
        }
    }

    @Test(arguments: [
        "jpeg-420-33x27.jpg", "jpeg-444-progressive.jpg", "jpeg-cmyk.jpg", "jpeg-gray.jpg", "exif-6.jpg",
    ])
    func `a JPEG cut anywhere is truncated`(_ name: String) throws {
        let bytes = try Fixtures.file(name)
        for count in 2..<bytes.count {
            #expect(failure(Array(bytes.prefix(count))) == .truncated(.jpeg), "after \(count) bytes")
        }
    }

    @Test(arguments: ["png-rgb8.png", "png-gray1-interlaced.png", "png-palette4.png", "png-rgba16.png"])
    func `a PNG cut anywhere before its end is truncated`(_ name: String) throws {
        let bytes = try Fixtures.file(name)
        for count in 1..<bytes.count - 12 { // the last chunk holds nothing
            #expect(failure(Array(bytes.prefix(count))) == .truncated(.png), "after \(count) bytes")
        }
    }

    @Test(arguments: ["IHDR", "PLTE"])
    func `a PNG with a wrong checksum before its pixels is corrupt`(_ name: String) throws {
        var bytes = try Fixtures.file("png-palette8.png")
        let start = try #require(
            bytes.indices.dropLast(4).first { bytes[$0..<$0 + 4].elementsEqual(name.utf8) }
        )
        let length = bytes[start - 2..<start].reduce(0) { $0 << 8 | Int($1) }
        bytes[start + 4 + length] ^= 1
        #expect(failure(bytes) == .corrupt(.png, "\(name): CRC error"))
    }

    @Test func `a PNG whose data end early is corrupt`() {
        guard case .corrupt(.png, let reason)? = failure(png(width: 4, height: 4)) else {
            Issue.record("a PNG without rows is not corrupt")
            return
        }
        #expect(reason.contains("Not enough image data"))
    }

    @Test func `a JPEG that loses pixels is corrupt`() throws {
        var bytes = try Fixtures.file("jpeg-444-33x27.jpg")
        bytes.replaceSubrange(bytes.count - 60..<bytes.count - 58, with: [0xFF, 0xD9])
        guard case .corrupt(.jpeg, let reason)? = failure(bytes) else {
            Issue.record("a JPEG that ends in the middle of its scan is not corrupt")
            return
        }
        #expect(reason == "Corrupt JPEG data: premature end of data segment")
    }

    @Test func `a progressive JPEG with too many scans is refused`() throws {
        let bytes = try Fixtures.file("jpeg-420-progressive.jpg")
        let error = failure(bytes, limits: ImageLimits(maxScans: 3))
        #expect(error == .tooCostly(.jpeg, .scans(10, limit: 3)))
    }

    @Test func `a progressive JPEG that needs too much memory is refused`() throws {
        let bytes = try jpeg("jpeg-420-progressive.jpg", width: 6000, height: 6000)
        let error = failure(bytes, limits: ImageLimits(maxDecoderBytes: 1 << 20))
        guard case .tooCostly(.jpeg, .decoderBytes(let bytes, limit: 1 << 20))? = error else {
            Issue.record("\(error.map(String.init(describing:)) ?? "no error")")
            return
        }
        let coefficients = 6000 * 6000 * 3 // 4:2:0: half as many again as luma's, two bytes each
        #expect((coefficients..<coefficients * 11 / 10).contains(bytes))
    }

    @Test func `data after the last row that inflate to much more than the image are refused`() throws {
        // Stored blocks of zeros: the rows of a 1×1 image, then megabytes that no row needs.
        let block: [UInt8] = [0, 0xFF, 0xFF, 0, 0] + [UInt8](repeating: 0, count: 0xFFFF)
        var data: [UInt8] = [0x78, 0x01]
        for _ in 0..<32 { data += block }
        let header = bigEndian(1) + bigEndian(1) + [8, 0, 0, 0, 0]
        let bytes = Array(png(width: 1, height: 1).prefix(8)) + chunk("IHDR", header) + chunk("IDAT", data)
        #expect(failure(bytes) == .corrupt(.png, "it has more compressed data than its rows need"))
    }
}
