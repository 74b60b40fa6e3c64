import Imaging
import Testing

@Suite struct ImageDecoderTests {
    @Test(arguments: Fixtures.decode)
    func `decodes to the pixels of Pillow`(_ fixture: Fixtures.Decode) throws {
        let color = try #require(ColorMode(rawValue: fixture.color))
        let decoded = try ImageDecoder.decode(try Fixtures.file(fixture.file)[...], color: color)
        #expect(decoded.width == fixture.width && decoded.height == fixture.height)
        #expect(decoded.image.channels == color.channels)
        let expected = Fixtures.bytes(fixture.offset, fixture.count)
        #expect(firstDifference(decoded.image.pixels, expected) == nil)
    }

    @Test(arguments: Fixtures.hashed)
    func `decodes larger files to the pixels of Pillow`(_ fixture: Fixtures.Hashed) throws {
        let decoded = try ImageDecoder.decode(try Fixtures.file(fixture.file)[...], color: .rgb)
        #expect(crc32(decoded.image.pixels) == fixture.pixels)
    }

    @Test func `stores bgr as red, green, blue`() throws {
        let bytes = try Fixtures.file("png-rgb8.png")
        let rgb = try ImageDecoder.decode(bytes[...], color: .rgb)
        let bgr = try ImageDecoder.decode(bytes[...], color: .bgr)
        #expect(rgb.image == bgr.image)
    }

    @Test(arguments: 1...8)
    func `reports the orientation that it applied`(_ orientation: Int) throws {
        let decoded = try ImageDecoder.decode(try Fixtures.file("exif-\(orientation).jpg")[...], color: .rgb)
        #expect(decoded.orientation == orientation)
        #expect(decoded.format == .jpeg)
        #expect((decoded.width > decoded.height) == (orientation < 5))
    }

    @Test func `reads a slice that does not start at zero`() throws {
        let bytes = try Fixtures.file("exif-6.png")
        let padded = [0xFF, 0xD8] + bytes + [1, 2, 3]
        let decoded = try ImageDecoder.decode(padded[2..<2 + bytes.count], color: .gray)
        #expect(decoded.image == (try ImageDecoder.decode(bytes[...], color: .gray).image))
        #expect(decoded.format == .png && decoded.orientation == 6)
    }

    @Test func `names the libraries it uses`() {
        #expect(ImageDecoder.libraries.contains("libpng 1."))
        #expect(ImageDecoder.libraries.contains("libjpeg"))
        #expect(ImageDecoder.libraries.contains("libwebp 1."))
    }
}
