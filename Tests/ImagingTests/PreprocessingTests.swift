import Imaging
import Testing

@Suite struct PreprocessingTests {
    @Test(arguments: Fixtures.prepare)
    func `prepares the crops of torchvision`(_ fixture: Fixtures.Prepare) throws {
        let preprocessing = fixture.settings.preprocessing
        let bytes = try Fixtures.file(fixture.file)
        let image = try ImageDecoder.decode(bytes[...], color: preprocessing.color).image
        let mode = try #require(CropMode(rawValue: fixture.crops))
        let prepared = try preprocessing.prepare(image, crops: mode, scales: fixture.scales ?? [])
        #expect(prepared.count == fixture.resultCount)
        #expect(prepared.allSatisfy { $0.channels == fixture.channels })
        #expect(prepared.allSatisfy { $0.height == fixture.height && $0.width == fixture.width })
        let expected = Fixtures.values(fixture.offset, fixture.count)
        let values = prepared.flatMap(\.values)
        try #require(values.count == expected.count)
        let worst = expected.indices.max {
            abs(values[$0] - expected[$0]) < abs(values[$1] - expected[$1])
        }
        let index = try #require(worst)
        let difference = abs(values[index] - expected[index])
        #expect(
            difference <= 1e-6 * max(1, abs(expected[index])),
            "value \(index) is \(values[index]) instead of \(expected[index])"
        )
    }

    @Test func `every pixel value is normalised in double precision`() throws {
        let image = Image(width: 256, height: 1, channels: 1, pixels: Array(0...255))
        let preprocessing = Preprocessing(color: .gray, mean: [0.1307], std: [0.3081])
        let values = try preprocessing.prepare(image, crops: .center)[0].values
        for (pixel, value) in values.enumerated() {
            #expect(value == Float((Double(pixel) * (1 / 255) - 0.1307) / 0.3081))
        }
    }

    @Test func `the longer side is cut to whole pixels`() {
        for (height, width, expected) in [
            (375, 500, ImageSize(height: 256, width: 341)), (500, 375, ImageSize(height: 341, width: 256)),
            (333, 333, ImageSize(height: 256, width: 256)), (1, 3, ImageSize(height: 256, width: 768)),
        ] {
            let size = Preprocessing.Resize.shorterSide(256).size(of: ImageSize(height: height, width: width))
            #expect(size == expected)
        }
    }

    // swift-format-ignore
    @Test(arguments: [
        (Preprocessing(resize: .shorterSide(0)),              "`resize` is 0 but must be 1 to 65535"),
        (Preprocessing(resize: .exact(height: 5, width: -1)), "`resize` is -1 but must be 1 to 65535"),
        (Preprocessing(resize: .shorterSide(.max)),           "`resize` is \(Int.max) but must be 1 to 65535"),
        (Preprocessing(pad: -1),                              "`pad` is -1 but must be 0 to 65535"),
        (Preprocessing(crop: ImageSize(height: 0, width: 9)), "`crop` is 0 but must be 1 to 65535"),
        (Preprocessing(mean: [0.5]),                          "`mean` has 1 values but color rgb needs 3"),
        (Preprocessing(color: .gray, std: [1, 1]),            "`std` has 2 values but color gray needs 1"),
        (Preprocessing(std: [1, 0, 1]),                       "`std` is 0.0 but must be greater than 0"),
        (Preprocessing(scale: .infinity),                     "`scale` is inf but must be a finite number"),
    ])
    func `settings that cannot be meant are named`(_ preprocessing: Preprocessing, _ message: String) throws {
        let image = Image(width: 1, height: 1, channels: 3, pixels: [1, 2, 3])
        let error = #expect(throws: PreprocessingError.self) { try preprocessing.validate() }
        #expect(error?.description == message)
        #expect(throws: PreprocessingError.self) { try preprocessing.prepare(image, crops: .ten) }
    }

    @Test func `an image of other channels is refused`() {
        let image = Image(width: 1, height: 1, channels: 1, pixels: [1])
        #expect(throws: PreprocessingError.channels(expected: .rgb, found: 1)) {
            try Preprocessing().prepare(image, crops: .center)
        }
    }

    @Test func `a line of pixels that would be resized to a wall is refused`() throws {
        let image = Image(width: 30_000, height: 1, channels: 1, pixels: [UInt8](repeating: 7, count: 30_000))
        let preprocessing = Preprocessing(
            resize: .shorterSide(256),
            crop: ImageSize(height: 224, width: 224),
            color: .gray
        )
        let error = #expect(throws: PreprocessingError.self) {
            try preprocessing.prepare(image, crops: .five)
        }
        #expect(error?.description.contains("30000×1 pixels; resized to 7680000×256") == true)
        #expect(try preprocessing.prepare(image, crops: .center)[0].values.count == 224 * 224)
    }

    @Test func `settings at their limits are prepared or refused, whatever the image`() throws {
        let image = Image(width: 5, height: 3, channels: 1, pixels: Array(1...15))
        let most = Preprocessing.maxSide
        let small = ImageSize(height: 2, width: 2)
        for mode in CropMode.allCases {
            let padded = Preprocessing(pad: most, crop: small, color: .gray, scale: 1)
            if mode == .inception || mode == .dense { // these take the padding whole
                #expect(throws: PreprocessingError.self) { try padded.prepare(image, crops: mode) }
            } else {
                #expect(try padded.prepare(image, crops: mode).contains { $0.values.contains { $0 > 0 } })
            }
            let whole = Preprocessing(pad: most, color: .gray)
            #expect(throws: PreprocessingError.self) { try whole.prepare(image, crops: mode) }
            let stretched = Preprocessing(
                resize: .exact(height: most, width: most),
                crop: ImageSize(height: most, width: most),
                color: .gray
            )
            #expect(throws: PreprocessingError.self) { try stretched.prepare(image, crops: mode) }
        }
    }
}
