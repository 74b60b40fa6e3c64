import Imaging
import Testing

@Suite struct ResizeTests {
    @Test(arguments: Fixtures.resize)
    func `resizes to the pixels of Pillow`(_ fixture: Fixtures.Resize) throws {
        let image = Image(
            width: fixture.width,
            height: fixture.height,
            channels: fixture.channels,
            pixels: Fixtures.bytes(fixture.source.offset, fixture.source.count)
        )
        let interpolation = try #require(Interpolation(rawValue: fixture.interpolation))
        let resized = image.resized(
            width: fixture.toWidth,
            height: fixture.toHeight,
            interpolation: interpolation
        )
        #expect(resized.width == fixture.toWidth && resized.height == fixture.toHeight)
        #expect(firstDifference(resized.pixels, Fixtures.bytes(fixture.offset, fixture.count)) == nil)
    }

    @Test(arguments: Fixtures.hashed, Interpolation.allCases)
    func `resizes and crops photographs to the pixels of torchvision`(
        _ fixture: Fixtures.Hashed,
        _ interpolation: Interpolation
    ) throws {
        let image = try ImageDecoder.decode(try Fixtures.file(fixture.file)[...], color: .rgb).image
        let preprocessing = Preprocessing(
            resize: .shorterSide(256),
            crop: ImageSize(height: 224, width: 224),
            interpolation: interpolation,
            scale: 1
        )
        let values = try preprocessing.prepare(image, crops: .center)[0].values
        let plane = 224 * 224
        let pixels = (0..<plane).flatMap { i in (0..<3).map { UInt8(values[$0 * plane + i]) } }
        #expect(crc32(pixels) == fixture.resized[interpolation.rawValue])
    }

    @Test func `a size that stays the same leaves the pixels alone`() {
        let image = Image(width: 3, height: 2, channels: 1, pixels: [1, 2, 3, 4, 5, 6])
        for interpolation in Interpolation.allCases {
            #expect(image.resized(width: 3, height: 2, interpolation: interpolation) == image)
        }
    }

    @Test func `one colour stays that colour in every size`() {
        let image = Image(width: 7, height: 5, channels: 1, pixels: [UInt8](repeating: 201, count: 35))
        for interpolation in Interpolation.allCases {
            for (width, height) in [(1, 1), (2, 11), (16, 3), (300, 200)] {
                let resized = image.resized(width: width, height: height, interpolation: interpolation)
                #expect(resized.pixels.allSatisfy { $0 == 201 }, "\(interpolation) to \(width)×\(height)")
            }
        }
    }
}
