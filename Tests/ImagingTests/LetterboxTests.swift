import Imaging
import Testing

/// Images between bars, palettes, and boxes that are drawn.
struct LetterboxTests {
    private static func plan(_ image: ImageSize, _ box: Letterbox) throws -> CropPlan {
        try Preprocessing(resize: .letterbox(box)).plan(for: image, crops: .center)
    }

    // What Ultralytics' `LetterBox` and YOLOX's `preproc` make of these sizes.
    // swift-format-ignore
    @Test(arguments: [
        (ImageSize(height: 480, width: 640),  Letterbox.Place.center,  ImageBox(left: 0, top: -80, right: 640, bottom: 560)),
        (ImageSize(height: 640, width: 480),  .center,                 ImageBox(left: -80, top: 0, right: 560, bottom: 640)),
        (ImageSize(height: 480, width: 640),  .topLeft,                ImageBox(left: 0, top: 0, right: 640, bottom: 640)),
        (ImageSize(height: 100, width: 100),  .center,                 ImageBox(left: 0, top: 0, right: 100, bottom: 100)),
        (ImageSize(height: 1,   width: 5000), .topLeft,                ImageBox(left: 0, top: 0, right: 5000, bottom: 320)),
    ])
    func `the box says where the image lies, so that it can be undone`(image: ImageSize, place: Letterbox.Place, box: ImageBox) throws {
        let plan = try Self.plan(image, Letterbox(ImageSize(height: 320, width: 320), place: place))
        #expect(plan.placements.map { [$0.height, $0.width] } == [[320, 320]])
        #expect(plan.box(ofCrop: 0) == box)
    }

    @Test func `sides are rounded in the centre and cut in the corner, and never more than there is`() {
        let box = ImageSize(height: 64, width: 64)
        for (place, height) in [(Letterbox.Place.center, 43), (.topLeft, 42)] {
            let resize = Preprocessing.Resize.letterbox(Letterbox(box, place: place))
            #expect(resize.size(of: ImageSize(height: 2, width: 3)) == ImageSize(height: height, width: 64))
            #expect(resize.size(of: ImageSize(height: 333, width: 333)) == box)
            #expect(resize.size(of: ImageSize(height: 1, width: 4000)) == ImageSize(height: 1, width: 64))
        }
    }

    @Test func `the bars have the shade of the fill, in every channel`() throws {
        let image = Image(width: 2, height: 4, channels: 3, pixels: Array(repeating: 255, count: 24))
        let box = Letterbox(ImageSize(height: 4, width: 4), fill: 51)
        let crop = try Preprocessing(resize: .letterbox(box)).prepare(image, crops: .center)[0]
        for channel in 0..<3 {
            let plane = Array(crop.values[channel * 16..<channel * 16 + 16])
            #expect(plane == Array(repeatElement([0.2, 1, 1, 0.2], count: 4).joined()))
        }
        let cornered = Letterbox(ImageSize(height: 4, width: 4), fill: 0, place: .topLeft)
        let corner = try Preprocessing(resize: .letterbox(cornered)).prepare(image, crops: .center)[0]
        #expect(Array(corner.values[..<4]) == [1, 1, 0, 0])
    }

    @Test func `VOC's colours are those of its masks`() {
        let colors = Palette.pascalVOC(256).colors
        #expect(colors.count == 256 && Set(colors.map(\.hexadecimal)).count == 256)
        #expect(
            colors[..<9].map(\.hexadecimal) == [
                "#000000", "#800000", "#008000", "#808000", "#000080", "#800080", "#008080", "#808080",
                "#400000",
            ]
        )
        #expect(colors[255].hexadecimal == "#e0e0c0")
        let own = Palette([.init(1, 2, 3), .init(4, 5, 6)])
        #expect(own[1] == own.colors[1] && own[2] == own.colors[1])
        #expect(own.extended(to: 3).colors.map(\.hexadecimal) == ["#010203", "#040506", "#008000"])
    }

    @Test func `a PNG with a palette has the colours, and its places are read again`() throws {
        let pixels = (0..<35).map { UInt8($0 % 7) }
        let image = Image(width: 7, height: 5, channels: 1, pixels: pixels)
        let palette = Palette.pascalVOC(7)
        let file = try PNGEncoder.encode(image, palette)
        #expect(try ImageDecoder.indices(file[...]) == image)
        let decoded = try ImageDecoder.decode(file[...], color: .rgb).image
        #expect(Array(decoded.pixels[3 * 6..<3 * 7]) == [0, 128, 128])
        // Gray masks are their own places.
        #expect(try ImageDecoder.indices(PNGEncoder.encode(image)[...]) == image)
    }

    @Test func `boxes and captions are drawn within the picture, whatever the box`() {
        let gray = Image(width: 60, height: 40, channels: 3, pixels: Array(repeating: 90, count: 7200))
        func drawn(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> Image {
            let box = ImageBox(left: left, top: top, right: right, bottom: bottom)
            return gray.drawn([CaptionedBox(box, "cat ü 0.9", .init(230, 159, 0))])
        }
        let one = drawn(10, 15, 50, 35)
        #expect(one.pixels[(15 * 60 + 30) * 3..<(15 * 60 + 30) * 3 + 3].elementsEqual([230, 159, 0]))
        #expect(one.pixels[(25 * 60 + 30) * 3] == 90, "inside is the picture")
        #expect(one.pixels[(10 * 60 + 57) * 3] != 90, "the caption stands above")
        for corners in [
            (-50.0, -50.0, 500.0, 500.0), (59, 39, 60, 40), (-9, -9, -1, -1), (.infinity, 0, .infinity, 1),
            (.nan, .nan, .nan, .nan), (0, 0, 0, 0),
        ] {
            #expect(drawn(corners.0, corners.1, corners.2, corners.3).pixels.count == 7200)
        }
        #expect(gray.drawn([]) == gray)
    }
}
