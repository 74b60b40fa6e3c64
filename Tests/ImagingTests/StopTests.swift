import Imaging
import Testing

/// Decoding and preparing end where the caller says so, and ask often enough to end soon.
@Suite struct StopTests {
    /// Counts the questions, and answers the last with no.
    private final class Count {
        private(set) var asked = 0
        private let last: Int

        init(until last: Int = .max) { self.last = last }

        func shouldContinue() -> Bool {
            asked += 1
            return asked < last
        }
    }

    private func decode(_ bytes: [UInt8], _ count: Count) throws -> DecodedImage {
        try ImageDecoder.decode(bytes[...], color: .rgb, while: count.shouldContinue)
    }

    // swift-format-ignore
    @Test(arguments: [
        ("jpeg-420-33x27.jpg",       27),           // rows
        ("jpeg-420-progressive.jpg", 22 + 10 * 2),  // rows, and two rows of blocks in each of ten scans
        ("jpeg-cmyk.jpg",            18),
        ("png-rgb8.png",             10),
        ("png-rgb8-interlaced.png",  2 + 2 + 1 + 3 + 2 + 5 + 5),
    ])
    func `a decoding ends at each question that is answered with no`(_ file: String, _ least: Int) throws {
        let bytes = try Fixtures.file(file)
        let whole = Count()
        let image = try decode(bytes, whole).image
        #expect(whole.asked >= least, "\(image.width)×\(image.height)")
        for last in 1...whole.asked {
            let count = Count(until: last)
            #expect(throws: ImageError.stopped) { try decode(bytes, count) }
            #expect(count.asked == last)
        }
    }

    // swift-format-ignore
    @Test(arguments: [
        ("lossy-smooth.webp",       150 + 1),
        ("animated-part.webp",      20 + 1),
        ("plain.gif",               19 + 1),
        ("interlaced-19.gif",       19 + 1),
        ("bits-24-width-33.bmp",    6),
        ("runs-4.bmp",              6 + 1),
    ])
    func `a decoding of the other formats ends at each question too`(_ file: String, _ least: Int) throws {
        let bytes = try #require(FormatTests.cases.first { $0.file == file }).bytes()
        let whole = Count()
        _ = try decode(bytes, whole)
        #expect(whole.asked >= least)
        for last in 1...whole.asked {
            let count = Count(until: last)
            #expect(throws: ImageError.stopped) { try decode(bytes, count) }
            #expect(count.asked == last)
        }
    }

    @Test func `a scan of many pixels asks at each row of blocks`() throws {
        let count = Count()
        let bytes = ScanBomb(width: 2000, height: 1600, scans: 8).bytes
        #expect(try decode(bytes, count).image.pixels.allSatisfy { $0 == 128 })
        #expect(count.asked >= 8 * 1600 / 8)
    }

    @Test(arguments: Interpolation.allCases, [CropMode.center, .inception, .dense])
    func `a preparation ends at each question that is answered with no`(
        _ interpolation: Interpolation,
        _ mode: CropMode
    ) throws {
        let pixels = (0..<40 * 50).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let image = Image(width: 40, height: 50, channels: 1, pixels: pixels)
        let crop = ImageSize(height: 16, width: 16)
        let preprocessing = Preprocessing(
            resize: .shorterSide(20),
            crop: crop,
            interpolation: interpolation,
            color: .gray
        )
        let whole = Count()
        let crops = try preprocessing.prepare(image, crops: mode, while: whole.shouldContinue)
        #expect(whole.asked >= 16 + crops.count)
        for last in 1...whole.asked {
            let count = Count(until: last)
            #expect(throws: PreprocessingError.stopped) {
                try preprocessing.prepare(image, crops: mode, while: count.shouldContinue)
            }
            #expect(count.asked == last)
        }
    }
}
