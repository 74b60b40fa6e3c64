import Imaging
import Testing

@Suite struct RegionTransformTests {
    private static let image = ImageSize(height: 100, width: 100)
    private static let input = ImageSize(height: 227, width: 227)

    private static func box(_ left: Int, _ top: Int, _ right: Int, _ bottom: Int) -> PixelBox {
        PixelBox(left: left, top: top, right: right, bottom: bottom)
    }

    // With 16 pixels of padding 195 are left of 227. A side of 20 is shown in a whole of 20 · 227 / 195 = 23.28 around the
    // same centre, one of 10 in 11.64 when it is warped.
    // swift-format-ignore
    @Test(arguments: [
        // 50 ± 11.64
        (RegionTransform.Shape.warp, box(40, 40, 60, 60), box(38, 38, 62, 62), box(0, 0, 227, 227)),
        // 10 ± 11.64 and 5 ± 5.82 begin two and one before the image: 2 · 227 / 24 = 18.9, 1 · 227 / 12 = 18.9
        (.warp, box(0, 0, 20, 10), box(0, 0, 22, 11), box(19, 19, 227, 227)),
        // 45 ± 11.64 downwards
        (.squareWithContext, box(40, 40, 60, 50), box(38, 33, 62, 57), box(0, 0, 227, 227)),
        // 45 ± (5 + 16 · 20 / 195) = 38.36 … 51.64; (38 − 33) · 227 / 24 = 47.3, (52 − 33) · 227 / 24 = 179.7
        (.squareWithoutContext, box(40, 40, 60, 50), box(38, 38, 62, 52), box(0, 47, 227, 180)),
        // 95 ± 11.64 = 83 … 107 across, of which 100 is the image: (100 − 83) · 227 / 24 = 160.8
        (.squareWithContext, box(90, 40, 100, 60), box(83, 38, 100, 62), box(0, 0, 161, 227)),
        // the whole image: 50 ± 58.2 = −8 … 108; 8 · 227 / 116 = 15.7, 108 · 227 / 116 = 211.3
        (.warp, box(0, 0, 100, 100), box(0, 0, 100, 100), box(16, 16, 211, 211)),
    ])
    func `a region is seen where the paper has it`(
        _ shape: RegionTransform.Shape,
        _ region: PixelBox,
        _ part: PixelBox,
        _ place: PixelBox
    ) {
        let view = RegionTransform(shape).view(of: region, in: Self.image, as: Self.input)
        #expect(view.part == part && view.place == place, "\(view)")
    }

    @Test func `without padding a region is what is seen`() {
        for region in [Self.box(0, 0, 1, 1), Self.box(99, 3, 100, 90), Self.box(17, 40, 64, 59)] {
            let warped = RegionTransform(.warp, padding: 0).view(of: region, in: Self.image, as: Self.input)
            #expect(warped.part == region && warped.place == Self.box(0, 0, 227, 227))
            let tight = RegionTransform(.squareWithoutContext, padding: 0)
                .view(of: region, in: Self.image, as: Self.input)
            #expect(tight.part == region)
            #expect(max(tight.place.width, tight.place.height) == 227)
        }
    }

    @Test func `every view is of some pixels, within the image and the input`() {
        var random = SeededGenerator(state: 7)
        func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
        for _ in 0..<20_000 {
            let image = ImageSize(height: number(1...90), width: number(1...90))
            let (left, top) = (number(0...image.width - 1), number(0...image.height - 1))
            let (right, bottom) = (number(left + 1...image.width), number(top + 1...image.height))
            let region = Self.box(left, top, right, bottom)
            let padding = number(0...6)
            let input = ImageSize(
                height: number(2 * padding + 1...40),
                width: number(2 * padding + 1...40)
            )
            let shape = RegionTransform.Shape.allCases[number(0...2)]
            let view = RegionTransform(shape, padding: padding).view(of: region, in: image, as: input)
            let isWithin =
                view.part.left >= 0 && view.part.top >= 0 && view.part.width > 0 && view.part.height > 0
                && view.part.right <= image.width && view.part.bottom <= image.height
                && view.place.left >= 0 && view.place.top >= 0 && view.place.width > 0
                && view.place.height > 0 && view.place.right <= input.width
                && view.place.bottom <= input.height
            #expect(isWithin, "\(shape) \(padding) of \(region) in \(image) as \(input): \(view)")
        }
    }
}

@Suite struct RegionCropsTests {
    /// The image of make_region_fixtures.py.
    private static let pattern = Image(
        width: 61,
        height: 47,
        channels: 3,
        pixels: (0..<47).flatMap { y in
            (0..<61).flatMap { x in
                (0..<3).map { UInt8(truncatingIfNeeded: 7 * x + 13 * y + 29 * $0 + x * y) }
            }
        }
    )

    @Test func `crops have the pixels of Pillow, and zeros where no image is`() throws {
        let cases = try Fixtures.regions()
        #expect(cases.count == 84)
        for fixture in cases {
            let shape = try #require(RegionTransform.Shape(rawValue: fixture.shape))
            let crops = try RegionCrops(
                RegionTransform(shape, padding: fixture.padding),
                of: Self.pattern,
                as: ImageSize(height: fixture.height, width: fixture.width),
                Preprocessing(
                    interpolation: try #require(Interpolation(rawValue: fixture.interpolation)),
                    scale: 1
                )
            )
            let sides = fixture.region
            var values = [Float](repeating: -1, count: crops.count)
            var span = values.mutableSpan
            try crops.write(
                PixelBox(left: sides[0], top: sides[1], right: sides[2], bottom: sides[3]),
                into: &span
            )
            #expect(crc32(values.map { UInt8($0) }) == fixture.crc32, "\(fixture)")
        }
    }

    @Test func `what no image covers is the mean in every colour`() throws {
        let crops = try RegionCrops(
            RegionTransform(.squareWithoutContext, padding: 0),
            of: Self.pattern,
            as: ImageSize(height: 20, width: 20),
            Preprocessing(color: .bgr, mean: [0.2, 0.5, 0.7], std: [0.1, 0.2, 0.3])
        )
        var values = [Float](repeating: .nan, count: crops.count)
        var span = values.mutableSpan
        try crops.write(PixelBox(left: 10, top: 10, right: 30, bottom: 20), into: &span)
        for channel in 0..<3 {
            for y in 0..<20 {
                let row = values[(channel * 20 + y) * 20..<(channel * 20 + y + 1) * 20]
                #expect(row.allSatisfy { $0 == 0 } == !(5..<15 ~= y), "row \(y) of channel \(channel)")
            }
        }
        // The first plane is blue: pixel (10, 10) is 70 + 130 + 58 + 100 = 358, which is 102.
        let difference = values[5 * 20] - Float((102.0 / 255 - 0.2) / 0.1)
        #expect(abs(difference) < 1e-5, "\(difference)")
    }

    @Test func `what cannot be is refused, and what nobody waits for ends`() throws {
        let gray = Image(width: 2, height: 1, channels: 1, pixels: [1, 2])
        let input = ImageSize(height: 8, width: 32)
        #expect(throws: PreprocessingError.channels(expected: .rgb, found: 1)) {
            try RegionCrops(RegionTransform(padding: 0), of: gray, as: input, Preprocessing())
        }
        #expect(throws: PreprocessingError.outOfRange(setting: "padding", range: 0...3, found: 4)) {
            try RegionCrops(RegionTransform(padding: 4), of: gray, as: input, Preprocessing(color: .gray))
        }
        let crops = try RegionCrops(
            RegionTransform(padding: 3),
            of: gray,
            as: input,
            Preprocessing(color: .gray)
        )
        var values = [Float](repeating: 0, count: crops.count)
        var span = values.mutableSpan
        let region = PixelBox(left: 0, top: 0, right: 2, bottom: 1)
        try crops.write(region, into: &span)
        #expect(throws: PreprocessingError.stopped) {
            try crops.write(region, into: &span, while: { false })
        }
    }
}
