import Imaging
import Testing

@Suite struct PreparedCropsTests {
    private static let image = Image(
        width: 41,
        height: 29,
        channels: 3,
        pixels: (0..<41 * 29 * 3).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 >> 3) }
    )
    private static let size = ImageSize(height: 29, width: 41)

    // swift-format-ignore
    private static let settings: [Preprocessing] = [
        Preprocessing(resize: .shorterSide(20), crop: ImageSize(height: 17, width: 13), mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6]),
        Preprocessing(pad: 3, crop: ImageSize(height: 33, width: 49), interpolation: .bicubic, color: .bgr),
        Preprocessing(resize: .exact(height: 9, width: 12), pad: 1, crop: ImageSize(height: 40, width: 12), scale: 1, mean: [1, 2, 3]),
    ]

    /// A crop by its definition: pixel by pixel from the whole resized image, in Double.
    private func reference(
        _ placement: CropPlacement,
        _ resized: ImageSize,
        _ rule: Preprocessing
    ) -> [Float] {
        let crop = placement.crop
        let image = Self.image.resized(
            width: resized.width,
            height: resized.height,
            interpolation: rule.interpolation
        )
        let canvas = rule.crop.map { crop in
            ImageSize(
                height: max(crop.height, resized.height + 2 * rule.pad),
                width: max(crop.width, resized.width + 2 * rule.pad)
            )
        }
        let place = canvas ?? resized
        let top = rule.pad + (place.height - resized.height - 2 * rule.pad) / 2
        let left = rule.pad + (place.width - resized.width - 2 * rule.pad) / 2
        func pixel(_ x: Int, _ y: Int, _ channel: Int) -> UInt8 {
            let (x, y) = (x - left, y - top)
            guard x >= 0, x < image.width, y >= 0, y < image.height else { return 0 }
            return image.pixels[(y * image.width + x) * 3 + channel]
        }
        var cut: [UInt8] = []
        for y in 0..<crop.height {
            for x in 0..<crop.width { for c in 0..<3 { cut.append(pixel(crop.x + x, crop.y + y, c)) } }
        }
        let made = Image(width: crop.width, height: crop.height, channels: 3, pixels: cut).resized(
            width: placement.width,
            height: placement.height,
            interpolation: rule.interpolation
        )
        var values: [Float] = []
        for plane in 0..<3 {
            for y in 0..<made.height {
                for x in 0..<made.width {
                    let column = crop.isMirrored ? made.width - 1 - x : x
                    let channel = rule.color == .bgr ? 2 - plane : plane
                    let value = made.pixels[(y * made.width + column) * 3 + channel]
                    values.append(Float((Double(value) * rule.scale - rule.mean[plane]) / rule.std[plane]))
                }
            }
        }
        return values
    }

    private func write(_ index: Int, _ crops: inout PreparedCrops) throws -> [Float] {
        var values = [Float](repeating: .nan, count: crops.placements[index].count)
        var span = values.mutableSpan
        try crops.write(index, into: &span)
        return values
    }

    @Test(arguments: settings, CropMode.allCases)
    func `crops made one by one in any order are those of their definition`(
        _ rule: Preprocessing,
        _ mode: CropMode
    ) throws {
        for scales in [[], [24, 18]] {
            let plan = try rule.plan(for: Self.size, crops: mode, scales: scales)
            var crops = try PreparedCrops(plan, of: Self.image)
            let all = try rule.prepare(Self.image, crops: mode, scales: scales)
            #expect(all.map(\.placement) == plan.placements)
            for index in plan.placements.indices.reversed() {
                let placement = plan.placements[index]
                let isOwnSize = scales.isEmpty && (mode != .inception || rule.crop == nil)
                let resize = isOwnSize ? rule.resize : .shorterSide(placement.scale)
                let values = try write(index, &crops)
                #expect(values == reference(placement, resize.size(of: Self.size), rule), "crop \(index)")
                #expect(values == all[index].values, "crop \(index)")
            }
        }
    }

    @Test func `a crop that is stopped can be made again`() throws {
        let plan = try Self.settings[0].plan(for: Self.size, crops: .inception)
        var crops = try PreparedCrops(plan, of: Self.image)
        var values = [Float](repeating: .nan, count: plan.placements[5].count)
        var questions = 0
        #expect(throws: PreprocessingError.stopped) {
            var span = values.mutableSpan
            try crops.write(5, into: &span) {
                questions += 1
                return questions < 4
            }
        }
        #expect(try write(5, &crops) == Self.settings[0].prepare(Self.image, crops: .inception)[5].values)
    }

    @Test func `the cost is known before there is an image`() throws {
        let rule = Preprocessing(resize: .shorterSide(256), crop: ImageSize(height: 224, width: 224))
        let cost = try rule.cost(
            of: ImageSize(height: 300, width: 400),
            crops: .grid,
            scales: Array(256..<272)
        )
        #expect(cost.crops == 800)
        #expect(cost.bytes == 800 * 3 * 224 * 224 * 4)
        #expect(cost.workingBytes == 271 * 361 * 3) // the largest scale, whole
        #expect(cost.pixels > 16 * 400 * 300 + 800 * 224 * 224)
        let square = try rule.cost(of: ImageSize(height: 300, width: 300), crops: .inception, scales: [256])
        #expect(square.workingBytes == (256 * 256 + 256 * 256 + 224 * 224) * 3) // and a square, shrunk
        let error = #expect(throws: PreprocessingError.self) {
            try rule.cost(
                of: ImageSize(height: 300, width: 400),
                crops: .grid,
                scales: Array(256..<272),
                limits: ImageLimits(maxPixels: 40_000_000)
            )
        }
        #expect(error?.description.contains("cut into 800 of 224×224") == true)
    }

    @Test func `a scale that is named twice is refused`() {
        let error = #expect(throws: PreprocessingError.self) {
            try Self.settings[0].plan(for: Self.size, crops: .ten, scales: [24, 18, 24])
        }
        #expect(error == .duplicate(setting: "scales", found: 24))
        #expect(error?.description == "`scales` has 24 twice but each may be there once")
    }

    @Test func `a plan for an image takes the size that its file's cost tells`() throws {
        for name in try Fixtures.fileNames() where name.hasPrefix("exif") {
            let bytes = try Fixtures.file(name)
            let image = try ImageDecoder.decode(bytes[...], color: .rgb).image
            let cost = try ImageDecoder.cost(bytes[...], color: .rgb)
            #expect(cost.size == ImageSize(height: image.height, width: image.width), "\(name)")
        }
    }
}
