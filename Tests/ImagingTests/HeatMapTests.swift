import Imaging
import Testing

/// What is drawn, and the files that are made of it.
struct HeatMapTests {
    private static func image(_ width: Int, _ height: Int, channels: Int) -> Image {
        let pixels = (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * 37 + $0 / 11) }
        return Image(width: width, height: height, channels: channels, pixels: pixels)
    }

    @Test(arguments: [(1, 1, 3), (7, 5, 3), (64, 3, 1), (1, 300, 1), (640, 480, 3)])
    func `a PNG decodes to the pixels that it was made of`(width: Int, height: Int, channels: Int) throws {
        let image = Self.image(width, height, channels: channels)
        let file = try PNGEncoder.encode(image)
        let decoded = try ImageDecoder.decode(file[...], color: channels == 1 ? .gray : .rgb)
        #expect(decoded.image == image)
        #expect(decoded.format == .png)
        #expect(try PNGEncoder.encode(image) == file, "the same image, the same bytes")
        let most = PNGEncoder.mostBytes(ImageSize(height: height, width: width), channels: channels)
        #expect(file.count <= most)
    }

    @Test func `the smallest value is dark, the largest bright, and in between it goes up`() {
        let map = HeatMap(height: 1, width: 2, values: [-3, 5])
        let image = map.drawn(ImageSize(height: 4, width: 64))
        func light(_ x: Int) -> Int { image.pixels[3 * x..<3 * x + 3].reduce(0) { $0 + Int($1) } }
        #expect(Array(image.pixels[..<3]) == [0, 0, 4], "inferno begins")
        #expect(Array(image.pixels[3 * 63..<3 * 64]) == [252, 255, 164], "inferno ends")
        let red = (0..<64).map { Int(image.pixels[3 * $0]) }
        #expect(zip(red, red.dropFirst()).allSatisfy { $1 + 9 >= $0 })
        #expect(light(10) < light(32) && light(32) < light(60))
        let flat = HeatMap(height: 2, width: 2, values: [7, 7, 7, 7]).drawn(ImageSize(height: 2, width: 2))
        #expect(flat.pixels == [0, 0, 4, 0, 0, 4, 0, 0, 4, 0, 0, 4])
    }

    @Test func `an overlay leaves what is outside of the box`() {
        let image = Self.image(10, 8, channels: 3)
        let map = HeatMap(height: 1, width: 1, values: [1])
        let drawn = map.drawn(over: image, at: ImageBox(left: 2, top: 3, right: 6, bottom: 20))
        for y in 0..<8 {
            for x in 0..<10 {
                let place = 3 * (y * 10 + x)
                let isInside = (2..<6).contains(x) && y >= 3
                let isSame = drawn.pixels[place..<place + 3] == image.pixels[place..<place + 3]
                #expect(isSame != isInside, "\(x), \(y)")
            }
        }
    }

    @Test func `the box of a crop is in pixels of the image, and beyond it where the crop is padded`() throws
    {
        let centered = Preprocessing(resize: .shorterSide(128), crop: ImageSize(height: 112, width: 112))
        let plan = try centered.plan(for: ImageSize(height: 256, width: 512), crops: .center)
        #expect(plan.box(ofCrop: 0) == ImageBox(left: 144, top: 16, right: 368, bottom: 240))
        let padded = Preprocessing(resize: .shorterSide(28), pad: 4, crop: ImageSize(height: 32, width: 32))
        let small = try padded.plan(for: ImageSize(height: 56, width: 56), crops: .center)
        #expect(small.box(ofCrop: 0) == ImageBox(left: -4, top: -4, right: 60, bottom: 60))
    }

    @Test func `a large picture is made smaller`() {
        let image = Self.image(300, 200, channels: 3)
        #expect(image.shrunk(toAtMost: 300) == image)
        let small = image.shrunk(toAtMost: 150)
        #expect(small?.width == 150 && small?.height == 100)
        #expect(image.shrunk(toAtMost: 10, while: { false }) == nil)
    }
}
