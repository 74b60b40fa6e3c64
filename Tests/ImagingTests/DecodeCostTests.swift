import Imaging
import Testing

/// A progressive JPEG of one gray that goes over its pixels again and again, at a few bytes for each time.
struct ScanBomb {
    /// The whole file.
    let bytes: [UInt8]

    /// Writes a first scan of every block's mean and then refinements in which no coefficient changes.
    ///
    /// Codes are one bit, 0: in the first scan it says that the mean stays; in the others, with the 14 bits after
    /// it, that 16 384 blocks stay.
    init(width: Int, height: Int, scans: Int) {
        let blocks = (width + 7) / 8 * ((height + 7) / 8)
        let size = [height, width].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        let oneCode: [UInt8] = [1] + [UInt8](repeating: 0, count: 15)
        func segment(_ code: UInt8, _ contents: [UInt8]) -> [UInt8] {
            [0xFF, code, UInt8((contents.count + 2) >> 8), UInt8((contents.count + 2) & 255)] + contents
        }
        func scan(_ first: UInt8, _ last: UInt8, _ bits: UInt8, zeros: Int) -> [UInt8] {
            segment(0xDA, [1, 1, 0, first, last, bits]) + [UInt8](repeating: 0, count: (zeros + 7) / 8)
        }
        let refinement = scan(1, 63, 0x10, zeros: (blocks + 16_383) / 16_384 * 15)
        var bytes: [UInt8] = [0xFF, 0xD8] + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
        bytes += segment(0xC2, [8] + size + [1, 1, 0x11, 0])
        bytes += segment(0xC4, [0x00] + oneCode + [0]) + segment(0xC4, [0x10] + oneCode + [0xE0])
        bytes += scan(0, 0, 0, zeros: blocks)
        for _ in 1..<scans { bytes += refinement }
        self.bytes = bytes + [0xFF, 0xD9]
    }
}

@Suite struct DecodeCostTests {
    private func cost(
        _ bytes: [UInt8],
        _ color: ColorMode = .rgb,
        _ limits: ImageLimits = ImageLimits()
    ) throws -> DecodeCost {
        try ImageDecoder.cost(bytes[...], color: color, limits: limits)
    }

    @Test func `many scans over many pixels are refused before they are decoded`() throws {
        let bytes = ScanBomb(width: 7000, height: 7000, scans: 100).bytes
        var asked = 0
        let error = #expect(throws: ImageError.self) {
            try ImageDecoder.decode(bytes[...], color: .gray) {
                asked += 1
                return true
            }
        }
        #expect(asked == 0)
        #expect(error == .tooCostly(.jpeg, .scanPixels(pixels: 49_000_000, scans: 100, limit: 1_200_000_000)))
        #expect(
            error?.description
                == "the JPEG image is too costly: its 49000000 pixels in 100 scans make 4900000000 to decode; "
                + "at most 1200000000 (max_scan_pixels) are accepted: save it with fewer scans, or smaller"
        )
    }

    @Test func `a progressive photograph of the largest size in ten scans is accepted`() throws {
        let cost = try cost(ScanBomb(width: 12_000, height: 10_000, scans: 10).bytes, .gray)
        #expect(cost.pixels == 120_000_000 && cost.scans == 10 && cost.scanPixels == 1_200_000_000)
        #expect(cost.imageBytes == 120_000_000)
        #expect((240_000_000..<250_000_000).contains(cost.decoderBytes)) // a coefficient is two bytes
    }

    // swift-format-ignore
    @Test(arguments: [
        ("jpeg-420-33x27.jpg",        1, 33 * 27),
        ("jpeg-restarts.jpg",         1, 40 * 30),
        ("jpeg-stray-bytes.jpg",      1, 20 * 20),
        ("jpeg-420-progressive.jpg", 10, 35 * 22),
        ("jpeg-gray-progressive.jpg", 6, 29 * 21),
        ("png-rgb8-interlaced.png",   1, 9 * 10),
    ])
    func `scans are counted by their markers`(_ file: String, _ scans: Int, _ pixels: Int) throws {
        let bytes = try Fixtures.file(file)
        let cost = try cost(bytes)
        #expect(cost.scans == scans && cost.pixels == pixels && cost.imageBytes == 3 * pixels)
        #expect(cost.bytes == cost.imageBytes + cost.decoderBytes)
        // What follows the end of the image is no part of it.
        let doubled = bytes + bytes
        #expect(try self.cost(doubled).scans == scans)
    }

    @Test func `the bytes of a decoder are enough for it`() throws {
        for name in try Fixtures.fileNames() {
            let bytes = try Fixtures.file(name)
            let cost = try cost(bytes)
            let limits = ImageLimits(maxDecoderBytes: cost.decoderBytes)
            #expect(throws: Never.self, "\(name)") {
                try ImageDecoder.decode(bytes[...], color: .rgb, limits: limits)
            }
            let less = ImageLimits(maxDecoderBytes: cost.decoderBytes - 1)
            let excess = DecodeCost.Excess.decoderBytes(cost.decoderBytes, limit: cost.decoderBytes - 1)
            #expect(throws: ImageError.tooCostly(cost.format(of: name), excess)) {
                try self.cost(bytes, .rgb, less)
            }
        }
    }

    @Test func `a file beyond a limit is refused without decoding`() throws {
        let bytes = try Fixtures.file("jpeg-420-progressive.jpg")
        #expect(throws: ImageError.tooCostly(.jpeg, .scans(10, limit: 9))) {
            try cost(bytes, .rgb, ImageLimits(maxScans: 9))
        }
        let limits = ImageLimits(maxPixels: 35 * 22 - 1)
        #expect(throws: ImageError.tooLarge(width: 35, height: 22, limits: limits)) {
            try cost(bytes, .rgb, limits)
        }
    }
}

extension DecodeCost {
    /// The format that a fixture's name ends with.
    fileprivate func format(of name: String) -> ImageFormat { name.hasSuffix("png") ? .png : .jpeg }
}
