import Imaging
import Testing

@Suite struct CropsTests {
    private func prepared(
        _ mode: CropMode,
        width: Int,
        height: Int,
        crop: Int,
        mirror: Bool = true,
        scales: [Int] = []
    ) throws -> [PreparedCrop] {
        let image = Image(
            width: width,
            height: height,
            channels: 1,
            pixels: [UInt8](repeating: 9, count: width * height)
        )
        let preprocessing = Preprocessing(
            crop: ImageSize(height: crop, width: crop),
            color: .gray,
            mirror: mirror
        )
        return try preprocessing.prepare(image, crops: mode, scales: scales)
    }

    private func crops(_ mode: CropMode, width: Int, height: Int, crop: Int, mirror: Bool = true) throws
        -> [Crop]
    {
        try prepared(mode, width: width, height: height, crop: crop, mirror: mirror).map(\.crop)
    }

    private func crop(_ x: Int, _ y: Int, _ isMirrored: Bool = false) -> Crop {
        Crop(x: x, y: y, width: 4, height: 4, isMirrored: isMirrored)
    }

    @Test func `offsets of the centre round half to even`() throws {
        for (side, offset) in [(4, 0), (5, 0), (6, 1), (7, 2), (8, 2), (9, 2), (10, 3), (11, 4)] {
            #expect(try crops(.center, width: side, height: 4, crop: 4) == [crop(offset, 0)], "side \(side)")
        }
    }

    @Test func `ten crops are the five of the image and the five of its mirror image`() throws {
        #expect(
            try crops(.ten, width: 9, height: 6, crop: 4) == [
                crop(0, 0), crop(5, 0), crop(0, 2), crop(5, 2), crop(2, 1),
                crop(5, 0, true), crop(0, 0, true), crop(5, 2, true), crop(0, 2, true), crop(3, 1, true),
            ]
        )
    }

    @Test func `a model whose labels mirroring would change has no mirrored crops`() throws {
        for (mode, count) in [
            (CropMode.center, 1), (.mirror, 1), (.five, 5), (.ten, 5), (.grid, 25), (.inception, 72),
            (.dense, 1),
        ] {
            let crops = try crops(mode, width: 9, height: 6, crop: 4, mirror: false)
            #expect(crops.count == count && !crops.contains(where: \.isMirrored))
        }
    }

    @Test func `an image smaller than the crop is centred on zeros`() throws {
        let image = Image(width: 2, height: 1, channels: 1, pixels: [1, 2])
        let preprocessing = Preprocessing(crop: ImageSize(height: 4, width: 5), color: .gray, scale: 1)
        let prepared = try preprocessing.prepare(image, crops: .center)
        #expect(
            prepared[0].values == [
                0, 0, 0, 0, 0,
                0, 1, 2, 0, 0,
                0, 0, 0, 0, 0,
                0, 0, 0, 0, 0,
            ]
        )
    }

    @Test func `the grid has five by five positions and those of the mirror image`() throws {
        let grid = try crops(.grid, width: 14, height: 9, crop: 4)
        // Free: 10 columns, 5 rows; quarters 0, 2.5, 5, 7.5, 10 and 0, 1.25, 2.5, 3.75, 5, halves to even.
        let places = [0, 1, 2, 4, 5].flatMap { y in [0, 2, 5, 8, 10].map { x in (x, y) } }
        #expect(grid.count == 50)
        #expect(grid.prefix(25) == places.map { crop($0, $1) }[...])
        #expect(grid.suffix(25) == places.map { crop(10 - $0, $1, true) }[...])
    }

    // swift-format-ignore
    @Test func `inception takes six crops of three squares at four scales`() throws {
        // Crops of 7 have the scales 8, 9, 10, 11; an image of 12×8 becomes 12×8, 13×9, 15×10, 16×11.
        let all = try prepared(.inception, width: 12, height: 8, crop: 7)
        #expect(all.count == 144)
        #expect(all.allSatisfy { $0.height == 7 && $0.width == 7 })
        #expect(all.map(\.scale) == [8, 9, 10, 11].flatMap { Array(repeating: $0, count: 36) })
        func box(_ x: Int, _ y: Int, _ side: Int = 7, _ isMirrored: Bool = false) -> Crop {
            Crop(x: x, y: y, width: side, height: side, isMirrored: isMirrored)
        }
        #expect(all[0..<18].map(\.crop) == [
            box(0, 0), box(1, 0), box(0, 1), box(1, 1), box(0, 0), box(0, 0, 8),
            box(2, 0), box(3, 0), box(2, 1), box(3, 1), box(2, 0), box(2, 0, 8),
            box(4, 0), box(5, 0), box(4, 1), box(5, 1), box(4, 0), box(4, 0, 8),
        ])
        #expect(all[18..<24].map(\.crop) == [
            box(5, 0, 7, true), box(4, 0, 7, true), box(5, 1, 7, true), box(4, 1, 7, true), box(5, 0, 7, true), box(4, 0, 8, true),
        ])
        // At the last scale squares of 11 begin at 0, 2.5 → 2 and 5; the centre of a square is 2 further in.
        #expect(all[108 + 6..<108 + 12].map(\.crop) == [
            box(2, 0), box(6, 0), box(2, 4), box(6, 4), box(4, 2), box(2, 0, 11),
        ])
        let tall = try prepared(.inception, width: 8, height: 12, crop: 7)
        #expect(tall[6..<12].map(\.crop) == [box(0, 2), box(1, 2), box(0, 3), box(1, 3), box(0, 2), box(0, 2, 8)])
    }

    @Test func `the published sizes of inception are those of crops of 224`() throws {
        let image = Image(width: 300, height: 300, channels: 1, pixels: [UInt8](repeating: 1, count: 90_000))
        let preprocessing = Preprocessing(crop: ImageSize(height: 224, width: 224), color: .gray)
        let prepared = try preprocessing.prepare(image, crops: .inception)
        #expect(Set(prepared.map(\.scale)) == [256, 288, 320, 352])
        #expect(try preprocessing.prepare(image, crops: .inception, scales: [230]).count == 36)
    }

    @Test func `dense takes the whole image at each scale, and its mirror image`() throws {
        let all = try prepared(.dense, width: 30, height: 20, crop: 8, scales: [10, 20])
        #expect(all.map(\.width) == [15, 15, 30, 30] && all.map(\.height) == [10, 10, 20, 20])
        #expect(all.map(\.crop.isMirrored) == [false, true, false, true])
        let small = try prepared(.dense, width: 30, height: 20, crop: 8, scales: [4])
        #expect(small[0].width == 8 && small[0].height == 8) // 6×4 would be too small for a crop
    }

    @Test func `several scales give all crops of a mode at each`() throws {
        let all = try prepared(.ten, width: 30, height: 20, crop: 8, scales: [10, 12, 20])
        #expect(all.map(\.scale) == [10, 12, 20].flatMap { Array(repeating: $0, count: 10) })
        #expect(all[3].crop == Crop(x: 7, y: 2, width: 8, height: 8, isMirrored: false))
        #expect(all[23].crop == Crop(x: 22, y: 12, width: 8, height: 8, isMirrored: false))
        let error = #expect(throws: PreprocessingError.self) {
            try prepared(.ten, width: 30, height: 20, crop: 8, scales: [10, 0])
        }
        #expect(error?.description == "`scales` is 0 but must be 1 to 65535")
    }
}
